# SPDX-License-Identifier: Apache-2.0
"""Chains of files of the driver ``nfs``: snapshots that come and go in any order, and workers killed at any step.

A worker that dies is stood in for by an exception that no code catches, right before a step; a real process is killed
while qemu-img moves data, at the end.
"""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import shutil
import subprocess

import pytest

from blockctl import exceptions
from blockctl.drivers import qemu
from blockctl.drivers.nfs import records

from . import other_process

pytestmark = pytest.mark.drivers('nfs-raw', 'nfs-qcow2')

MIB = 1 << 20


def taken(stand, volume):
    snapshot = stand.snapshot(volume)
    stand.driver.create_snapshot(snapshot, stand.effect())
    return snapshot


def of_snapshot(stand, snapshot, size=3):
    """A volume made of a snapshot."""
    volume = stand.volume(size)
    stand.driver.create_from_snapshot(volume, snapshot, stand.effect())
    return volume


def fill(stand, volume, pattern, mib, offset=0):
    subprocess.run(['qemu-io', '-f', 'raw', '-c', f'write -P {pattern} {offset}M {mib}M', stand.driver.locator(volume)],
                   check=True, capture_output=True, timeout=60)


def format_of(stand, volume):
    return 'qcow2' if stand.driver.locator(volume).startswith('json:') else 'raw'


def has(stand, snapshot, pattern, offset=0):
    """Whether the file of a snapshot has a block, as QEMU reads it: the driver is not asked."""
    path = stand.directory / f'{snapshot.volume.name}@{snapshot.name}'
    with path.open('rb') as file:
        file_format = 'qcow2' if file.read(4) == b'QFI\xfb' else 'raw'
    done = subprocess.run(['qemu-io', '-r', '-f', file_format, '-c', f'read -P {pattern} {offset}M 64k', path],
                          check=False, capture_output=True, timeout=60, text=True)
    assert 'ops' in done.stdout, done.stdout + done.stderr
    return 'verification failed' not in done.stdout


@pytest.fixture
def history(stand):
    """(volume, [(snapshot, the pattern it has at 0)]): three, between which the volume was written to and grew."""
    volume = stand.made()
    stand.write(volume, 0x50, 10)
    taken_ = []
    for number in range(3):
        stand.write(volume, 0x60 + number)
        stand.write(volume, 0x70 + number, 20 + number)
        taken_.append((taken(stand, volume), 0x60 + number))
        if number == 1:
            stand.driver.extend(volume, 2, stand.effect())
    stand.write(volume, 0x69)
    return volume, taken_


def check_history(stand, volume, snapshots):
    """The volume and each snapshot have what they should."""
    assert stand.holds(volume, 0x69) and stand.holds(volume, 0x50, 10) and stand.holds(volume, 0x72, 22)
    assert stand.holds(volume, 0, 1500)
    assert stand.size(volume) == 2 << 30
    for snapshot, pattern in snapshots:
        number = pattern - 0x60
        for value, offset in ((pattern, 0), (0x70 + number, 20 + number), (0, 21 + number), (0x50, 10)):
            assert has(stand, snapshot, value, offset)


def test_each_snapshot_makes_a_volume(stand, history):
    volume, snapshots = history
    check_history(stand, volume, snapshots)
    for number, (snapshot, pattern) in enumerate(snapshots):
        new = of_snapshot(stand, snapshot)
        assert stand.size(new) == 3 << 30
        for value, offset in ((pattern, 0), (0x70 + number, 20 + number), (0, 21 + number), (0x50, 10), (0, 2500)):
            assert stand.holds(new, value, offset)
        stand.write(new, 0x11)
    check_history(stand, volume, snapshots)


@pytest.mark.parametrize('order', list(itertools.permutations(range(3))))
def test_snapshots_go_in_any_order(stand, history, order):
    volume, snapshots = history
    left = dict(enumerate(snapshots))
    for number in order:
        snapshot, _ = left.pop(number)
        stand.driver.delete_snapshot(snapshot, stand.effect())
        check_history(stand, volume, left.values())
        stand.driver.delete_snapshot(snapshot, stand.effect(epoch=2))
    assert stand.everything() == {volume.name, f'.blockctl/formats/{volume.name}'}
    subprocess.run(['qemu-img', 'check', '-f', format_of(stand, volume), stand.directory / volume.name],
                   check=format_of(stand, volume) == 'qcow2', capture_output=True, timeout=60)
    stand.driver.delete(volume, stand.effect())
    assert not stand.everything()


@pytest.mark.drivers('nfs-raw')
def test_what_is_less_is_moved(stand):
    """The volume is raw again, or not, as its own file was the smaller one."""
    for before, after, expected in ((8, 1, 'raw'), (1, 8, 'qcow2')):
        volume = stand.made()
        fill(stand, volume, 0x11, before)
        snapshot = taken(stand, volume)
        assert format_of(stand, volume) == 'qcow2'
        fill(stand, volume, 0x12, after, 20)
        stand.driver.delete_snapshot(snapshot, stand.effect())
        assert format_of(stand, volume) == expected
        assert stand.holds(volume, 0x11) and stand.holds(volume, 0x12, 20)
        assert stand.another().locator(volume) == stand.driver.locator(volume)
        stand.driver.extend(volume, 2, stand.effect())
        assert stand.size(volume) == 2 << 30 and stand.holds(volume, 0x11)


@pytest.mark.drivers('nfs-raw')
def test_what_a_volume_is_is_known_after_data_went_up_and_then_down(stand):
    volume = stand.made()
    fill(stand, volume, 0x11, 8)
    first = taken(stand, volume)
    fill(stand, volume, 0x12, 1)
    second = taken(stand, volume)
    fill(stand, volume, 0x13, 3, 20)
    for snapshot in (second, first):
        stand.driver.delete_snapshot(snapshot, stand.effect())
    assert format_of(stand, volume) == 'raw'
    assert stand.holds(volume, 0x12) and stand.holds(volume, 0x11, 1) and stand.holds(volume, 0x13, 20)


def test_a_volume_goes_back_to_its_latest_snapshot_only(stand, history):
    volume, snapshots = history
    with pytest.raises(exceptions.BackendError, match='not the latest'):
        stand.driver.revert(volume, snapshots[0][0], stand.effect())
    stand.driver.revert(volume, snapshots[2][0], stand.effect())
    assert stand.holds(volume, 0x62) and stand.size(volume) == 2 << 30
    stand.driver.delete_snapshot(snapshots[2][0], stand.effect())
    stand.driver.revert(volume, snapshots[1][0], stand.effect())
    assert stand.holds(volume, 0x61) and stand.holds(volume, 0, 22) and stand.holds(volume, 0, 1500)


def test_files_name_each_other_without_a_directory(stand, history):
    """A share is mounted elsewhere on each host."""
    volume, snapshots = history
    told = subprocess.run(['qemu-img', 'info', '-U', '-f', 'qcow2', stand.directory / volume.name], check=True,
                          capture_output=True, timeout=60, text=True).stdout
    assert f'backing file: {volume.name}@{snapshots[2][0].name} (actual path' in told
    assert 'backing file format: qcow2' in told


def test_a_snapshot_of_which_nothing_is_left_is_none(stand):
    volume = stand.made()
    absent = stand.snapshot(volume)
    for call, *arguments in ((stand.driver.create_from_snapshot, stand.volume(), absent),
                             (stand.driver.revert, volume, absent)):
        with pytest.raises(exceptions.NotFoundOnBackend):
            call(*arguments, stand.effect())


def test_a_volume_with_snapshots_gets_another_name(stand, history):
    volume, snapshots = history
    renamed = stand.volume(2)
    stand.driver.rename(renamed, volume.name, stand.effect())
    moved = [(stand.snapshot(renamed), pattern) for _, pattern in snapshots]
    for (new, _), (old, _) in zip(moved, snapshots, strict=True):
        stand.driver.rename_snapshot(new, old.name, stand.effect())
    check_history(stand, renamed, moved)
    assert not [name for name in stand.everything() if volume.name in name]
    assert volume.name.encode() not in b''.join(
        (stand.directory / name).read_bytes()[:MIB] for name in stand.everything() if not name.startswith('.')
        and (stand.directory / name).stat().st_size < 1 << 30)


# --- killed between two steps
class KilledError(BaseException):
    """Nothing catches it: what would have been done after it is left, as by a process that is killed."""


@contextlib.contextmanager
def dying_before(monkeypatch, number):
    """The step ``number`` is not reached. Gives a list that says, after the ``with`` block, whether there was one."""
    steps, died = [], []

    def step(call):
        def counted(*arguments, **named):
            if len(steps) == number:
                raise KilledError
            steps.append(call.__name__)
            return call(*arguments, **named)
        return counted

    with monkeypatch.context() as patch:
        for owner, name in ((os, 'rename'), (os, 'link'), (os, 'unlink'), (os, 'ftruncate'), (os, 'fchmod'),
                            (qemu, 'run'), (records.Records, '_touch')):
            patch.setattr(owner, name, step(getattr(owner, name)))
        try:
            yield died
        except KilledError:
            died.append(number)


class Play:
    """A volume with two snapshots, something to be made of it, and what has to be so all the time."""

    def __init__(self, stand):
        self.stand = stand
        self.volume = stand.made()
        fill(stand, self.volume, 0x21, 2)
        self.first = taken(stand, self.volume)
        fill(stand, self.volume, 0x22, 1)
        self.second = taken(stand, self.volume)
        fill(stand, self.volume, 0x23, 1, 1)
        self.gone = None
        self.new = stand.volume(2)
        self.third = stand.snapshot(self.volume)

    def check(self):
        """The volume, and the snapshots but one that is being deleted, are as they were."""
        stand, volume = self.stand, self.volume
        assert stand.holds(volume, 0x22) and stand.holds(volume, 0x23, 1)
        for snapshot, pattern in ((self.first, 0x21), (self.second, 0x22)):
            if snapshot is not self.gone:
                assert has(stand, snapshot, pattern) and has(stand, snapshot, 0x21, 1)

    def undo(self):
        """What was to be made goes."""
        self.stand.another().delete(self.new, self.stand.effect(epoch=7))
        self.stand.another().delete_snapshot(self.third, self.stand.effect(epoch=7))
        left = {name for name in self.stand.everything() if not name.startswith('.')}
        assert left == {self.volume.name, *(f'{self.volume.name}@{each.name}' for each in (self.first, self.second)
                                            if each is not self.gone)}

    def clear(self):
        """Everything goes."""
        self.undo()
        for snapshot in (self.second, self.first):
            self.stand.driver.delete_snapshot(snapshot, self.stand.effect(epoch=8))
        self.stand.driver.delete(self.volume, self.stand.effect(epoch=9))
        assert not self.stand.everything()


def done_create(play):
    assert play.stand.size(play.new) == 2 << 30 and play.stand.holds(play.new, 0)


def done_clone(play):
    assert play.stand.holds(play.new, 0x22) and play.stand.holds(play.new, 0x23, 1)
    assert play.stand.size(play.new) == 2 << 30


def done_create_from_snapshot(play):
    assert play.stand.holds(play.new, 0x21) and play.stand.holds(play.new, 0x21, 1)


def done_create_snapshot(play):
    assert has(play.stand, play.third, 0x22) and has(play.stand, play.third, 0x23, 1)
    fill(play.stand, play.volume, 0x24, 1, 2)
    assert has(play.stand, play.third, 0, 2)
    fill(play.stand, play.volume, 0, 1, 2)


def done_delete(play):
    assert play.new.name not in play.stand.found()


#: name -> (what is done with a driver and an effect, what is so after it)
PLAYS = {
    'create': (lambda play, driver, effect: driver.create(play.new, effect), done_create),
    'clone': (lambda play, driver, effect: driver.clone(play.new, play.volume, effect), done_clone),
    'create_from_snapshot': (lambda play, driver, effect: driver.create_from_snapshot(play.new, play.first, effect),
                             done_create_from_snapshot),
    'create_snapshot': (lambda play, driver, effect: driver.create_snapshot(play.third, effect), done_create_snapshot),
    'delete': (lambda play, driver, effect: driver.delete(play.new, effect), done_delete),
}


def killed_at_each_step(play, monkeypatch, operation, prepare):
    """Before each step in turn; then for once not."""
    for number in itertools.count():
        prepare()
        with dying_before(monkeypatch, number) as died:
            operation(play, play.stand.driver, play.stand.effect(epoch=1))
        yield
        if not died:
            assert number > 2
            return


@pytest.mark.parametrize('name', PLAYS)
def test_a_worker_killed_before_any_step_leaves_what_the_next_finishes(stand, monkeypatch, name):
    operation, done = PLAYS[name]
    play = Play(stand)
    prepare = (lambda: stand.driver.create(play.new, stand.effect())) if name == 'delete' else (lambda: None)
    for _ in killed_at_each_step(play, monkeypatch, operation, prepare):
        play.check()
        operation(play, stand.another(), stand.effect(epoch=2))
        play.check()
        done(play)
        assert not [found.name for found in stand.driver.find() if found.partial]
        play.undo()
    play.clear()


@pytest.mark.parametrize('name', ['create', 'clone', 'create_from_snapshot', 'create_snapshot'])
def test_a_worker_killed_before_any_step_leaves_what_the_next_takes_back(stand, monkeypatch, name):
    """What was being made is deleted, and nothing of it is left but what the next creation clears away."""
    operation, _ = PLAYS[name]
    play = Play(stand)
    for _ in killed_at_each_step(play, monkeypatch, operation, lambda: None):
        if name == 'create_snapshot':
            stand.another().delete_snapshot(play.third, stand.effect(epoch=2))
            stand.another().create_snapshot(play.third, stand.effect(epoch=3))
        play.undo()
        play.check()
    play.clear()


@pytest.mark.parametrize('which', ['first', 'second'])
def test_a_worker_killed_while_it_deletes_a_snapshot_leaves_what_the_next_finishes(stand, monkeypatch, which):
    number, died = 0, True
    while died:
        play = Play(stand)
        play.gone = getattr(play, which)
        with dying_before(monkeypatch, number) as died:
            stand.driver.delete_snapshot(play.gone, stand.effect())
        play.check()
        stand.another().delete_snapshot(play.gone, stand.effect(epoch=2))
        play.check()
        play.clear()
        number += 1
    assert number > 3


def test_another_snapshot_is_taken_where_one_was_left_half_taken(stand, monkeypatch):
    """Whose worker is at it again later."""
    play = Play(stand)
    for _ in killed_at_each_step(play, monkeypatch, PLAYS['create_snapshot'][0], lambda: None):
        fill(stand, play.volume, 0x25, 1, 5)
        fourth = taken(stand, play.volume)
        fill(stand, play.volume, 0, 1, 5)
        stand.driver.create_snapshot(play.third, stand.effect(epoch=3))
        assert has(stand, play.third, 0x22) and has(stand, fourth, 0x22) and has(stand, fourth, 0x25, 5)
        stand.driver.delete_snapshot(fourth, stand.effect())
        play.undo()
        play.check()
    play.clear()


@pytest.mark.parametrize('what', ['rename', 'rename_snapshot'])
def test_a_renaming_that_was_broken_off_is_finished(stand, monkeypatch, what):
    number, died = 0, True
    while died:
        play = Play(stand)
        arguments = {'rename': (play.new, play.volume.name), 'rename_snapshot': (play.third, play.first.name)}[what]
        with dying_before(monkeypatch, number) as died:
            getattr(stand.driver, what)(*arguments, stand.effect())
        for epoch in (2, 3):
            getattr(stand.another(), what)(*arguments, stand.effect(epoch=epoch))
        if what == 'rename':
            play.volume, play.new = play.new, play.volume
            play.first, play.second, play.third = (
                dataclasses.replace(each, volume=play.volume) for each in (play.first, play.second, play.third))
        else:
            play.first, play.third = play.third, play.first
        assert {found.name for found in stand.driver.manageable_snapshots()} == {play.first.name, play.second.name}
        play.check()
        play.clear()
        number += 1
    assert number > 3


def test_a_snapshot_that_takes_data_in_is_none_any_more(stand, monkeypatch):
    """Its deletion was begun, and cannot be taken back: whatever its row says then, nobody gets what is in it now."""
    volume = stand.made()
    fill(stand, volume, 0x31, 4)
    snapshot = taken(stand, volume)
    fill(stand, volume, 0x32, 1)

    def killed_after(arguments, *more):
        run(arguments, *more)
        if arguments[0] == 'commit':
            raise KilledError
    run = qemu.run
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(qemu, 'run', killed_after)
        stand.driver.delete_snapshot(snapshot, stand.effect())
    for call, *arguments in ((stand.driver.create_from_snapshot, stand.volume(), snapshot),
                             (stand.driver.revert, volume, snapshot)):
        with pytest.raises(exceptions.BackendError, match='being deleted'):
            call(*arguments, stand.effect())
    assert stand.holds(volume, 0x32) and stand.holds(volume, 0x31, 1)
    later = taken(stand, volume)
    stand.driver.delete_snapshot(snapshot, stand.effect(epoch=2))
    assert stand.holds(of_snapshot(stand, later), 0x32)
    stand.driver.delete_snapshot(later, stand.effect())
    assert stand.holds(volume, 0x32) and stand.holds(volume, 0x31, 3)


def test_a_process_killed_while_data_are_moved_costs_nothing(stand, tmp_path, monkeypatch):
    """qemu-img goes with it. (A slow one, so that there is a while.)"""
    program = tmp_path / 'bin' / 'qemu-img'
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = commit ] || exec {shutil.which("qemu-img")} "$@"\n'
                       f'shift\nexec {shutil.which("qemu-img")} commit -r 4M "$@"\n')
    program.chmod(0o755)
    volume = stand.made()
    fill(stand, volume, 0x41, 64)
    snapshot = taken(stand, volume)
    fill(stand, volume, 0x42, 32)
    with monkeypatch.context() as patch:
        patch.setenv('PATH', f'{program.parent}{os.pathsep}{os.environ["PATH"]}')
        other = other_process.Other(stand)
    try:
        other.order('delete_snapshot', snapshot, kill_at_progress=0.01)
        other.wait_dead()
    finally:
        other.end()
    assert pathlib.Path(stand.directory / f'{volume.name}@{snapshot.name}').exists()
    for check in (lambda: None, lambda: stand.driver.delete_snapshot(snapshot, stand.effect(epoch=2))):
        check()
        assert all(stand.holds(volume, 0x42 if offset < 32 else 0x41, offset) for offset in range(0, 64, 7))
    assert stand.everything() == {volume.name, f'.blockctl/formats/{volume.name}'}

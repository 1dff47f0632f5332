# SPDX-License-Identifier: Apache-2.0
"""The driver lvm, killed between any two of its commands: whoever comes next ends the work, or takes it away.

The guest runs what it was told to and the worker's locks end with it, so a kill is played by commands that are not run
any more; LVM does each of them wholly or not at all.
"""

import itertools

import pytest

from blockctl.drivers import interface
from blockctl.drivers.lvm import commands
from blockctl.drivers.lvm import data
from tests.contract import stands

if not stands.STORAGE_VM:
    pytest.skip("it takes the guest of tools/storage_vm: see tests/contract/test_lvm.py", allow_module_level=True)

pytestmark = pytest.mark.slow

LOOKS = {'lvs', 'vgs'}
HOST = interface.Connector(host='storage', initiator='iqn.1993-08.org.debian:01:storage')
HEADER = b'\x5a' * (1 << 20)


class Killed(BaseException):
    """Instead of the end of a process: nothing catches it, and who cleans up on the way out gets nowhere."""


class Mortal(commands.Commands):
    """The commands of a worker that makes ``left`` more changes (None: any number) before it is killed."""

    left = None
    dead = False

    def run(self, *arguments, **more):
        if self.dead:
            raise Killed
        if self.left is not None and arguments[0] not in LOOKS:
            if not self.left:
                self.dead = True
                raise Killed
            self.left -= 1
        return super().run(*arguments, **more)


@pytest.fixture(scope='module')
def lvm_stand(tmp_path_factory):
    """See stands.lvm_stands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, 'PIECE', 1 << 30)  # a volume in one command: what comes after each piece is the same
        with stands.lvm_stands(tmp_path_factory.mktemp('lvm'), volume_clear_size=1) as give:
            yield give


@pytest.fixture(params=['lvm-thick', 'lvm-thin'])
def stand(request, lvm_stand):
    made = lvm_stand(request.param)
    yield made
    made.stop()


@pytest.fixture
def mortal(stand):
    """A driver that is killed when its commands say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, 'Commands', Mortal)
        return stand.another()


@pytest.fixture
def kills(stand, mortal):
    """Calls ``act(driver, effect, thing)`` for ever new things of ``make()``, killed after one change more each time.

    Gives each thing, until a call gets to its end. (Who is killed before the first change has changed nothing.)
    """
    def kills(make, act):
        for changes in itertools.count(1):
            thing = make()
            mortal._commands.left = changes
            try:
                act(mortal, stand.effect(mortal), thing)
            except Killed:
                yield thing
            else:
                assert changes > 1
                return
            finally:
                mortal._commands.left, mortal._commands.dead = None, False
    return kills


@pytest.fixture
def changes(stand, mortal):
    """How many changes a call makes."""
    def changes(call, *arguments):
        mortal._commands.left = plenty = 100
        getattr(mortal, call)(*arguments, stand.effect(mortal))
        return plenty - mortal._commands.left
    return changes


@pytest.fixture
def source(stand):
    """A volume with data, and a snapshot of it with others; as small as only one that was brought in can be."""
    volume = stand.volume()
    room = ('-V', '64m', '--thinpool', f'{stand.group}-pool') if stand.name == 'lvm-thin' else ('-L', '64m')
    assert stand.guest('lvcreate', '-q', '-y', *room, '-n', volume.name, stand.group).returncode == 0
    snapshot = stand.snapshot(volume)
    stand.write(volume, 0x11)
    stand.driver.create_snapshot(snapshot, stand.effect())
    stand.write(volume, 0x22)
    return volume, snapshot


def targets(stand):
    return stand.guest('blockctl-rtstool', 'show').stdout


def second(stand):
    """A lease of the worker that comes next."""
    return stand.effect(epoch=2)


def drop(stand, *volumes):
    """Make room, faster than the driver does."""
    names = [f'{stand.group}/{volume.name}' for volume in volumes]
    assert stand.guest('lvremove', '-f', '-y', *names).returncode == 0


# --- what makes a volume: (the call, what the volume begins with)
MAKERS = {
    'create_encrypted': (lambda driver, effect, volume, _: driver.create_encrypted(volume, HEADER, effect), 0x5a),
    'clone': (lambda driver, effect, volume, source: driver.clone(volume, source[0], effect), 0x22),
    'create_from_snapshot': (
        lambda driver, effect, volume, source: driver.create_from_snapshot(volume, source[1], effect), 0x11),
}


@pytest.mark.parametrize('maker', MAKERS)
def test_what_makes_a_volume_is_ended_or_taken_away(stand, source, kills, maker):
    make, pattern = MAKERS[maker]
    before = stand.everything()

    def act(driver, effect, volume):
        make(driver, effect, volume, source)

    for volume in kills(stand.volume, act):
        # Only what is complete has its name, and all that is there is told of.
        left = stand.everything() - before
        found = stand.found()
        assert left and left == found.keys() - before
        assert all(found[name].partial for name in left)
        assert left.isdisjoint(each.name for each in stand.driver.manageable())
        assert left.isdisjoint(each.name for each in stand.driver.manageable_snapshots())
        stand.driver.delete(volume, second(stand))
        assert stand.everything() == before
    complete = stand.everything() - before
    assert len(complete) == 1
    for volume in kills(stand.volume, act):
        act(stand.driver, second(stand), volume)
        assert stand.everything() - before - complete == {volume.name}
        assert stand.size(volume) == 1 << 30
        assert stand.holds(volume, pattern)
        drop(stand, volume)


def test_what_takes_one_command_is_done_or_not(stand, source, changes):
    """So it is enough that it can be repeated, which the contract says."""
    volume, snapshot = stand.volume(), stand.snapshot(source[0])
    for call, thing in (('create', volume), ('create_snapshot', snapshot), ('delete_snapshot', snapshot)):
        assert changes(call, thing) == 1
        getattr(stand.driver, call)(thing, second(stand))
    assert changes('disconnect', volume, None) == 1
    if stand.name == 'lvm-thin':
        assert changes('extend', volume, 2) == 1


def test_delete_is_ended(stand, kills):
    def exported():
        volume = stand.made()
        stand.driver.connect(volume, HOST, stand.effect())
        return volume

    for volume in kills(exported, lambda driver, effect, volume: driver.delete(volume, effect)):
        stand.driver.delete(volume, second(stand))
        assert not stand.everything()
        assert volume.name not in targets(stand)
    assert not stand.everything()


@pytest.mark.parametrize('stand', ['lvm-thick'], indirect=True)
def test_extend_is_ended(stand, kills):
    """Of one with a snapshot, which is taken out of service for it."""
    def made():
        volume = stand.made()
        stand.write(volume, 0x33)
        stand.driver.create_snapshot(stand.snapshot(volume), stand.effect())
        return volume

    for volume in kills(made, lambda driver, effect, volume: driver.extend(volume, 2, effect)):
        stand.driver.extend(volume, 2, second(stand))
        assert stand.size(volume) == 2 << 30
        assert stand.holds(volume, 0x33)
        drop(stand, volume)


def test_revert_is_ended(stand, kills):
    """Of one that was extended since, and stays so."""
    snapshots = {}

    def made():
        volume = stand.made()
        snapshot = snapshots[volume.id] = stand.snapshot(volume)
        stand.write(volume, 0x44)
        stand.driver.create_snapshot(snapshot, stand.effect())
        stand.driver.extend(volume, 2, stand.effect())
        stand.write(volume, 0x55)
        return stand.volume(2, id=volume.id, name=volume.name)

    for volume in kills(made, lambda driver, effect, volume: driver.revert(volume, snapshots[volume.id], effect)):
        stand.driver.revert(volume, snapshots[volume.id], second(stand))
        assert stand.holds(volume, 0x44)
        assert stand.size(volume) == 2 << 30
        assert [each.volume for each in stand.driver.manageable_snapshots() if each.volume == volume.name]
        drop(stand, volume)

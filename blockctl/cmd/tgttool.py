# SPDX-License-Identifier: Apache-2.0
"""blockctl-tgttool: looks at tgtd's iSCSI targets, makes and mends them. The driver lvm runs it as root.

One target for a volume, with the device as LUN 1, and the names of the initiators that may log in.  What is served is
kept in files of tgt-admin's format, one for a volume, from which ``restore``, and what starts tgtd, make it again.  A
file is written before tgtd serves more, and after it serves less: it names all that a call that was killed may leave.

The CHAP secret is taken from the environment (BLOCKCTL_CHAP_SECRET).  tgtadm, however, takes it as an argument.

Exit status: 0 done, 2 it could not be done.
"""

import contextlib
import dataclasses
import ipaddress
import itertools
import os
import pathlib
import re
import sys
import time

from blockctl.cmd import targettool
from blockctl.cmd import tgtd
from blockctl.cmd import tgtexport

PROGRAM = 'blockctl-tgttool'
_SECONDS = 20  # for sessions to end, or to come back
_PAUSE = 0.1  # between two looks at them
#: SCSI's caching mode page, without a write cache: tgtd then tells hosts of writes when the device has them.
_WRITE_THROUGH = 'mode_page=8:0:18:0x10:0:0xff:0xff:0:0:0xff:0xff:0xff:0xff:0x80:0x14:0:0:0:0:0:0'


def export(daemon, args):
    """let an initiator log in to a device; again is the same as once"""
    _refuse_unserved(daemon, args.portal)
    path = _path(args)
    known = tgtexport.Export.read(path) or tgtexport.Export(
        args.iqn, args.device, args.uuid, args.write_cache, args.flags, {})
    if known.device != args.device:
        raise ValueError(f'{args.iqn} is {known.device} already')
    login = (args.user, os.environ['BLOCKCTL_CHAP_SECRET']) if args.user else ()
    wanted = dataclasses.replace(known, hosts={**known.hosts, args.initiator: login})
    wanted.write(path)
    _serve(daemon, wanted)


def _refuse_unserved(daemon, portals):
    """Portals are tgtd's, not a target's: what is made by hand is lost when it starts again."""
    served = {_address(portal) for portal in re.findall(r'^Portal: (\S+),', daemon.ask('show', 'portal'), re.MULTILINE)}
    for portal in portals:
        host, port = _address(portal)
        if not served & {(host, port), (type(host)(0), port)}:
            raise ValueError(f'tgtd does not listen at {portal}: start it with --iscsi portal={portal}')


def _address(portal):
    host, port = targettool.address(portal)
    return ipaddress.ip_address(host), port


def _serve(daemon, wanted, former=()):
    """Have tgtd serve what is wanted, and to nobody else. ``former``: users of what was served before."""
    target = daemon.find(wanted.iqn) or _make(daemon, wanted.iqn)
    _set_disk(daemon, target, wanted)
    tid = ('--tid', target.tid)
    kept = list(itertools.takewhile(wanted.users.__contains__, target.users))
    leaving = target.users[len(kept):]
    # Where accounts change, nobody logs in meanwhile: a target that has none asks for no secret.
    shut = [each for each in target.initiators if leaving or each not in wanted.hosts]
    for initiator in shut:
        daemon.ask('unbind', 'target', *tid, *_rule(initiator))
    _end_sessions(daemon, target, keep=wanted.hosts)
    # The last one first: over a gap between accounts tgtd (1.0.85) loses those behind it, and it crashes when it is
    # asked to show them.
    for user in reversed(leaving):
        daemon.ask('unbind', 'account', *tid, '--user', user)
    _forget(daemon, {*leaving, *former} - {*wanted.users})
    for user, secret in filter(None, wanted.hosts.values()):
        if user not in kept:
            daemon.ask('new', 'account', '--user', user, '--password', secret, well='already exists')
            daemon.ask('bind', 'account', *tid, '--user', user)
    for initiator in wanted.hosts:
        if initiator in shut or initiator not in target.initiators:
            daemon.ask('bind', 'target', *tid, *_rule(initiator))


def _make(daemon, iqn):
    taken = {tid for tid, _, _ in daemon.listed()}
    tid = next(tid for tid in map(str, itertools.count(1)) if tid not in taken)
    daemon.ask('new', 'target', '--tid', tid, '--targetname', iqn)
    return daemon.find(iqn)


def _set_disk(daemon, target, wanted):
    lun = ('--tid', target.tid, '--lun', tgtd.LUN)
    if target.device not in (None, wanted.device):
        raise ValueError(f'{wanted.iqn} is {target.device} already')
    if not target.disk:
        flags = ['--bsoflags', wanted.flags] if wanted.flags else []
        daemon.ask('new', 'logicalunit', *lun, '--backing-store', wanted.device, *flags)
    if target.disk.get('SCSI SN') != wanted.serial:
        cache = {'on': [], 'off': [_WRITE_THROUGH]}[wanted.cache]
        daemon.ask('update', 'logicalunit', *lun, '--params', ','.join(
            [*cache, f'scsi_id={wanted.scsi_id}', f'scsi_sn={wanted.serial}']))
    if target.disk:
        _grow(daemon, target, wanted.device)


def _grow(daemon, target, device):
    """Have tgtd open a device again, if it has another size than before. Hosts that use it are logged out for it: they
    log in again by themselves, and what they write meanwhile waits. (What is under way when a device is closed fails.)
    """
    with open(device, 'rb') as file:
        size = round(file.seek(0, os.SEEK_END) / 1e6)
    if target.state == 'ready' and target.disk['Size'].startswith(f'{size} MB'):
        return
    state = ('update', 'target', '--tid', target.tid, '--name', 'state', '--value')
    daemon.ask(*state, 'offline')
    _end_sessions(daemon, target, keep=())
    with _written(device):
        daemon.ask('update', 'logicalunit', '--tid', target.tid, '--lun', tgtd.LUN, '--params',
                 f'online=0,path={device},online=1')
    daemon.ask(*state, 'ready')
    # A host that looks for the new size before it is back does not see it. Who is not back in time looks later.
    end = time.monotonic() + _SECONDS
    while len(daemon.find(target.iqn).sessions) < len(target.sessions) and time.monotonic() < end:
        time.sleep(_PAUSE)


@contextlib.contextmanager
def _written(device):
    """What is held back in memory is written by us: tgtd serves nobody while it closes a device that has such data."""
    with contextlib.ExitStack() as opened:
        if device and os.path.exists(device):
            os.fsync(opened.enter_context(open(device, 'rb')))
        yield


def _end_sessions(daemon, target, keep):
    """Log all initiators out but for some, and wait for it."""
    end = time.monotonic() + _SECONDS
    while sessions := [each for each in daemon.find(target.iqn).sessions if each[1] not in keep]:
        if time.monotonic() > end:
            raise ValueError(f'{target.iqn} is in use by {sessions[0][1]}, which cannot be logged out')
        for number, _, connection in sessions:
            if connection:
                daemon.ask('delete', 'conn', '--tid', target.tid, '--sid', number, '--cid', connection,
                           well=("can't find the session", "can't find the connection"))
        time.sleep(_PAUSE)


def _rule(initiator):
    """An address may be what somebody else, or tgt-admin, let in."""
    is_name = initiator.startswith(('iqn.', 'eui.', 'naa.'))
    return ('--initiator-name' if is_name else '--initiator-address', initiator)


def _forget(daemon, users):
    for user in users:
        daemon.ask('delete', 'account', '--user', user, well="can't find the account")


def revoke(daemon, args):
    """let an initiator (or none) log in no more; the last one takes the target with it"""
    path = _path(args)
    known, target = tgtexport.Export.read(path), daemon.find(args.iqn)
    if args.unused and target and target.sessions:
        raise ValueError(f'{args.iqn} is in use by {", ".join(initiator for _, initiator, _ in target.sessions)}')
    if target and args.initiator and not known:
        raise ValueError(f'{path} is not there: what {args.iqn} is served to is not known')
    rest = known.without(args.initiator) if known else None
    if rest and rest.hosts:
        _serve(daemon, rest, known.users)
        rest.write(path)
        return
    if target:
        _remove(daemon, target)
    _forget(daemon, {*(target.users if target else ()), *(known.users if known else ())})
    path.unlink(missing_ok=True)


def _remove(daemon, target):
    for initiator in target.initiators:
        daemon.ask('unbind', 'target', '--tid', target.tid, *_rule(initiator))
    # By force it would go at once, but tgtd gives up altogether where a session of it is still at work.
    _end_sessions(daemon, target, keep=())
    with _written(target.device):
        daemon.ask('delete', 'target', '--tid', target.tid)


def resized(daemon, args):
    """tell hosts that a device has grown"""
    known, target = tgtexport.Export.read(_path(args)), daemon.find(args.iqn)
    if known and target and target.disk:
        _grow(daemon, target, known.device)


def show(daemon, _args):
    """list targets, their devices and who may log in, as JSON"""
    targets = [tgtd.Target.read(*each) for each in daemon.listed()]
    return [{'iqn': each.iqn, 'devices': [each.device] if each.device else [], 'initiators': each.initiators,
             'sessions': [initiator for _, initiator, _ in each.sessions]} for each in targets]


def restore(daemon, args):
    """make again what was saved, where it is missing"""
    _refuse_unserved(daemon, args.portal)
    failed = []
    for path in sorted(pathlib.Path(args.directory).glob('[!.]*')):
        try:
            wanted = tgtexport.Export.read(path)
            if os.path.exists(wanted.device):
                _serve(daemon, wanted)
            else:
                print(f'{PROGRAM}: {wanted.iqn} has lost {wanted.device}', file=sys.stderr)
        except (OSError, ValueError) as error:  # the loss of one keeps no host away from the others
            print(f'{PROGRAM}: {path.name}: {error}', file=sys.stderr)
            failed.append(error)
    if failed:
        raise failed[0]


def _path(args):
    if '/' in args.name or args.name.startswith('.'):
        raise ValueError(f'{args.name!r} is no name of a volume')
    return pathlib.Path(args.directory, args.name)


def _parser():
    directory = {'--directory': {'required': True, 'help': 'of the files'}}
    volume = {**directory, '--name': {'required': True, 'help': 'of the volume on its backend'},
              '--iqn': {'required': True, 'help': 'of the target'}}
    initiator = {'required': True, 'help': 'iqn of the host'}
    portals = {'--portal': {'required': True, 'action': 'append', 'metavar': 'ADDRESS:PORT',
                            'help': 'where tgtd has to listen'}}
    return targettool.parser(PROGRAM, 'Targets of volumes, by tgtd.', {
        export: {
            **volume, **portals, '--initiator': initiator, '--device': {'required': True, 'help': 'its device node'},
            '--uuid': {'required': True, 'help': 'of the volume'},
            '--write-cache': {'choices': ['on', 'off'], 'default': 'on', 'help': 'in memory, until hosts flush it'},
            '--flags': {'default': '', 'help': 'with which tgtd opens the device: direct, sync'},
            '--user': {'help': 'CHAP user, of this host and secret alone; the secret is $BLOCKCTL_CHAP_SECRET'}},
        revoke: {**volume, '--initiator': {**initiator, 'required': False},
                 '--unused': {'action': 'store_true', 'help': 'refuse while somebody is logged in'}},
        resized: volume, show: {}, restore: {**directory, **portals}})


def main(words=None):
    return targettool.main(_parser().parse_args(words), PROGRAM, tgtd.Tgtd)


if __name__ == '__main__':
    sys.exit(main())

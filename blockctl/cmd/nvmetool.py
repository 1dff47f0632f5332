# SPDX-License-Identifier: Apache-2.0
"""blockctl-nvmetool: looks at the kernel's NVMe-oF subsystems, makes and mends them. The driver lvm runs it as root.

One subsystem for a volume, with the device as its only namespace, and a list of the hosts that may connect.  Ports are
shared: by all subsystems, and with what others made.  Subsystems of others, which are of another model, are let be.
What was made is kept in a file, from which ``restore`` makes it again after a reboot.

Exit status: 0 done, 2 it could not be done.
"""

import argparse
import contextlib
import errno
import ipaddress
import json
import pathlib
import sys
import uuid

from blockctl.cmd import targettool

PROGRAM = 'blockctl-nvmetool'
ROOT = pathlib.Path('/sys/kernel/config/nvmet')
SAVED = pathlib.Path('/etc/nvmet/blockctl.json')
#: Who is connected, by directories <nqn>/ctrl<number>: Linux 6.11 and later, where debugfs is mounted.
CONNECTED = pathlib.Path('/sys/kernel/debug/nvmet')
#: What a host sees as the model tells us our own subsystems from others.
MODEL = 'blockctl'
_SERIAL = 20  # characters a serial number has at most
_PORTS = 1 << 16


def export(root, args):
    """let a host connect to a device; again is the same as once"""
    _export(root, args)
    _save(root)


def _export(root, args):
    subsystem = root / 'subsystems' / args.nqn
    _make_subsystem(subsystem, args)
    host = root / 'hosts' / args.host
    host.mkdir(exist_ok=True)
    _link(subsystem / 'allowed_hosts' / args.host, host)
    for portal in args.portal:
        # Last: by a port that it is linked to a host finds it.
        _link(_port(root, *targettool.address(portal), args.port_id) / 'subsystems' / args.nqn, subsystem)


def _make_subsystem(subsystem, args):
    namespace = subsystem / 'namespaces' / str(args.nsid)
    subsystem.mkdir(exist_ok=True)
    if _read(namespace / 'enable') == '1':
        if _read(namespace / 'device_path') != args.device:
            raise ValueError(f'{args.nqn} is {_read(namespace / "device_path")} already')
        return
    # The same before and after a reboot: hosts go by these.
    _write(subsystem / 'attr_model', MODEL)
    _write(subsystem / 'attr_serial', uuid.UUID(args.uuid).hex[:_SERIAL])
    _write(subsystem / 'attr_allow_any_host', '0')
    namespace.mkdir(exist_ok=True)
    _write(namespace / 'device_path', args.device)
    _write(namespace / 'device_uuid', args.uuid)
    _write(namespace / 'enable', '1')


def _port(root, host, number, first):
    """The port at an address, made when there is none. Ids are taken from ``first`` on."""
    wanted = {'addr_trtype': 'tcp', 'addr_traddr': host, 'addr_trsvcid': str(number)}
    for port in (root / 'ports').iterdir():
        if all(_read(port / name) == value for name, value in wanted.items()):
            return port
    port = next(port for port in (root / 'ports' / str(each) for each in range(first, _PORTS)) if _is_free(port))
    port.mkdir(exist_ok=True)
    _write(port / 'addr_adrfam', f'ipv{ipaddress.ip_address(host).version}')
    for name in ('addr_trtype', 'addr_trsvcid', 'addr_traddr'):  # the address last: it says that the port is complete
        _write(port / name, wanted[name])
    return port


def _is_free(port):
    """It is not there, or was being made by somebody who was killed."""
    return not _read(port / 'addr_traddr') and _read(port / 'addr_trtype') in ('', 'tcp')


def revoke(root, args):
    """let a host (or none) connect no more; the last one takes the subsystem with it"""
    if args.unused and (connected := list(CONNECTED.glob(f'{args.nqn}/ctrl*'))):
        raise ValueError(f'{args.nqn} is in use by {len(connected)} connections')
    subsystem = root / 'subsystems' / args.nqn
    if subsystem.exists():
        _revoke(root, subsystem, args.host)
    _save(root)  # also when it is gone: who took it away may have been killed before


def _revoke(root, subsystem, host):
    allowed = {link.name for link in (subsystem / 'allowed_hosts').iterdir()}
    gone = allowed if host is None else allowed & {host}
    for name in gone:
        (subsystem / 'allowed_hosts' / name).unlink()
    if gone == allowed:
        _remove(root, subsystem)
    for name in gone:
        with contextlib.suppress(OSError):  # another subsystem has it
            (root / 'hosts' / name).rmdir()


def _remove(root, subsystem):
    """Cut off who is connected, and close the device."""
    for port in (root / 'ports').iterdir():
        (port / 'subsystems' / subsystem.name).unlink(missing_ok=True)
    for namespace in (subsystem / 'namespaces').iterdir():
        namespace.rmdir()
    subsystem.rmdir()


def resized(root, args):
    """tell hosts that a device has grown"""
    for namespace in (root / 'subsystems' / args.nqn).glob('namespaces/*'):
        (namespace / 'revalidate_size').write_text('1', encoding='ascii')


def show(root, _args):
    """list subsystems, their devices and who may connect, as JSON"""
    return [_shown(root, subsystem) for subsystem in sorted((root / 'subsystems').iterdir())
            if _read(subsystem / 'attr_model') == MODEL]


def _shown(root, subsystem):
    # A broken-off export has no namespace yet.
    namespace = next(iter((subsystem / 'namespaces').iterdir()), None)
    return {'nqn': subsystem.name, 'hosts': sorted(link.name for link in (subsystem / 'allowed_hosts').iterdir()),
            'nsid': namespace and int(namespace.name), 'device': namespace and _read(namespace / 'device_path'),
            'uuid': namespace and _read(namespace / 'device_uuid'),
            'portals': sorted(_written(port) for port in (root / 'ports').iterdir()
                              if (port / 'subsystems' / subsystem.name).exists())}


def _written(port):
    host = _read(port / 'addr_traddr')
    return f'[{host}]:{_read(port / "addr_trsvcid")}' if ':' in host else f'{host}:{_read(port / "addr_trsvcid")}'


def restore(root, args):
    """make again what was saved, where it is missing"""
    saved = json.loads(SAVED.read_text(encoding='utf-8')) if SAVED.exists() else ()
    failed = []
    for each in saved:
        try:
            for host in each['hosts']:
                _export(root, argparse.Namespace(**each, host=host, portal=each['portals'], port_id=args.port_id))
        except (OSError, ValueError) as error:  # the loss of one keeps no host away from the others
            failed.append((each, error))
    for each, error in failed:
        print(f'{PROGRAM}: {each["nqn"]} on {each["device"]}: {error}', file=sys.stderr)
        if _is_lost(error):
            _remove(root, root / 'subsystems' / each['nqn'])
    for _, error in failed:
        if not _is_lost(error):
            raise error


def _is_lost(error):
    """The device is gone, which is no fault of ours."""
    return getattr(error, 'errno', None) == errno.ENOENT


def _save(root):
    targettool.write(SAVED, json.dumps(show(root, None), indent=2))


def _link(link, target):
    with contextlib.suppress(FileExistsError):
        link.symlink_to(target)


def _read(path):
    """What an attribute says; '' when it is not there."""
    try:
        return path.read_text(encoding='utf-8').strip()
    except FileNotFoundError:
        return ''


def _write(path, value):
    """The kernel refuses to change what is in use, also to what it is already."""
    if _read(path) != value:
        path.write_text(value, encoding='utf-8')


def _parser():
    nqn = {'--nqn': {'required': True, 'help': 'of the subsystem'}}
    host = {'required': True, 'help': 'nqn of the host'}
    port_id = {'--port-id': {'type': int, 'default': 1, 'help': 'the first id for new ports'}}
    return targettool.parser(PROGRAM, 'NVMe-oF subsystems of volumes.', {
        export: {
            **nqn, **port_id, '--host': host, '--device': {'required': True, 'help': 'its device node'},
            '--uuid': {'required': True, 'help': 'of the namespace'},
            '--nsid': {'type': int, 'default': 1, 'help': 'id of the namespace'},
            '--portal': {'required': True, 'action': 'append', 'metavar': 'ADDRESS:PORT'}},
        revoke: {**nqn, '--host': {**host, 'required': False},
                 '--unused': {'action': 'store_true', 'help': 'refuse while somebody is connected (Linux 6.11)'}},
        resized: nqn, show: {}, restore: port_id})


def _load():
    if not ROOT.is_dir():
        raise FileNotFoundError(f'{ROOT}: load the module nvmet, and mount configfs')
    return ROOT


def main(words=None):
    return targettool.main(_parser().parse_args(words), PROGRAM, _load)


if __name__ == '__main__':
    sys.exit(main())

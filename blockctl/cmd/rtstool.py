# SPDX-License-Identifier: Apache-2.0
"""blockctl-rtstool: looks at LIO's iSCSI targets, makes and mends them. The driver lvm runs it as root.

One target for a volume, with the device as LUN 0, and one access list entry for each initiator that may log in.  The
CHAP secret is taken from the environment (BLOCKCTL_CHAP_SECRET): arguments can be seen by everybody on a machine.
What was made is kept in LIO's own file, from which ``restore`` makes it again after a reboot.

Exit status: 0 done, 2 it could not be done.
"""

import argparse
import contextlib
import fcntl
import json
import os
import sys

SAVED = '/etc/target/saveconfig.json'
_LOCK = '/run/blockctl-rtstool.lock'
_LUN = 0


def export(lio, args):
    """let an initiator log in to a device; again is the same as once"""
    backstore = _backstore(lio, args.name, args.device)
    group = _group(lio, args.iqn)
    for address in args.portal:
        host, _, port = address.rpartition(':')
        if not any((portal.ip_address, str(portal.port)) == (host.strip('[]'), port)
                   for portal in group.network_portals):
            lio.NetworkPortal(group, host.strip('[]'), int(port), mode='any')
    luns = list(group.luns) or [lio.LUN(group, _LUN, backstore)]
    entry = next((acl for acl in group.node_acls if acl.node_wwn == args.initiator), None)
    entry = entry or lio.NodeACL(group, args.initiator)
    if not list(entry.mapped_luns):
        lio.MappedLUN(entry, _LUN, luns[0].lun)
    if args.user:
        entry.chap_userid, entry.chap_password = args.user, os.environ['BLOCKCTL_CHAP_SECRET']
    group.set_attribute('authentication', '1' if args.user else '0')
    group.enable = True
    _save(lio)
    return []


def _backstore(lio, name, device):
    for found in lio.RTSRoot().storage_objects:
        if found.name == name:
            if found.udev_path != device:
                raise ValueError(f'{name} is {found.udev_path} already')
            return found
    return lio.BlockStorageObject(name, dev=device)


def _group(lio, iqn):
    target = next((each for each in lio.RTSRoot().targets if each.wwn == iqn), None)
    return lio.TPG(target or lio.Target(lio.FabricModule('iscsi'), iqn), 1)


def revoke(lio, args):
    """let an initiator (or none) log in no more; the last one takes the target with it"""
    if args.unused:
        _refuse_sessions(lio, args.iqn)
    for target in [each for each in lio.RTSRoot().targets if each.wwn == args.iqn]:
        for group in list(target.tpgs):
            for entry in list(group.node_acls):
                if args.initiator in (None, entry.node_wwn):
                    entry.delete()
            if not list(group.node_acls):
                target.delete()
                break
    if not any(each.wwn == args.iqn for each in lio.RTSRoot().targets):
        for backstore in list(lio.RTSRoot().storage_objects):
            if backstore.name == args.name:
                backstore.delete()
    _save(lio)
    return []


def _refuse_sessions(lio, iqn):
    logged_in = [entry.node_wwn for target in lio.RTSRoot().targets if target.wwn == iqn
                 for group in target.tpgs for entry in group.node_acls if entry.session]
    if logged_in:
        raise ValueError(f'{iqn} is in use by {", ".join(logged_in)}')


def show(lio, args):
    """list targets, their devices and who may log in, as JSON"""
    return [{'iqn': target.wwn, 'devices': [lun.storage_object.udev_path for lun in group.luns],
             'portals': [f'{portal.ip_address}:{portal.port}' for portal in group.network_portals],
             'initiators': [acl.node_wwn for acl in group.node_acls]}
            for target in lio.RTSRoot().targets for group in target.tpgs]


def restore(lio, args):
    """make again what was saved, where it is missing"""
    if not list(lio.RTSRoot().targets) and os.path.exists(SAVED):
        lio.RTSRoot().restore_from_file(SAVED)
    return []


def _save(lio):
    os.makedirs(os.path.dirname(SAVED), mode=0o700, exist_ok=True)
    lio.RTSRoot().save_to_file(SAVED)


def _parser():
    parser = argparse.ArgumentParser(prog='blockctl-rtstool', description='iSCSI targets of volumes.',
                                     epilog='Exit status: 0 done, 2 it could not be done.')
    verbs = parser.add_subparsers(metavar='VERB', required=True)
    for function in (export, revoke, show, restore):
        verb = verbs.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        verb.set_defaults(function=function)
        if function in (export, revoke):
            verb.add_argument('--name', required=True, help='of the volume on its backend')
            verb.add_argument('--iqn', required=True, help='of the target')
            verb.add_argument('--initiator', required=function is export, help='iqn of the host')
        if function is revoke:
            verb.add_argument('--unused', action='store_true', help='refuse while somebody is logged in')
        if function is export:
            verb.add_argument('--device', required=True, help='its device node')
            verb.add_argument('--portal', required=True, action='append', metavar='ADDRESS:PORT')
            verb.add_argument('--user', help='CHAP user; its secret is $BLOCKCTL_CHAP_SECRET')
    return parser


@contextlib.contextmanager
def _alone():
    """LIO has no transactions: one at a time."""
    with open(_LOCK, 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main():
    args = _parser().parse_args()
    try:
        import rtslib_fb as lio
        with _alone():
            answer = args.function(lio, args)
    except Exception as error:
        print(f'blockctl-rtstool: {type(error).__name__}: {error}', file=sys.stderr)
        return 2
    if answer:
        print(json.dumps(answer, indent=2))
    return 0


if __name__ == '__main__':
    sys.exit(main())

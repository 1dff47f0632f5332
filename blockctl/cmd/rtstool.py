# SPDX-License-Identifier: Apache-2.0
"""blockctl-rtstool: looks at LIO's iSCSI targets, makes and mends them. The driver lvm runs it as root.

One target for a volume, with the device as LUN 0, and one access list entry for each initiator that may log in.  The
CHAP secret is taken from the environment (BLOCKCTL_CHAP_SECRET): arguments can be seen by everybody on a machine.
What was made is kept in LIO's own file, from which ``restore`` makes it again after a reboot.

Exit status: 0 done, 2 it could not be done.
"""

import json
import os
import sys

from blockctl.cmd import targettool

PROGRAM = 'blockctl-rtstool'
SAVED = '/etc/target/saveconfig.json'
_LUN = 0


def export(lio, args):
    """let an initiator log in to a device; again is the same as once"""
    backstore = _backstore(lio, args.name, args.device)
    group = _group(lio, args.iqn)
    serve(lio, group, args.portal, args.iser)
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


def serve(lio, group, portals, iser):
    """Make a group's portals, where they are missing. ``iser``: whether by RDMA."""
    for portal in portals:
        host, port = targettool.address(portal)
        made = lio.NetworkPortal(group, f'[{host}]' if ':' in host else host, port, mode='any')
        if made.iser != iser:
            made.iser = iser


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


def _refuse_sessions(lio, iqn):
    logged_in = [entry.node_wwn for target in lio.RTSRoot().targets if target.wwn == iqn
                 for group in target.tpgs for entry in group.node_acls if entry.session]
    if logged_in:
        raise ValueError(f'{iqn} is in use by {", ".join(logged_in)}')


def show(lio, _args):
    """list targets, their devices and who may log in, as JSON"""
    return [{'iqn': target.wwn, 'devices': [lun.storage_object.udev_path for lun in group.luns],
             'portals': [f'{portal.ip_address}:{portal.port}' for portal in group.network_portals],
             'initiators': [acl.node_wwn for acl in group.node_acls]}
            for target in lio.RTSRoot().targets for group in target.tpgs]


def restore(lio, _args):
    """make again what was saved, where it is missing"""
    if not os.path.exists(SAVED):
        return
    with open(SAVED, encoding='utf-8') as file:
        saved = json.load(file)
    root = lio.RTSRoot()
    targets = {each.wwn for each in root.targets}
    backstores = {f'/backstores/{each.plugin}/{each.name}' for each in root.storage_objects}
    for error in root.restore(missing(saved, targets, backstores)):
        print(f'{PROGRAM}: {error}', file=sys.stderr)


def missing(saved, targets, backstores):
    """What of a saved configuration is to be made: not what is there, nor what has lost its device."""
    lacking = {f'/backstores/{each["plugin"]}/{each["name"]}': each for each in saved['storage_objects']
               if os.path.exists(each.get('dev', '/'))}
    usable = lacking.keys() | backstores
    return {**saved, 'storage_objects': [each for name, each in lacking.items() if name not in backstores],
            'targets': [each for each in saved['targets'] if each['wwn'] not in targets
                        and all(lun['storage_object'] in usable for group in each['tpgs'] for lun in group['luns'])]}


def _save(lio):
    os.makedirs(os.path.dirname(SAVED), mode=0o700, exist_ok=True)
    lio.RTSRoot().save_to_file(SAVED)


def _parser():
    volume = {'--name': {'required': True, 'help': 'of the volume on its backend'},
              '--iqn': {'required': True, 'help': 'of the target'}}
    initiator = {'required': True, 'help': 'iqn of the host'}
    return targettool.parser(PROGRAM, 'iSCSI targets of volumes.', {
        export: {
            **volume, '--initiator': initiator, '--device': {'required': True, 'help': 'its device node'},
            '--portal': {'required': True, 'action': 'append', 'metavar': 'ADDRESS:PORT'},
            '--iser': {'action': 'store_true', 'help': 'by RDMA'},
            '--user': {'help': 'CHAP user; its secret is $BLOCKCTL_CHAP_SECRET'}},
        revoke: {**volume, '--initiator': {**initiator, 'required': False},
                 '--unused': {'action': 'store_true', 'help': 'refuse while somebody is logged in'}},
        show: {}, restore: {}})


def _load():
    import rtslib_fb
    return rtslib_fb


def main(words=None):
    return targettool.main(_parser().parse_args(words), PROGRAM, _load)


if __name__ == '__main__':
    sys.exit(main())

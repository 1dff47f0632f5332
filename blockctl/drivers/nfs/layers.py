# SPDX-License-Identifier: Apache-2.0
"""What snapshots do to the files of a volume, in steps that whoever comes next finds as one state or the other.

taking     a new qcow2 file, based on the snapshot's name, is made; the volume's file gets that name as well; the new
           file takes the volume's own name.  (Between the last two, the snapshot is the volume's file: none yet.)
deleting   what is less is moved: up, into the file above, which is then based on what is below; or down, from the file
           above into the snapshot's own, which then takes the name of the file above.
reverting  an empty file, based on the snapshot, takes the volume's name.
renaming   files get their new names as well, each file is told the new name of the next, the old names go.

A raw file can only be the last of a chain, and the volume's own name is all that a file can take without another having
to know: so data go down into a raw file only from the volume's own.
"""

import itertools
import os

from blockctl import exceptions
from blockctl.drivers import directories
from blockctl.drivers import names
from blockctl.drivers import qemu
from blockctl.drivers.nfs import images

_WHAT_HOSTS_BAR = 'to change the snapshots of a volume that a host has'


class LayeredImages(images.Images):
    """See the module."""

    def create_snapshot(self, snapshot, effect):
        if not self.conf.nfs_snapshot_support:
            raise exceptions.BackendUnable(ability='to take snapshots (nfs_snapshot_support)')
        volume, frozen = snapshot.volume.name, directories.snapshot_name(snapshot)
        with self._locked(snapshot.volume):
            top = self._chain(volume)[0]
            if frozen in self._frozen(volume):
                return
            self._refuse_hosts(volume, _WHAT_HOSTS_BAR)
            with self._temporary(volume, effect) as temporary:
                self._drop_unfinished(volume)
                self._make_above(temporary, frozen, top.format, top.size, effect)
                effect.check()
                os.link(self._path(volume), self._path(frozen))
                self._sync_directory()
                os.rename(self._path(temporary), self._path(volume))
            self._sync_directory()

    def delete_snapshot(self, snapshot, effect):
        volume, frozen = snapshot.volume.name, directories.snapshot_name(snapshot)
        with self._locked(snapshot.volume):
            effect.check()
            self._drop_unfinished(volume)
            if os.path.lexists(self._path(frozen)):
                self._take_out(volume, frozen, effect)
            self._records.unset_merging(frozen)
            self._sync_directory()

    def revert(self, volume, snapshot, effect):
        """It stays as large as it is: what it grew by is zeros again."""
        frozen = directories.snapshot_name(snapshot)
        with self._locked(volume):
            self._refuse_hosts(volume.name, _WHAT_HOSTS_BAR)
            top, *below = self._chain(volume.name)
            found = self._chain(frozen)[0]
            if below[:1] != [found]:
                raise exceptions.BackendError(reason=f'{frozen} is not the latest snapshot')
            with self._temporary(volume.name, effect) as temporary:
                self._make_above(temporary, frozen, found.format, top.size, effect)
                effect.check()
                os.rename(self._path(temporary), self._path(volume.name))
            self._sync_directory()

    def rename(self, volume, old_name, effect):
        old, new = names.check_foreign(old_name), names.check(volume.name)
        with self._locked(volume):
            if not os.path.lexists(self._path(old)):
                self._size(new)  # renamed before: success, once the rest is done; else it says what is missing
                effect.check()
                self._drop_names(old, new)
                return
            if os.path.lexists(self._path(new)):
                raise exceptions.BackendError(reason=f'{new} is there already')
            layers = self._chain(old)
            self._refuse_hosts(old, 'to rename a volume that a host has')
            effect.check()
            for layer in layers[1:]:
                self._link(layer.name, _of(new, layer.name))
            self._tell_next(layers, lambda name: _of(new, name), effect)
            effect.check()
            self._records.set_format(new, layers[0].format)
            os.rename(self._path(old), self._path(new))
            self._drop_names(old, new)

    def rename_snapshot(self, snapshot, old_name, effect):
        volume, new = snapshot.volume.name, directories.snapshot_name(snapshot)
        old = f'{volume}@{names.check(old_name)}'
        with self._locked(snapshot.volume):
            if not os.path.lexists(self._path(old)):
                self._size(new)  # renamed before: success; else it says what is missing
                return
            if os.path.lexists(self._path(new)) and not self.is_same(old, new):
                raise exceptions.BackendError(reason=f'{new} is there already')
            self._refuse_hosts(volume, _WHAT_HOSTS_BAR)
            layers = self._chain(volume)
            effect.check()
            self._link(old, new)
            self._tell_next(layers, lambda name: new if name == old else name, effect)
            effect.check()
            directories.unlink(self._path(old))
            self._sync_directory()

    # --- steps
    def _make_above(self, name, frozen, file_format, size, effect):
        """A file with no data of its own, complete. What it is based on need not be there yet."""
        qemu.run(['create', '-f', 'qcow2', '-u', '-b', frozen, '-F', file_format, self._path(name), str(size)], effect)
        self._complete(name)

    def _drop_unfinished(self, volume):
        """Take back a snapshot that was being taken: nothing is based on it, and it is the volume's file itself."""
        for name in os.listdir(self._directory):
            if name.startswith(f'{volume}@') and self.is_same(name, volume):
                directories.unlink(self._path(name))

    def _take_out(self, volume, frozen, effect):
        try:
            layers = self._chain(volume)
        except exceptions.NotFoundOnBackend:
            layers = ()  # the volume is gone, and nothing is based on this
        number = next((number for number, layer in enumerate(layers) if layer.name == frozen), None)
        if number is not None:
            self._refuse_hosts(volume, _WHAT_HOSTS_BAR)
            upper, middle = layers[number - 1:number + 1]
            if self._goes_down(volume, upper, middle):
                self._merge_down(volume, upper, middle, effect)
                return
            self._merge_up(upper, layers[number + 1:], effect)
            effect.check()
        if layers:
            self._records.set_format(volume, layers[0].format)  # it may have no other snapshots that tell
        directories.unlink(self._path(frozen))

    def _goes_down(self, volume, upper, middle):
        if middle.format == 'raw' and upper.name != volume:
            return False
        return self._records.is_merging(middle.name) or self._used(upper.name) <= self._used(middle.name)

    def _used(self, name):
        return os.stat(self._path(name), follow_symlinks=False).st_blocks

    def _merge_down(self, volume, upper, middle, effect):
        """From here on the snapshot is lost: what is read through the volume stays the same all the time."""
        effect.check()
        self._records.set_merging(middle.name)
        qemu.run(['commit', '-d', '-t', 'writeback', '-f', 'qcow2', self._path(upper.name)], effect)
        if upper.name == volume:
            self._records.set_format(volume, middle.format)  # for when it has no snapshots; before that, it is qcow2
        self._complete(middle.name)
        effect.check()
        os.rename(self._path(middle.name), self._path(upper.name))

    def _merge_up(self, upper, below, effect):
        onto = ['-b', below[0].name, '-F', below[0].format] if below else ['-b', '']
        qemu.run(['rebase', '-t', 'writeback', '-T', 'writeback', '-f', 'qcow2', *onto, self._path(upper.name)], effect)
        self._complete(upper.name)

    def _link(self, old, new):
        if not self.is_same(old, new):
            os.link(self._path(old), self._path(new))

    def _tell_next(self, layers, renamed, effect):
        """Each file says the new name of the next, which has it besides the old one."""
        for upper, lower in itertools.pairwise(layers):
            if renamed(lower.name) != lower.name:
                qemu.run(['rebase', '-u', '-f', 'qcow2', '-b', renamed(lower.name), '-F', lower.format,
                          self._path(upper.name)], effect)

    def _drop_names(self, old, new):
        """The rest of a renaming."""
        for name in os.listdir(self._directory):
            if name.startswith(f'{old}@') and self.is_same(name, _of(new, name)):
                directories.unlink(self._path(name))
        self._records.forget(old)
        self._sync_directory()


def _of(volume, name):
    """A snapshot's name under another volume's."""
    return f'{volume}@{name.partition("@")[2]}'

# SPDX-License-Identifier: Apache-2.0
"""The thread that does what is written down in errands.py: makes clones independent, empties the trash.

Each process that serves the pool has one.  They take turns at the trash (removal.py says why); a client that flattens
writes its address down, and leaves a watch on the image while it lives, so that the others find something else to do:
two of them at one image do no harm.  Nothing here belongs to a job: each effect is about an image's id, which is never
given twice, and is right whenever it happens.
"""

import contextlib
import errno
import random
import threading
import time
import uuid

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.drivers.rbd import clones
from blockctl.drivers.rbd import errands
from blockctl.drivers.rbd import errors
from blockctl.drivers.rbd import images

LOG = logging.getLogger(__name__)

#: Seconds from the start to the first round: commands that only have a look are over by then.
_FIRST = 5.0
#: Seconds between two rounds at least.
_PAUSE = 0.2
#: Each so many rounds, also look for snapshots that outlived their clones.
_THOROUGH = 60
#: Seconds for which one upkeep of the pool, of whatever process, is the only one to empty the trash.
_TURN = 60
#: Seconds that stop() waits for what is under way; it is taken up again by the next process.
_STOP_WAIT = 5.0
#: Not now: not due, in use, has clones, no room, another process is at it.
_LATER = {errno.EPERM, errno.EBUSY, errno.ENOTEMPTY, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ESTALE}


class Upkeep:
    """``interval``: seconds between two rounds; ``flattens``: how many images of this process are flattened at once."""

    def __init__(self, client, interval: float, flattens: int):
        #: Whoever flattens an image holds one of these.
        self.slots = threading.BoundedSemaphore(flattens)
        self._client = client
        self._interval = interval
        self._name = uuid.uuid4().hex  # among those of the pool
        self._lock = threading.Lock()
        self._flattening = set()  # ids of images
        self._waiting = False  # something in the trash waits for its clones to go
        self._kicked = threading.Event()
        self._stopping = threading.Event()
        self._thread = None

    def start(self):
        """Started already is fine."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._stopping,), name='rbd-upkeep', daemon=True)
            self._thread.start()

    def stop(self):
        """Begin nothing more."""
        self._stopping.set()
        self._kicked.set()
        if self._thread is not None:
            self._thread.join(_STOP_WAIT)

    def kick(self):
        """There is something to do."""
        self._kicked.set()

    def waits(self):
        """Something waits in the trash for its clones to go."""
        self._waiting = True

    def clone_gone(self):
        """A volume that may have been a clone was removed or flattened."""
        if self._waiting:
            self.kick()

    def _run(self, stopping):
        rounds = 0
        pause = min(self._interval, _FIRST)
        while not stopping.is_set():
            self._kicked.wait(pause * random.uniform(0.8, 1.0))
            self._kicked.clear()
            pause = self._interval
            if stopping.is_set():
                return
            try:
                if not self._round(stopping, thorough=rounds % _THOROUGH == 0):
                    pause = min(self._interval, _FIRST)
                rounds += 1
            except exceptions.Error as error:
                LOG.info('The upkeep of the pool goes on later: %s', error)
            except Exception:
                LOG.exception('A round of upkeep failed where no failure is expected.')
            stopping.wait(_PAUSE)

    def _round(self, stopping, thorough):
        """Whether it was this one's turn at all that is due."""
        with self._client.session() as session:
            found = errands.read(session)
            now = time.time()
            self._waiting = any(kind == errands.PURGE and not ('removes' in details and details['due'] > now)
                                for (kind, _), details in found.items())
            due = {i: details.get('left') for (kind, i), details in found.items()
                   if kind == errands.PURGE and details['due'] <= now}
            ours = not due or self._take_turn(session)
            if due and ours:
                try:
                    self._purge_all(session, due, stopping, thorough)
                finally:
                    errands.end_turn(session, errands.PURGE, self._name)
            for (kind, image_id), details in found.items():
                if kind == errands.FLATTEN and (errands.PURGE, image_id) not in found and not stopping.is_set():
                    self._begin_flatten(session, image_id, details)
            return ours

    # --- the trash
    def _take_turn(self, session):
        return errands.take_turn(session, errands.PURGE, self._name, _TURN)

    def _purge_all(self, session, due, stopping, thorough):
        gone = True
        while gone and not stopping.is_set():  # an image that goes may have been the last clone of another
            gone = {image_id for image_id, left in due.items() if not stopping.is_set()
                    and self._take_turn(session) and self._purge(session, image_id, left, thorough)}
            due = {image_id: left for image_id, left in due.items() if image_id not in gone}

    def _purge(self, session, image_id, left, thorough):
        """Whether the image is gone now. ``left``: the name by which it may be in the pool still."""
        if not images.exists(session, f'rbd_header.{image_id}') and not _is_in_trash(session, image_id):
            errands.forget(session, image_id)
            return True
        try:
            if left and not self._put_in_trash(session, image_id, left):
                return False
            if thorough and images.header_has(session, image_id, 'snapshot_'):
                clones.remove_unused_snapshots(session, image_id)
            if images.header_has(session, image_id, 'snapshot_'):
                return False
            if images.users_by_id(session, image_id):  # the job that removes it
                return False
            session.rbd.RBD().trash_remove(session.ioctx, image_id, on_progress=self._holding_on(session))
        except session.rbd.ImageNotFound:
            return False  # not in the trash: a removal that is about to put it there, or somebody took it out
        except Exception as error:
            if errors.number_of(error) in _LATER:
                return False
            raise
        LOG.info('The image %s is gone from the trash.', image_id)
        errands.forget(session, image_id)
        return True

    def _holding_on(self, session):
        """librbd's progress callback for a removal that may outlast the turn. It must return an int."""
        renewed = time.monotonic()

        def progress(_done, _total):
            nonlocal renewed
            if time.monotonic() - renewed > _TURN / 4:
                renewed = time.monotonic()
                with contextlib.suppress(session.rados.Error):
                    self._take_turn(session)
            return 0

        return progress

    def _put_in_trash(self, session, image_id, name):
        """Move an image to the trash that nobody flattens any more; whether it is there."""
        with self._lock:
            if image_id in self._flattening:
                return False
        if _is_in_trash(session, image_id):
            return True
        if _uses(session, image_id, errands.details(session, errands.FLATTEN, image_id).get('by')):
            return False
        session.rbd.RBD().trash_move(session.ioctx, name, 0)
        return True

    # --- flattening
    def _begin_flatten(self, session, image_id, details):
        with self._lock:
            if image_id in self._flattening:
                return
        if not images.exists(session, f'rbd_header.{image_id}'):
            errands.drop(session, errands.FLATTEN, image_id)
            return
        if _is_at_it(session, image_id, details.get('by')) or not self.slots.acquire(blocking=False):
            return
        with self._lock:
            self._flattening.add(image_id)
        threading.Thread(target=self._flatten, args=(image_id,), name='rbd-flatten', daemon=True).start()

    def _flatten(self, image_id):
        try:
            done = self._make_independent(image_id)
        finally:
            with self._lock:
                self._flattening.discard(image_id)
            self.slots.release()
        if done:
            self.kick()  # others wait for the slot, or for the end of the clone

    def _make_independent(self, image_id):
        """Whether it is now."""
        try:
            with self._client.session() as session:
                errands.add(session, errands.FLATTEN, image_id, by=session.address)
                if errands.details(session, errands.PURGE, image_id):  # removal.py looks in the other order
                    errands.add(session, errands.FLATTEN, image_id)
                    return False
                LOG.info('The image %s becomes independent of its parent.', image_id)
                with session.image(None, image_id=image_id) as image:
                    clones.flatten(session, image, None)
                errands.drop(session, errands.FLATTEN, image_id)
                return True
        except exceptions.Error as error:
            LOG.info('Making the image %s independent goes on later: %s', image_id, error)
        except Exception:
            LOG.exception('Making the image %s independent failed where no failure is expected.', image_id)
        return False


def _is_in_trash(session, image_id):
    try:
        session.rbd.RBD().trash_get(session.ioctx, image_id)
    except session.rbd.ImageNotFound:
        return False
    return True


def _is_at_it(session, image_id, address):
    """Whether another client, which lives, flattens the image."""
    return address != session.address and _uses(session, image_id, address)


def _uses(session, image_id, address):
    """Whether the client with that address has the image open for writing. None is none."""
    return address is not None and address in images.users_by_id(session, image_id)

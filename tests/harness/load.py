# SPDX-License-Identifier: Apache-2.0
"""Many creates at once, in the background, with an account of what became of each request."""

import threading

import requests

from harness import polling
from harness import rest


class Creates:
    """``threads`` clients that ask for volumes of 1 GiB, until ``most`` were accepted or :meth:`stop`.

    ``accepted``: {volume id: seconds the answer took};  ``refused``: [rest.Refused];  ``broken``: other errors.
    """

    def __init__(self, cloud, threads=4, most=None, project='demo'):
        self.accepted = {}
        self.refused = []
        self.broken = []
        self._most = most
        self._lock = threading.Lock()
        self._asked = 0
        self._stop = threading.Event()
        apis = cloud.living('api')
        self._threads = [
            threading.Thread(target=self._run, args=(cloud.client(apis[number % len(apis)], project),), daemon=True)
            for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def stop(self):
        """Ask for no more, and wait for the answers that are due."""
        self._stop.set()
        self.join(60)

    def join(self, seconds):
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive(), f'a create was not answered within {seconds} s'

    def reach(self, accepted=0, refused=0, seconds=60):
        """Wait for so many answers of each kind."""
        polling.until(lambda: (len(self.accepted) >= accepted and len(self.refused) >= refused) or not self._alive(),
                      seconds, lambda: f'{accepted} accepted and {refused} refused creates; there were '
                                       f'{len(self.accepted)} and {len(self.refused)}')
        assert not self.broken, self.broken

    def _alive(self):
        return any(thread.is_alive() for thread in self._threads)

    def _run(self, client):
        while not self._stop.is_set() and self._one_more():
            try:
                volume, seconds = client.timed_create()
                self.accepted[volume['id']] = seconds
            except rest.Refused as refused:
                self.refused.append(refused)
                with self._lock:
                    self._asked -= 1
                self._stop.wait(0.2)
            except requests.RequestException as error:
                self.broken.append(error)
                return

    def _one_more(self):
        with self._lock:
            if self._most is not None and self._asked >= self._most:
                return False
            self._asked += 1
            return True

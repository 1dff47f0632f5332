# SPDX-License-Identifier: Apache-2.0
"""Many creates at once, in the background, with an account of what became of each request."""

import threading

import requests

from tests.harness import polling
from tests.harness import rest


class Creates:
    """``threads`` clients that ask for volumes of 1 GiB, until ``most`` were accepted or :meth:`stop`.

    ``accepted``: {volume id: seconds the answer took};  ``refused``: [rest.Refused];  ``broken``: other errors, after
    which a client stops, unless ``through_all``: then it goes on with whatever API process there is.  ``pause``:
    seconds each client waits between two requests.
    """

    def __init__(self, cloud, threads=4, most=None, through_all=False, pause=0):
        self._cloud = cloud
        self._through_all = through_all
        self._pause = pause
        self.accepted = {}
        self.refused = []
        self.broken = []
        self._most = most
        self._lock = threading.Lock()
        self._asked = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

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

    def _client(self, number):
        apis = self._cloud.living('api')
        return self._cloud.client(apis[number % len(apis)])

    def _run(self, number):
        client = self._client(number)
        while not self._stop.is_set() and self._one_more():
            try:
                volume, seconds = client.timed_create()
                self.accepted[volume['id']] = seconds
                self._stop.wait(self._pause)
            except rest.Refused as refused:
                self.refused.append(refused)
                with self._lock:
                    self._asked -= 1
                self._stop.wait(0.2)
            except requests.RequestException as error:
                self.broken.append(error)
                if not self._through_all:
                    return
                self._stop.wait(0.2)
                client = self._client(number)

    def _one_more(self):
        with self._lock:
            if self._most is not None and self._asked >= self._most:
                return False
            self._asked += 1
            return True

# SPDX-License-Identifier: Apache-2.0
"""The requests that tests make of the API, by hand; functional tests use openstacksdk as well."""

import time

import requests

from tests.harness import polling

VERSION = '3.71'


class Refused(Exception):
    """An answer of 400 or more. ``code``, ``headers``, ``message`` and ``seconds`` it took."""

    def __init__(self, answer):
        self.code = answer.status_code
        self.headers = answer.headers
        self.seconds = answer.elapsed.total_seconds()
        try:
            [fault] = answer.json().values()
            self.message = fault['message']
        except (ValueError, KeyError, TypeError, AttributeError):
            self.message = answer.text
        super().__init__(f'{answer.request.method} {answer.url}: {self.code} {self.message}')


class Client:
    """One project's use of one API. Not for several threads at once: each takes its own."""

    def __init__(self, url, project='demo', timeout=30):
        self.url = url
        self.project = project
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies
        self._session.headers['OpenStack-API-Version'] = f'volume {VERSION}'

    def ask(self, method, path, body=None, **options):
        """The JSON of an answer, or None where there is none. Raises Refused, or requests' own errors."""
        answer = self._session.request(method, f'{self.url}/v3/{self.project}{path}', json=body,
                                       timeout=self._timeout, **options)
        if answer.status_code >= 400:
            raise Refused(answer)
        return answer.json() if answer.content else None

    def create(self, size=1, **fields):
        """Ask for a volume; returns it as answered (202)."""
        return self.ask('POST', '/volumes', {'volume': {'size': size, **fields}})['volume']

    def timed_create(self):
        """(volume, seconds its answer took)."""
        began = time.monotonic()
        volume = self.create()
        return volume, time.monotonic() - began

    def show(self, volume_id):
        """The volume, or None when it is gone."""
        try:
            return self.ask('GET', f'/volumes/{volume_id}')['volume']
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def volumes(self):
        return self.ask('GET', '/volumes/detail')['volumes']

    def delete(self, volume_id, **options):
        self.ask('DELETE', f'/volumes/{volume_id}', **options)

    def messages(self, volume_id):
        """User messages about a volume, latest first."""
        found = self.ask('GET', '/messages')['messages']
        return [message for message in found if message['resource_uuid'] == volume_id]

    def until(self, volume_id, status, seconds=30):
        """Wait for a volume to have ``status`` (None: to be gone); returns it. Ends early when it will never."""
        final = {'available', 'error', 'error_deleting'} - {status}

        def look():
            volume = self.show(volume_id)
            now = volume and volume['status']
            seen[:] = [now]
            assert not (status in ('available', None) and now in final and now != 'available'), \
                f'volume {volume_id} is {now} instead of {status or "gone"}'
            return now == status and (volume or True)

        seen = []
        return polling.until(look, seconds, lambda: f'volume {volume_id} {status or "gone"}; it is {seen[0]}')

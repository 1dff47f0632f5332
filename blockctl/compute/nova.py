# SPDX-License-Identifier: Apache-2.0
"""The compute service, as far as volumes need it: a few requests with credentials of our own, each bounded.

The section [nova] says where it is and who we are there, in the options of keystoneauth (auth_type and what it asks
for, cafile, timeout, ...).  Without auth_type there is no compute service to speak to.
"""

import json
import threading

from oslo_log import log as logging

from blockctl import exceptions

LOG = logging.getLogger(__name__)

GROUP = 'nova'

#: Seconds for one request, where [nova] timeout does not say otherwise.
TIMEOUT = 10

#: The first microversion of the compute API, which tells administrators where a server runs.
FIRST = '2.1'

#: The first one that knows of extended volumes.
VOLUME_EXTENDED = '2.51'

#: The first one that names the attachments of servers.
ATTACHMENT_IDS = '2.89'


class Nova:
    """Made once per process; safe for any number of threads. Imports and connects when it is first asked."""

    def __init__(self, conf):
        self._conf = conf
        self._lock = threading.Lock()
        self._session = None
        self._looked = False

    @property
    def configured(self):
        """Whether [nova] says who we are there."""
        return self._asked() is not None

    def volume_extended(self, server_ids, volume_id, global_request_id=None):
        """Tell servers that a volume of theirs has grown. Returns the ids of those that will not take note of it.

        Raises BackendUnavailable when the compute service cannot be asked now.
        """
        events = [{'name': 'volume-extended', 'server_uuid': server_id, 'tag': volume_id} for server_id in server_ids]
        answer = self._request('POST', '/os-server-external-events', VOLUME_EXTENDED, global_request_id,
                               json={'events': events})
        if answer.status_code == 404:
            return list(server_ids)  # it knows none of them
        if answer.status_code not in (200, 207):
            raise exceptions.BackendUnavailable(reason=f'the compute service answers {answer.status_code}')
        return [event['server_uuid'] for event in answer.json()['events'] if event.get('code') != 200]

    def host_of(self, server_id, global_request_id=None):
        """The machine that a server runs on; None: there is no such server, or we may not know.

        Raises BackendUnavailable when the compute service cannot be asked now.
        """
        answer = self._request('GET', f'/servers/{server_id}', FIRST, global_request_id)
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise exceptions.BackendUnavailable(reason=f'the compute service answers {answer.status_code}')
        try:
            return answer.json()['server'].get('OS-EXT-SRV-ATTR:host') or None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise exceptions.BackendUnavailable(reason='the compute service answers something else') from error

    def uses(self, ctx, server_id, volume_id, attachment_id):
        """Whether a server has a volume, by this attachment.

        Asks with the account of [nova], or else with the caller's own token, as his catalog says: that names no compute
        service where there is none.  Raises BackendUnavailable when it cannot be found out.
        """
        session = self._asked() or self._of_caller(ctx)
        if session is None:
            return False
        answer = self._request('GET', f'/servers/{server_id}/os-volume_attachments/{volume_id}', ATTACHMENT_IDS,
                               ctx.global_request_id, session)
        if answer.status_code == 404:
            return False
        if answer.status_code != 200:
            raise exceptions.BackendUnavailable(reason=f'the compute service answers {answer.status_code}')
        try:
            return answer.json()['volumeAttachment']['attachment_id'] == attachment_id
        except (ValueError, KeyError, TypeError) as error:
            raise exceptions.BackendUnavailable(reason='the compute service answers something else') from error

    def _of_caller(self, ctx):
        """A session with the caller's token, or None when his catalog has no compute service."""
        from keystoneauth1 import loading
        from keystoneauth1 import token_endpoint

        section = self._conf[GROUP]
        url = _endpoint(ctx.catalog, section.interface, section.region_name)
        if url is None:
            return None
        return loading.load_session_from_conf_options(
            self._conf, GROUP, auth=token_endpoint.Token(url, ctx.auth_token), timeout=section.timeout or TIMEOUT)

    def _request(self, method, path, microversion, global_request_id=None, session=None, **options):
        """An answer of any status, within the bound. Raises BackendUnavailable."""
        from keystoneauth1 import exceptions as keystone_exceptions

        session = session or self._asked()
        if session is None:
            raise exceptions.BackendUnavailable(reason='[nova] auth_type is not set')
        section = self._conf[GROUP]
        headers = {'X-OpenStack-Request-ID': global_request_id} if global_request_id else {}
        try:
            return session.request(
                path, method, raise_exc=False, headers=headers, microversion=microversion,
                endpoint_filter={'service_type': 'compute', 'interface': section.interface,
                                 'region_name': section.region_name}, **options)
        except keystone_exceptions.ClientException as error:
            raise exceptions.BackendUnavailable(reason=f'the compute service: {error}') from error

    def _asked(self):
        """keystoneauth's session, or None where nothing is configured."""
        with self._lock:
            if not self._looked:
                self._session = self._load()
                self._looked = True
            return self._session

    def _load(self):
        # Imported here: some 100 ms that only those processes pay that speak to servers.
        from keystoneauth1 import loading

        loading.register_auth_conf_options(self._conf, GROUP)
        loading.register_session_conf_options(self._conf, GROUP)
        auth = loading.load_auth_from_conf_options(self._conf, GROUP)
        if auth is None:
            return None
        timeout = self._conf[GROUP].timeout or TIMEOUT
        return loading.load_session_from_conf_options(self._conf, GROUP, auth=auth, timeout=timeout)


def _endpoint(catalog, interface, region):
    """The compute service's URL in a catalog as keystonemiddleware hands it on (JSON, or None), or None."""
    for service in json.loads(catalog or '[]'):
        if service.get('type') == 'compute':
            for endpoint in service.get('endpoints', ()):
                if region in (None, endpoint.get('region')) and endpoint.get(f'{interface}URL'):
                    return endpoint[f'{interface}URL']
    return None

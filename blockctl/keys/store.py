# SPDX-License-Identifier: Apache-2.0
"""The key manager, as far as volumes need it: castellan behind a few calls, each bounded, on behalf of a project.

A key belongs to the project of its volume, whose users' hosts have to read it; it is made and removed by jobs, long
after the token of the request: with an account of blockctl's own ([key_manager] auth_type = keystone_password) that
has a role in the projects (doc/adr/0009).  Secrets stay in here: what comes out is ids, and headers.
"""

import concurrent.futures
import threading

from oslo_log import log as logging

from blockctl import encryption
from blockctl import exceptions
from blockctl.keys import luks

LOG = logging.getLogger(__name__)

GROUP = 'key_manager'

#: What the fixed key is called in [key_manager] backend, here and in the reference.
FIXED = frozenset({'blockctl.keys.fixed.FixedKeyManager', 'cinder.keymgr.conf_key_mgr.ConfKeyManager'})

#: More keys than a volume has of one name.
_MANY = 100


class KeyStore:
    """Made once per process; safe for any number of threads. Imports and connects when it is first asked.

    Every call raises KeyManagerUnavailable when the key manager cannot be asked now, or does not answer in time (which
    means: it may have done it); and KeyRefused, or ConfigurationError, when it has not done it and will not.
    """

    def __init__(self, conf):
        self._conf = conf
        self._lock = threading.Lock()
        self._loaded = None

    def make(self, project_id, name, settings):
        """The id of a new key, of the size that the type's ``settings`` ask for."""
        wanted = encryption.plan(settings)
        return self._ask(project_id, lambda manager, who: manager.create_key(
            who, algorithm=wanted.algorithm, length=wanted.key_bits, name=name))

    def copy(self, project_id, key_id, to_project_id, name):
        """The id of a new key that opens the same, in another project or the same."""
        secret = self._ask(project_id, lambda manager, who: manager.get(who, key_id))

        def store(manager, who):
            return manager.store(who, type(secret)(secret.algorithm, secret.bit_length, secret.get_encoded(), name))

        return self._ask(to_project_id, store)

    def named(self, project_id, name):
        """Ids of the project's keys of this name."""
        return self._ask(project_id, lambda manager, who: _named(manager, who, name))

    def delete(self, project_id, key_id):
        """Remove a key; absent is fine."""
        try:
            self._ask(project_id, lambda manager, who: manager.delete(who, key_id))
        except exceptions.KeyNotFound:
            LOG.info('Key %s is gone already.', key_id)

    def header(self, project_id, key_id, settings):
        """What a volume begins with that this key opens (bytes). Raises BackendError when it cannot be made."""
        secret = self._ask(project_id, lambda manager, who: manager.get(who, key_id)).get_encoded()
        wanted = encryption.plan(settings)
        return luks.header(secret, wanted.cipher, wanted.cipher_bits)

    # --- asking
    def _ask(self, project_id, request):
        """What ``request(manager, credentials)`` returns, in a thread of its own: nothing in there is bounded."""
        answer = concurrent.futures.Future()

        def run():
            try:
                answer.set_result(request(self._manager(), self._credentials(project_id)))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=run, name='key-manager', daemon=True).start()
        seconds = self._conf.key_manager.call_timeout
        try:
            return answer.result(seconds)
        except exceptions.Error:
            raise
        except concurrent.futures.TimeoutError as error:
            raise exceptions.KeyManagerUnavailable(reason=f'no answer within {seconds} s') from error
        except Exception as error:
            raise _translated(error) from error

    def _manager(self):
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self):
        # Imported here: almost a second that only those processes pay that have to do with keys.
        from castellan import key_manager
        from castellan.common import utils

        self._conf.register_opts(key_manager.key_manager_opts, GROUP)
        self._conf.register_opts(utils.credential_opts, GROUP)
        if self._conf.key_manager.backend in FIXED:
            # castellan would take the fixed key for a relic, and put a key manager of its own around this one.
            from blockctl.keys import fixed
            return fixed.FixedKeyManager(self._conf)
        return key_manager.API(self._conf)

    def _credentials(self, project_id):
        """Who asks: blockctl's own account, in the project where it can be in any; else as it is configured."""
        from castellan.common import utils
        from castellan.common.credentials import keystone_password
        from oslo_context import context

        section = self._conf.key_manager
        if section.auth_type == 'keystone_password':
            return keystone_password.KeystonePassword(
                section.password, auth_url=section.auth_url, username=section.username, user_id=section.user_id,
                user_domain_id=section.user_domain_id, user_domain_name=section.user_domain_name,
                project_id=project_id, reauthenticate=section.reauthenticate)
        if section.auth_type:
            return utils.credential_factory(conf=self._conf)
        if _barbican(self._loaded) is not None:
            raise exceptions.ConfigurationError(reason='[key_manager] auth_type is not set')
        return context.RequestContext(project_id=project_id, overwrite=False)


def _barbican(manager):
    """What makes a client of Barbican for some credentials, where castellan asks that; else None."""
    return getattr(manager, '_get_barbican_client', None)


def _named(manager, who, name):
    client = _barbican(manager)
    if client is not None:
        # castellan's own list ends after ten secrets of the project, whatever their names.
        found = client(who).secrets.list(limit=_MANY, name=name)
        return [secret.secret_ref.rpartition('/')[2] for secret in found]
    return [each.id for each in manager.list(who, metadata_only=True) if each.name == name]


def _translated(error):
    from castellan.common import exception

    if isinstance(error, exception.ManagedObjectNotFoundError):
        return exceptions.KeyNotFound()
    if isinstance(error, exception.Forbidden):
        return exceptions.KeyRefused()
    LOG.warning('The key manager failed: %s: %s', type(error).__name__, error)
    return exceptions.KeyManagerUnavailable(reason=type(error).__name__)

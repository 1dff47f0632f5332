# SPDX-License-Identifier: Apache-2.0
"""The key manager as volumes see it: whose keys they are, what its failures mean, the fixed key of the reference."""

import threading
import types

import pytest
from castellan.common import exception
from castellan.common.credentials import keystone_password
from castellan.common.objects import symmetric_key

import memory_keys
from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.conf.key_manager import FIXED_KEY_ID
from blockctl.keys import fixed
from blockctl.keys import store

SETTINGS = {'provider': 'luks', 'cipher': None, 'key_size': None, 'control_location': 'front-end'}
OURS, THEIRS = 'a' * 32, 'b' * 32


def make_store(tmp_path, *lines):
    path = tmp_path / 'blockctl.conf'
    path.write_text('\n'.join(['[key_manager]', *lines]))
    return store.KeyStore(configuration.load([], files=[str(path)]))


@pytest.fixture
def keys(app):
    return memory_keys.put_in(app)


def test_a_key_belongs_to_the_project_of_its_volume(app, keys):
    key_id = app.keys.make(OURS, 'mine', SETTINGS)
    assert list(keys.keys) == [(OURS, key_id)]
    assert app.keys.named(OURS, 'mine') == [key_id]
    assert app.keys.named(OURS, 'other') == app.keys.named(THEIRS, 'mine') == []


def test_a_copy_opens_the_same_in_another_project(app, keys):
    key_id = app.keys.make(OURS, 'mine', SETTINGS)
    copy_id = app.keys.copy(OURS, key_id, THEIRS, 'copy')
    app.keys.delete(OURS, key_id)
    assert list(keys.keys) == [(THEIRS, copy_id)]
    assert app.keys.named(THEIRS, 'copy') == [copy_id]
    assert len(keys.keys[THEIRS, copy_id].get_encoded()) == 32


def test_what_is_gone_is_deleted_but_not_read(app, keys):
    app.keys.delete(OURS, 'gone')
    with pytest.raises(exceptions.KeyNotFound):
        app.keys.header(OURS, 'gone', SETTINGS)


@pytest.mark.parametrize(('failure', 'error'), [
    (exception.Forbidden(), exceptions.KeyRefused), (exception.KeyManagerError(reason='x'),
                                                     exceptions.KeyManagerUnavailable),
    (OSError('no route'), exceptions.KeyManagerUnavailable)])
def test_failures(app, keys, failure, error):
    keys.fails = [failure]
    with pytest.raises(error):
        app.keys.make(OURS, 'mine', SETTINGS)


def test_what_does_not_answer_is_not_waited_for(app, keys):
    app.conf.set_override('call_timeout', 1, 'key_manager')
    released = threading.Event()
    keys.list = lambda *args, **options: released.wait(30)
    with pytest.raises(exceptions.KeyManagerUnavailable, match='no answer within 1 s'):
        app.keys.named(OURS, 'mine')
    released.set()


def test_barbican_is_asked_by_name():
    """castellan lists ten of a project's secrets and no more; a double, for Barbican does not run here."""
    asked = {}

    def listed(**options):
        asked.update(options)
        return [types.SimpleNamespace(secret_ref='http://127.0.0.1/v1/secrets/one')]

    barbican = types.SimpleNamespace(_get_barbican_client=lambda who: types.SimpleNamespace(
        secrets=types.SimpleNamespace(list=listed)))
    assert store._named(barbican, None, 'mine') == ['one']
    assert asked == {'name': 'mine', 'limit': 100}


def test_our_own_account_asks_in_the_project_of_the_key(tmp_path):
    keys = make_store(
        tmp_path, 'backend = barbican', 'auth_type = keystone_password', 'auth_url = http://127.0.0.1:5000/v3',
        'username = blockctl', 'password = secret', 'user_domain_name = Default', 'project_name = service')
    keys._manager()
    who = keys._credentials(THEIRS)
    assert isinstance(who, keystone_password.KeystonePassword)
    assert (who.username, who.project_id, who.project_name) == ('blockctl', THEIRS, None)


def test_barbican_without_an_account_is_not_asked(tmp_path):
    with pytest.raises(exceptions.ConfigurationError, match='auth_type'):
        make_store(tmp_path, 'backend = barbican').make(OURS, 'mine', SETTINGS)


def test_other_credentials_are_as_they_are_configured(tmp_path):
    keys = make_store(tmp_path, 'backend = vault', 'auth_type = token', 'token = t')
    keys._manager()
    assert keys._credentials(OURS).token == 't'


# --- the fixed key
@pytest.mark.parametrize('name', sorted(store.FIXED))
def test_one_key_for_everything(tmp_path, name):
    keys = make_store(tmp_path, f'backend = {name}', f'fixed_key = {"0f" * 32}')
    assert type(keys._manager()) is fixed.FixedKeyManager
    assert keys.make(OURS, 'mine', SETTINGS) == FIXED_KEY_ID
    assert keys.copy(OURS, FIXED_KEY_ID, THEIRS, 'copy') == FIXED_KEY_ID
    assert keys.named(OURS, 'mine') == []
    assert keys.header(THEIRS, FIXED_KEY_ID, SETTINGS)[:6] == b'LUKS\xba\xbe'
    keys.delete(OURS, FIXED_KEY_ID)
    assert keys.header(OURS, FIXED_KEY_ID, SETTINGS)
    with pytest.raises(exceptions.KeyNotFound):
        keys.header(OURS, 'another', SETTINGS)


def test_it_keeps_no_other_key(tmp_path):
    keys = make_store(tmp_path, 'backend = blockctl.keys.fixed.FixedKeyManager', f'fixed_key = {"0f" * 32}')
    with pytest.raises(exception.KeyManagerError):
        keys._manager().store(None, symmetric_key.SymmetricKey('AES', 256, b'\1' * 32))


@pytest.mark.parametrize(('line', 'reason'), [('', 'is not set'), ('fixed_key = xy', 'hexadecimal'),
                                              ('fixed_key = abc', 'hexadecimal')])
def test_a_fixed_key_that_is_none(tmp_path, line, reason):
    keys = make_store(tmp_path, 'backend = blockctl.keys.fixed.FixedKeyManager', line)
    with pytest.raises(exceptions.ConfigurationError, match=reason):
        keys.make(OURS, 'mine', SETTINGS)

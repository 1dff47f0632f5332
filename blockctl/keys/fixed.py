# SPDX-License-Identifier: Apache-2.0
"""One key for everything, from the configuration. Whoever has that has all data: for tests, and what grew from them.

Its id is the one that the reference's fixed key has, so volumes of either are read with the key of the other.
"""

import binascii

from castellan.common import exception
from castellan.common.objects import symmetric_key
from castellan.key_manager import key_manager

from blockctl import exceptions
from blockctl.conf.key_manager import FIXED_KEY_ID


class FixedKeyManager(key_manager.KeyManager):
    """castellan's interface. It makes and removes nothing, and is told so in vain."""

    def __init__(self, configuration):
        super().__init__(configuration)
        digits = configuration.key_manager.fixed_key
        if not digits:
            raise exceptions.ConfigurationError(reason='[key_manager] fixed_key is not set')
        try:
            self._secret = binascii.unhexlify(digits)
        except (binascii.Error, ValueError):
            raise exceptions.ConfigurationError(
                reason='[key_manager] fixed_key is not an even number of hexadecimal digits') from None

    def create_key(self, context, algorithm=None, length=None, expiration=None, name=None, **kwargs):
        return FIXED_KEY_ID

    def create_key_pair(self, context, algorithm, length, expiration=None, name=None):
        raise NotImplementedError('there is one key, and it is symmetric')

    def store(self, context, managed_object, expiration=None):
        if managed_object.get_encoded() != self._secret:
            raise exception.KeyManagerError(reason='there is one key, and this is another')
        return FIXED_KEY_ID

    def get(self, context, managed_object_id, metadata_only=False):
        self._known(managed_object_id)
        return symmetric_key.SymmetricKey('AES', len(self._secret) * 8, self._secret, id=FIXED_KEY_ID)

    def delete(self, context, managed_object_id, force=False):
        self._known(managed_object_id)

    def add_consumer(self, context, managed_object_id, consumer_data):
        self._known(managed_object_id)

    def remove_consumer(self, context, managed_object_id, consumer_data):
        self._known(managed_object_id)

    @staticmethod
    def _known(key_id):
        if key_id != FIXED_KEY_ID:
            raise exception.ManagedObjectNotFoundError(uuid=key_id)

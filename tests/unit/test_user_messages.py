# SPDX-License-Identifier: Apache-2.0
"""The catalogue of user messages: numbers that clients know mean what they know, and no number is there twice."""

import pytest

from blockctl import user_messages

#: The numbers of the reference (its catalogue, as its messages show it) that ours share, by what they are about.
KNOWN = {
    'ALLOCATE_VOLUME': '001', 'UPDATE_ATTACHMENT': '004', 'EXTEND_VOLUME': '007', 'CREATE_VOLUME': '008',
    'CREATE_SNAPSHOT': '009', 'DELETE_SNAPSHOT': '010',
    'UNKNOWN': '001', 'NO_POOL': '003', 'NOT_TOLD': '009', 'NOT_EXTENDED': '010', 'NOT_CREATED': '012',
    'NOT_TAKEN': '013', 'SNAPSHOT_NOT_DELETED': '016', 'NOT_CONNECTED': '021', 'NOT_DISCONNECTED': '022',
}



def entries(kind):
    return {name: entry for name, entry in vars(user_messages).items() if isinstance(entry, kind)}


@pytest.mark.parametrize('kind', [user_messages.Action, user_messages.Detail])
def test_no_number_is_there_twice(kind):
    numbers = [entry.number for entry in entries(kind).values()]
    assert sorted(numbers) == sorted(set(numbers))


@pytest.mark.parametrize('name', sorted(KNOWN))
def test_shared_numbers_are_the_references(name):
    assert getattr(user_messages, name).number == KNOWN[name]


@pytest.mark.parametrize('kind', [user_messages.Action, user_messages.Detail])
def test_texts_are_for_tenants(kind):
    for entry in entries(kind).values():
        assert len(entry.number) == 3 and entry.number.isdigit()
        assert 0 < len(entry.text) <= 200 and '%' not in entry.text


def test_an_event_and_its_text():
    action, detail = user_messages.CREATE_SNAPSHOT, user_messages.NOT_TAKEN
    assert user_messages.event_id('snapshot', action, detail) == 'VOLUME_VOLUME_SNAPSHOT_009_013'
    assert user_messages.text(action, detail, 'More.') == f'{action.text}: {detail.text} More.'

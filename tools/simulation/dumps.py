# SPDX-License-Identifier: Apache-2.0
"""What ``blockctl-manage pool dump`` wrote, read again. Whatever is wrong with it is said, with where it is."""

import json

from simulation import fleets
from simulation.installations import Installation
from simulation.installations import PoolRecord
from simulation.installations import Volumes
from simulation.installations import Wish

#: What blockctl/cmd/manage/pool.py writes.
FORMAT = 'blockctl-pools/1'

_STATES = {'up': True, 'disabled': False, 'down': None}

_TEXT, _OBJECT, _NUMBER = (str,), (dict,), (int,)
_NUMBER_OR_NONE, _TEXT_OR_NONE = (int, type(None)), (str, type(None))

#: What each thing in it has, and the types that it may have in Python.
_POOL = {'name': _TEXT, 'state': _TEXT, 'claimed': _NUMBER, 'claimed_at_report': _NUMBER, 'foreign': _NUMBER,
         'bound': _NUMBER_OR_NONE, 'report': _OBJECT}
_TYPE = {'id': _TEXT, 'extra_specs': _OBJECT}
_VOLUMES = {'pool': _TEXT, 'type': _TEXT_OR_NONE, 'size': _NUMBER, 'count': _NUMBER}


class DumpError(Exception):
    """It is no dump."""


def read(path):
    """The Installation. Raises DumpError, which names the file."""
    try:
        with open(path, encoding='utf-8') as file:
            return parse(json.load(file))
    except (OSError, ValueError, DumpError) as error:
        raise DumpError(f'{path}: {error}') from error


def parse(document):
    """The Installation of a dump. Raises DumpError."""
    if not isinstance(document, dict) or document.get('format') != FORMAT:
        raise DumpError(f'it is not what "blockctl-manage pool dump" prints: its "format" is not {FORMAT!r}')
    records = [_record(thing, where) for where, thing in _things(document, 'pools', _POOL)]
    if not records:
        raise DumpError('there are no pools in it')
    types = {thing['id']: thing['extra_specs'] for _where, thing in _things(document, 'types', _TYPE)}
    volumes = [Volumes(*(thing[name] for name in _VOLUMES)) for _where, thing in _things(
        document, 'volumes', _VOLUMES)]
    return Installation(records, types, volumes, _wishes(records, volumes))


def _things(document, key, fields):
    """(where it is, each of a list of objects), looked at."""
    things = document.get(key)
    if not isinstance(things, list):
        raise DumpError(f'{key} is not a list')
    for number, thing in enumerate(things):
        where = f'{key}[{number}]'
        if not isinstance(thing, dict):
            raise DumpError(f'{where} is not an object')
        for name, kinds in fields.items():
            if name not in thing or not isinstance(thing[name], kinds) or isinstance(thing[name], bool):
                raise DumpError(f'{where}.{name} is missing, or of the wrong type')
            if isinstance(thing[name], int) and thing[name] < 0:
                raise DumpError(f'{where}.{name} is less than 0')
        yield where, thing


def _record(thing, where):
    if thing['state'] not in _STATES:
        raise DumpError(f'{where}.state is none of {", ".join(_STATES)}')
    if '#' not in thing['name']:
        raise DumpError(f'{where}.name is not host@backend#pool')
    return PoolRecord(thing['name'], thing['report'], thing['claimed'], thing['foreign'], thing['bound'],
                      thing['claimed_at_report'], _STATES[thing['state']])


def _wishes(records, volumes):
    """New volumes are asked for as those that are there were; where there are none, as for a made installation."""
    zones = {record.name: record.report.get('availability_zone') for record in records}
    wishes = {}
    for some in volumes:
        if some.count and some.size:
            wish = Wish(some.type, zones.get(some.pool), some.size)
            wishes[wish] = wishes.get(wish, 0) + some.count
    return wishes or {Wish(None, zone, size): often for zone in sorted(set(zones.values()), key=str)
                      for size, often in fleets.SIZES.items()}

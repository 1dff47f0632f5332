# SPDX-License-Identifier: Apache-2.0
"""List filters: which ones a resource takes, who may use them, and what their values mean.

Which filters users may give is the operator's choice (``resource_query_filters_file``, from 3.31 on shown at
/resource_filters); :data:`ALLOWED` is the table without such a file.  Administrators may give every filter there is.
"""

import ast
import datetime
import functools
import json

from oslo_utils import strutils

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import pagination
from blockctl.api import versioned
from blockctl.db import conditions
from blockctl.db.conditions import Wanted

#: Filters of users, by resource. A name that ends with '~' would allow partial matches too.
ALLOWED = {
    'volume': ('name', 'status', 'metadata', 'bootable', 'migration_status', 'availability_zone', 'group_id', 'size',
               'created_at', 'updated_at', 'consumes_quota'),
    'backup': ('name', 'status', 'volume_id'),
    'snapshot': ('name', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota'),
    'group': ('name',),
    'group_snapshot': ('name', 'status', 'group_id'),
    'attachment': ('volume_id', 'status', 'instance_id', 'attach_status'),
    'message': ('resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'),
    'pool': ('name', 'volume_type'),
    'volume_type': ('is_public', 'extra_specs'),
}

_INTEGER_MAX = 2 ** 31 - 1


def _text(name, value, version):
    return Wanted('eq', value)


def _token(name, value, version):
    """Ids, states, hosts: ASCII in the database, which MariaDB refuses to compare with anything else."""
    return Wanted('eq', value) if value.isascii() else conditions.NOTHING


def _token_or_null(name, value, version):
    return Wanted('eq', None) if value.lower() in ('none', 'null', '') else _token(name, value, version)


def _integer(name, value, version):
    if not (value.isascii() and value.isdigit()):
        raise exceptions.InvalidField(field=name, value=value[:80], reason='It must be an integer.')
    return Wanted('eq', int(value[:12])) if int(value[:12]) <= _INTEGER_MAX else conditions.NOTHING


def _boolean(name, value, version):
    return Wanted('eq', pagination.boolean(name, value))


def _bootable(name, value, version):
    if version >= microversions.STRICT_BOOTABLE_FILTER:
        return _boolean(name, value, version)
    # Before, what is no boolean matched nothing.
    try:
        return Wanted('eq', strutils.bool_from_string(value, strict=True))
    except ValueError:
        return conditions.NOTHING


def _pairs(name, value, version):
    """{'a': 'b'} as JSON, or as the clients write a dict."""
    try:
        pairs = json.loads(value)
    except (ValueError, RecursionError):
        try:
            pairs = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pairs = None
    if not isinstance(pairs, dict) or not all(isinstance(text, str) for pair in pairs.items() for text in pair):
        raise exceptions.InvalidField(field=name, value=value[:80],
                                      reason='It must be an object of text, such as {"key": "value"}.')
    for text in (text for pair in pairs.items() for text in pair):
        if '\0' in text or any('\ud800' <= c <= '\udfff' for c in text):
            raise exceptions.InvalidField(field=name, value=ascii(value)[:80],
                                          reason='NUL and unpaired surrogates are not allowed.')
    return Wanted('pairs', pairs)


_TIME_OPS = ('gt', 'gte', 'eq', 'neq', 'lt', 'lte')


def _times(name, value, version):
    """gt:TIME,lt:TIME,... from 3.60 on; before, an exact time."""
    if version < microversions.TIME_FILTER:
        return Wanted('eq', _time(name, value))
    parts = []
    for part in value.split(','):
        op, colon, moment = part.partition(':')
        if op not in _TIME_OPS or not colon:
            raise exceptions.InvalidField(
                field=name, value=value[:80],
                reason=f'It must be OPERATOR:TIME, the operator one of {", ".join(_TIME_OPS)}.')
        parts.append(Wanted(op, _time(name, moment)))
    return Wanted('all', parts)


def _time(name, value):
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise exceptions.InvalidField(field=name, value=value[:80],
                                      reason='The time must be as in 2026-01-31T23:59:59.') from None
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
        except OverflowError:
            moment = moment.replace(tzinfo=None)
    return moment


class Filter(versioned.Span):
    """One filter of a list: what its value is read by, and whether its name with '~' matches parts (text only)."""

    def __init__(self, name, read=_text, *, since=None, until=None):
        super().__init__(name, since, until)
        self.read = read
        self.like = read in (_text, _token)


#: Every filter there is. Others match nothing, when administrators ask for them.
FILTERS = {
    'volume': (
        Filter('id', _token), Filter('name'), Filter('display_name'), Filter('description'), Filter('status', _token),
        Filter('user_id', _token), Filter('host', _token), Filter('cluster_name', _token),
        Filter('availability_zone'), Filter('project_id', _token), Filter('volume_type_id', _token),
        Filter('attach_status', _token), Filter('snapshot_id', _token_or_null), Filter('source_volid', _token_or_null),
        Filter('migration_status', _token_or_null), Filter('size', _integer), Filter('bootable', _bootable),
        Filter('multiattach', _boolean), Filter('metadata', _pairs), Filter('glance_metadata', _pairs, since='3.4'),
        Filter('group_id', _token, since='3.10'), Filter('created_at', _times), Filter('updated_at', _times),
        Filter('consumes_quota', _boolean, since='3.65')),
    'attachment': (
        Filter('id', _token), Filter('volume_id', _token), Filter('instance_id', _token), Filter('attached_host'),
        Filter('mountpoint'), Filter('status', _token), Filter('attach_status', _token), Filter('attach_mode', _token),
        Filter('project_id', _token)),
    'snapshot': (
        Filter('id', _token), Filter('name'), Filter('display_name'), Filter('status', _token),
        Filter('volume_id', _token), Filter('volume_size', _integer), Filter('progress', _token),
        Filter('user_id', _token), Filter('project_id', _token), Filter('volume_type_id', _token),
        Filter('group_snapshot_id', _token_or_null), Filter('availability_zone'),
        Filter('metadata', _pairs, since='3.22'), Filter('created_at', _times), Filter('updated_at', _times),
        Filter('consumes_quota', _boolean, since='3.65')),
    'group': (
        Filter('id', _token), Filter('name'), Filter('description'), Filter('status', _token),
        Filter('availability_zone'), Filter('group_type_id', _token), Filter('host', _token),
        Filter('user_id', _token), Filter('project_id', _token), Filter('group_snapshot_id', _token_or_null),
        Filter('source_group_id', _token_or_null), Filter('replication_status', _token)),
    'group_snapshot': (
        Filter('id', _token), Filter('name'), Filter('description'), Filter('status', _token),
        Filter('group_id', _token), Filter('group_type_id', _token), Filter('user_id', _token),
        Filter('project_id', _token)),
    'message': (
        Filter('id', _token), Filter('resource_uuid', _token), Filter('resource_type', _token),
        Filter('event_id', _token), Filter('request_id', _token), Filter('message_level', _token)),
    'transfer': (
        Filter('id', _token), Filter('name'), Filter('display_name'), Filter('volume_id', _token),
        Filter('source_project_id', _token), Filter('no_snapshots', _boolean), Filter('accepted', _boolean)),
    'pool': (Filter('name', since='3.28'), Filter('volume_type', since='3.35')),
    'volume_type': (Filter('name'), Filter('is_public', _token_or_null), Filter('extra_specs', _pairs, since='3.52')),
}

for _resource, _rows in FILTERS.items():
    versioned.refuse_overlap(f'filters of {_resource}', _rows)


@functools.cache
def allowed(path):
    """{resource: filters of users}: :data:`ALLOWED`, or what the operator's JSON file says.

    Raises ConfigurationError for a file that does not say it.
    """
    if not path:
        return ALLOWED
    try:
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
    except (OSError, ValueError) as error:
        raise exceptions.ConfigurationError(reason=f'resource_query_filters_file: {error}') from error
    if not isinstance(found, dict) or not all(
            isinstance(names, list) and all(isinstance(name, str) for name in names) for names in found.values()):
        raise exceptions.ConfigurationError(
            reason=f'resource_query_filters_file: {path} is not of the form {{"volume": ["name", ...], ...}}')
    return {resource: tuple(names) for resource, names in found.items()}


def read(ctx, call, resource, skip=frozenset(), everybody=False):
    """{name: Wanted} of the query string, without the keys of paging and those in ``skip``.

    What users may not filter by is dropped before 3.31, and refused (InvalidRequest) from there on; ``everybody``: they
    may filter by all there is.
    """
    keys = pagination.KEYS if call.version >= microversions.WITH_COUNT else pagination.KEYS - {'with_count'}
    given = {name: value for name, value in call.query.items() if name not in keys and name not in skip}
    if not given:
        return {}
    if not (ctx.is_admin or everybody):
        given = _permitted(ctx, call.version, resource, given)
    known = {row.name: row for row in FILTERS[resource] if row.covers(call.version)}
    every = {row.name for row in FILTERS[resource]}
    wanted = {}
    for name, value in given.items():
        row = known.get(name.removesuffix('~'))
        if row is not None and name.endswith('~') and row.like:
            found = row.read(name, value, call.version)
            wanted[row.name] = Wanted('like', value) if found.op == 'eq' else found
        elif row is not None and not name.endswith('~'):
            wanted[name] = row.read(name, value, call.version)
        elif name not in every:
            # The reference finds nothing by what it does not know; a filter of a later version it ignores.
            wanted[name] = conditions.NOTHING
    return wanted


def _permitted(ctx, version, resource, given):
    permitted = allowed(ctx.conf.resource_query_filters_file).get(resource, ())
    refused = [name for name in given if name not in permitted]
    if refused and version >= microversions.RESOURCE_FILTERS:
        names = ', '.join(name[:80] for name in sorted(refused)[:10])
        raise exceptions.InvalidRequest(f'Invalid filters {names} are found in query options.')
    return {name: value for name, value in given.items() if name in permitted}

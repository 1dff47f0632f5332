# SPDX-License-Identifier: Apache-2.0
"""limit, marker, offset, sort, with_count: from the query string to a Page, and the link to the next one."""

import urllib.parse

from oslo_utils import strutils

from blockctl import exceptions
from blockctl import microversions
from blockctl.db import pages

#: Query keys that are not filters.
KEYS = frozenset({'limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'with_count', 'all_tenants'})

#: Largest offset: what fits the databases' integers.
_OFFSET_MAX = 2 ** 31 - 1


def page(ctx, call, sort_keys, counted_since=microversions.WITH_COUNT):
    """The Page that the query string asks for. Raises InvalidRequest, naming the key that makes no sense.

    ``sort_keys``: the keys this list can be sorted by; ``counted_since``: the version with_count is heard from
    (None: never).
    """
    query = call.query
    with_count = False
    if counted_since is not None and call.version >= counted_since and 'with_count' in query:
        with_count = boolean('with_count', query['with_count'])
    return pages.Page(limit=_limit(ctx, query), marker=query.get('marker'), offset=_offset(query),
                      sorts=_sorts(query, sort_keys), with_count=with_count)


def all_tenants(ctx, call):
    """Whether an administrator asks for the rows of all projects; others cannot."""
    if not ctx.is_admin or 'all_tenants' not in call.query:
        return False
    return boolean('all_tenants', call.query['all_tenants'])


def boolean(name, value):
    """True or False of what users write; InvalidField on anything else."""
    try:
        return strutils.bool_from_string(value, strict=True)
    except ValueError:
        raise exceptions.InvalidField(field=name, value=value[:80], reason='It must be a boolean.') from None


def _integer(name, value, maximum):
    if not (value.isascii() and value.isdigit()):
        raise exceptions.InvalidField(field=name, value=value[:80], reason=f'{name} must be an integer of 0 or more.')
    return min(int(value[:20]), maximum)


def _limit(ctx, query):
    most = ctx.conf.osapi_max_limit
    return _integer('limit', query['limit'], most) if 'limit' in query else most


def _offset(query):
    offset = _integer('offset', query['offset'], _OFFSET_MAX + 1) if 'offset' in query else 0
    if offset > _OFFSET_MAX:
        raise exceptions.InvalidField(field='offset', value=query['offset'][:80],
                                      reason=f'It must be at most {_OFFSET_MAX}.')
    return offset


def _sorts(query, allowed):
    """sort=key[:dir],...; or the older sort_key and sort_dir."""
    if 'sort' in query:
        if 'sort_key' in query or 'sort_dir' in query:
            raise exceptions.InvalidRequest(reason='sort: it cannot be combined with sort_key and sort_dir')
        pairs = [part.partition(':')[::2] for part in query['sort'].split(',')]
    elif 'sort_key' in query or 'sort_dir' in query:
        pairs = [(query.get('sort_key', 'created_at'), query.get('sort_dir', ''))]
    else:
        return ()
    sorts = []
    for key, direction in pairs:
        key, direction = key.strip(), direction.strip() or 'desc'
        if key not in allowed:
            raise exceptions.InvalidField(field='sort', value=key[:80], reason='It is not a valid sort key.')
        if direction not in ('asc', 'desc'):
            raise exceptions.InvalidField(field='sort', value=direction[:80],
                                          reason='The direction must be asc or desc.')
        if key not in dict(sorts):
            sorts.append((key, direction))
    return tuple(sorts)


def next_url(call, found):
    """The URL of the page after this one, or None: the request's own, with the last row as marker."""
    if not found.more:
        return None
    items = [(name, value) for name, value in call.query_items if name not in ('marker', 'offset')]
    return f'{call.base}{call.path}?{urllib.parse.urlencode([*items, ("marker", found.rows[-1].id)])}'

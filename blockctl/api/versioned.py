# SPDX-License-Identifier: Apache-2.0
"""Shapes of requests and responses as rows, each with the microversions it holds for.

::

    CREATE = Body('volume', Param('size', t.SIZE), Param('group_id', t.ID, since='3.13'), closed_since='3.53')
    DETAIL = View('volume', 'volumes', Field('id'), Field('group_id', since='3.13'),
                  Field('os-vol-host-attr:host', 'host', rule='volume_extension:volume_host_attribute'))

Two rows of one name whose versions overlap are refused when the module loads.  What a version asks for (its JSON
schema, its list of getters) is built from the rows at first use and kept.
"""

import functools
import operator

from blockctl import microversions
from blockctl.api import validation


class Span:
    """A row with a name and the versions ``since`` to ``until``, both included."""

    def __init__(self, name, since=None, until=None):
        self.name = name
        self.since = microversions.parse(since) if since else microversions.MIN
        self.until = microversions.parse(until) if until else microversions.MAX
        if not microversions.MIN <= self.since <= self.until <= microversions.MAX:
            raise ValueError(f'{name}: no version between {self.since} and {self.until}')

    def covers(self, version):
        return self.since <= version <= self.until


def refuse_overlap(where, spans, key=operator.attrgetter('name')):
    """Raise ValueError when two spans of one key share a version."""
    last = {}
    for span in sorted(spans, key=lambda span: (str(key(span)), span.since)):
        before = last.get(key(span))
        if before is not None and span.since <= before.until:
            raise ValueError(f'{where}: two rows for {key(span)} hold for {span.since}')
        last[key(span)] = span


class Param(Span):
    """One key of a request: its JSON schema, and whether it must be there."""

    def __init__(self, name, schema, *, since=None, until=None, required=False):
        super().__init__(name, since, until)
        self.schema = schema
        self.required = required


class Body:
    """A JSON request body ``{key: {params...}}``; ``key`` None: the params are at the top.

    Unknown keys are ignored before ``closed_since`` and refused from there on (None: always ignored).
    ``at_least_one_since``: from there on an object without any key is refused.
    ``top``: further keys beside ``key``.
    """

    def __init__(self, key, *params, closed_since=None, at_least_one_since=None, top=(), nullable=False):
        refuse_overlap(f'body {key}', params)
        self.key = key
        self.params = params
        self.top = top
        self.nullable = nullable
        self._closed = microversions.parse(closed_since) if closed_since else None
        self._at_least_one = microversions.parse(at_least_one_since) if at_least_one_since else None

    def schema(self, version):
        """The JSON schema of a version, for the validator and the API's description."""
        inner = self._object(self.params, self._closed is not None and version >= self._closed, version)
        if self._at_least_one is not None and version >= self._at_least_one:
            inner['minProperties'] = 1
        if self.key is None:
            return inner
        if self.nullable:
            inner['type'] = ['object', 'null']
        closed = self._closed is not None and version >= self._closed
        return self._object((Param(self.key, inner, required=True), *self.top), closed, version)

    @staticmethod
    def _object(params, closed, version):
        rows = [param for param in params if param.covers(version)]
        schema = {'type': 'object', 'properties': {row.name: row.schema for row in rows}}
        required = [row.name for row in rows if row.required]
        if required:
            schema['required'] = required
        if closed:
            schema['additionalProperties'] = False
        return schema

    @functools.cache
    def _validator(self, version):
        return validation.compile_schema(self.schema(version))

    def check(self, document, version):
        """Raise InvalidRequest, naming the field, unless ``document`` is as the version wants it.

        Returns what is under the body's key (an object; {} for a nullable null), without keys the version has no row
        for: what is not checked does not come further.
        """
        validation.check(self._validator(version), document)
        inner = document if self.key is None else document[self.key]
        known = self._known(version)
        return {name: value for name, value in (inner or {}).items() if name in known}

    @functools.cache
    def _known(self, version):
        return frozenset(param.name for param in self.params if param.covers(version))


#: A getter's answer for "this field is not shown for this row".
ABSENT = object()


class Field(Span):
    """One key of a response.

    ``get``: a name of the row's attribute (default: the field's own), or ``get(row, seen)``, see :class:`Seen`.
    ``rule``: shown only to those whom this policy rule allows it, for the project of the row.
    ``optional``: the getter may answer ABSENT.
    """

    def __init__(self, name, get=None, *, since=None, until=None, rule=None, optional=False):
        super().__init__(name, since, until)
        self.column = name if get is None else get if isinstance(get, str) else None
        self.get = operator.attrgetter(self.column) if self.column else get
        self.rule = rule
        self.optional = optional


class Seen:
    """What a getter may look at beside its row.

    ``related``: what the operation read with the rows (its own class); ``base``: the project's URL, such as
    'http://127.0.0.1:8776/v3/PROJECT'; ``bookmark``: the same without '/v3'; ``version``: the request's.
    """

    __slots__ = ('related', 'base', 'bookmark', 'version')

    def __init__(self, related, base, bookmark, version):
        self.related = related
        self.base = base
        self.bookmark = bookmark
        self.version = version


class View:
    """How a row is shown: ``{key: {...}}``, or ``{plural: [{...}, ...]}`` for a list."""

    def __init__(self, key, plural, *fields):
        refuse_overlap(f'view {key}', fields)
        self.key = key
        self.plural = plural
        self.fields = fields
        self._rules = tuple(dict.fromkeys(field.rule for field in fields if field.rule))

    def renderer(self, ctx, version):
        """A function ``(row, seen) -> dict`` for the rows of one request."""
        if not self._rules:
            return self._compiled(version, frozenset())
        by_project = {}

        def render(row, seen):
            # A right to a field is a right in the row's project: asked once per project, not per row.
            project = row.project_id
            found = by_project.get(project)
            if found is None:
                allowed = frozenset(rule for rule in self._rules if ctx.can(rule, row))
                found = by_project[project] = self._compiled(version, allowed)
            return found(row, seen)

        return render

    @functools.cache
    def _compiled(self, version, allowed):
        fields = [field for field in self.fields
                  if field.covers(version) and (field.rule is None or field.rule in allowed)]
        plain = [field for field in fields if field.column]
        made = [(field.name, field.get) for field in fields if not field.column and not field.optional]
        optional = [(field.name, field.get) for field in fields if field.optional]
        names = tuple(field.name for field in plain)
        # One C call reads all plain columns of a row: a third of the time of a call for each.
        read = operator.attrgetter(*(field.column for field in plain)) if len(plain) > 1 else None

        def render(row, seen):
            if read is not None:
                shown = dict(zip(names, read(row)))
            else:
                shown = {field.name: field.get(row) for field in plain}
            for name, get in made:
                shown[name] = get(row, seen)
            for name, get in optional:
                value = get(row, seen)
                if value is not ABSENT:
                    shown[name] = value
            return shown

        return render


class One:
    """What a handler returns to show one row by its endpoint's view."""

    __slots__ = ('row', 'related')

    def __init__(self, row, related=None):
        self.row = row
        self.related = related


class Many:
    """What a handler returns to show rows: ``next_url`` when there are more, ``count`` when it was asked for."""

    __slots__ = ('rows', 'related', 'next_url', 'count')

    def __init__(self, rows, related=None, next_url=None, count=None):
        self.rows = rows
        self.related = related
        self.next_url = next_url
        self.count = count


def links(resource):
    """A getter of the two links of a row: ``self`` with the API's version, ``bookmark`` without."""
    def get(row, seen):
        return [{'rel': 'self', 'href': f'{seen.base}/{resource}/{row.id}'},
                {'rel': 'bookmark', 'href': f'{seen.bookmark}/{resource}/{row.id}'}]
    return get


def time(column):
    """A getter of a time column: ISO 8601 without zone, six digits of a second; None stays None."""
    read = operator.attrgetter(column)

    def get(row, seen):
        value = read(row)
        return value.isoformat(timespec='microseconds') if value is not None else None
    return get

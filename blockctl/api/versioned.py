# SPDX-License-Identifier: Apache-2.0
"""Shapes of requests and responses as rows, each with the microversions it holds for.

::

    CREATE = Body('volume', Param('size', t.SIZE), Param('group_id', t.ID, since='3.13'), closed_since='3.53')
    DETAIL = View('volume', 'volumes', Field('id'), Field('group_id', since='3.13'),
                  Field('os-vol-host-attr:host', 'host', rule='volume_extension:volume_host_attribute'))

Two rows of one name whose versions overlap are refused when the module loads.  What a version asks for (its JSON
schema, its list of getters) is built from the rows at first use and kept.
"""

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
        self._compiled = {}  # version -> (validator, names of the keys that have rows)

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

    def _for(self, version):
        found = self._compiled.get(version)
        if found is None:
            known = frozenset(param.name for param in self.params if param.covers(version))
            found = self._compiled[version] = validation.compile_schema(self.schema(version)), known
        return found

    def check(self, document, version):
        """Raise InvalidRequest, naming the field, unless ``document`` is as the version wants it.

        Returns what is under the body's key (an object; {} for a nullable null), without keys the version has no row
        for: what is not checked does not come further.
        """
        validator, known = self._for(version)
        validation.check(validator, document)
        inner = document if self.key is None else document[self.key]
        return {name: value for name, value in (inner or {}).items() if name in known}


class Pairs(Body):
    """A body ``{key: {any: text}}``: pairs that a schema describes as a whole. Nothing else may be in it.

    ``key`` None: the pairs are all of the body.
    """

    def __init__(self, key, pairs):
        super().__init__(None, *(() if key is None else (Param(key, pairs, required=True),)), closed_since='3.0')
        self._pairs_key = key
        self._pairs = pairs

    def schema(self, version):
        return self._pairs if self._pairs_key is None else super().schema(version)

    def check(self, document, version):
        found = super().check(document, version)
        return document if self._pairs_key is None else found[self._pairs_key]


#: A getter's answer for "this field is not shown for this row".
ABSENT = object()


class Field(Span):
    """One key of a response.

    ``get``: a name of the row's attribute (default: the field's own), or ``get(row, seen)``, see :class:`Seen`; with
    ``of``, the name of a column, ``get(value of that column, seen)``, which is faster.
    ``rule``: shown only to those whom this policy rule allows it, for the project of the row.
    ``optional``: the getter may answer ABSENT.
    """

    def __init__(self, name, get=None, *, of=None, since=None, until=None, rule=None, optional=False):
        super().__init__(name, since, until)
        self.column = of or (name if get is None else get if isinstance(get, str) else None)
        self.get = get if callable(get) else None
        self.rule = rule
        self.optional = optional


class Seen:
    """What a getter may look at beside its row.

    ``related``: what the operation read with the rows (its own class); ``base``: the project's URL, such as
    'http://127.0.0.1:8776/v3/PROJECT'; ``bookmark``: the same without '/v3'; ``version``: the request's.
    """

    __slots__ = ('base', 'bookmark', 'related', 'version')

    def __init__(self, related, base, bookmark, version):
        self.related = related
        self.base = base
        self.bookmark = bookmark
        self.version = version


class View:
    """How a row is shown: ``{key: {...}}``, or ``{plural: [{...}, ...]}`` for a list.

    ``beside``: a View of what stands beside ``key`` when one row is shown; its own keys are not used.
    """

    def __init__(self, key, plural, *fields, links_key=None, beside=None):
        refuse_overlap(f'view {key}', fields)
        self.key = key
        self.plural = plural
        self.links_key = links_key or f'{plural}_links'
        self.beside = beside
        self.fields = fields
        self._rules = tuple(dict.fromkeys(field.rule for field in fields if field.rule))
        self._compiled = {}  # (version, rules that allow) -> renderer

    def shown(self, ctx, rows, seen):
        """The rows, which come from one statement, as dicts."""
        if not rows:
            return []
        if not self._rules:
            render = self._for(seen.version, frozenset(), rows[0])
            return [render(row, seen) for row in rows]
        # A right to a field is a right in the row's project: asked once per project, not per row.
        project_of = _reader(rows[0], ('project_id',))
        by_project, shown = {}, []
        for row in rows:
            project, = project_of(row)
            render = by_project.get(project)
            if render is None:
                allowed = frozenset(rule for rule in self._rules if ctx.can(rule, row))
                render = by_project[project] = self._for(seen.version, allowed, rows[0])
            shown.append(render(row, seen))
        return shown

    def _for(self, version, allowed, example):
        rows = self._compiled.get((version, allowed))
        if rows is None:
            rows = self._compiled[version, allowed] = _Compiled([
                field for field in self.fields
                if field.covers(version) and (field.rule is None or field.rule in allowed)])
        return rows.renderer(example)


class _Compiled:
    """What a version shows to those with certain rights."""

    def __init__(self, fields):
        of_columns = [field for field in fields if field.column]
        self._names = tuple(field.name for field in of_columns)
        self._columns = tuple(field.column for field in of_columns)
        self._converted = [(field.name, field.get) for field in of_columns if field.get]
        self._made = [(field.name, field.get) for field in fields if not field.column]
        self._optional = [field.name for field in fields if field.optional]

    def renderer(self, example):
        """``render(row, seen) -> dict`` for rows like ``example``."""
        names, converted, made, optional = self._names, self._converted, self._made, self._optional
        read = _reader(example, self._columns)

        def render(row, seen):
            shown = dict(zip(names, read(row), strict=True))
            for name, get in converted:
                shown[name] = get(shown[name], seen)
            for name, get in made:
                shown[name] = get(row, seen)
            for name in optional:
                if shown[name] is ABSENT:
                    del shown[name]
            return shown

        return render


def _reader(example, names):
    """A function that reads these attributes of rows like ``example``, as a tuple.

    The attributes of a SQLAlchemy row cost thirty times what its items do.
    """
    fields = getattr(example, '_fields', None)
    if fields is None:
        read = operator.attrgetter(*names) if names else None
    else:
        read = operator.itemgetter(*(fields.index(name) for name in names)) if names else None
    if len(names) > 1:
        return read
    return (lambda row: (read(row),)) if names else (lambda row: ())


class One:
    """What a handler returns to show one row by its endpoint's view."""

    __slots__ = ('related', 'row')

    def __init__(self, row, related=None):
        self.row = row
        self.related = related


class Many:
    """What a handler returns to show rows: ``next_url`` when there are more, ``count`` when it was asked for."""

    __slots__ = ('count', 'next_url', 'related', 'rows')

    def __init__(self, rows, related=None, next_url=None, count=None):
        self.rows = rows
        self.related = related
        self.next_url = next_url
        self.count = count


def links(name, resource):
    """A field of the two links of a row: ``self`` with the API's version, ``bookmark`` without."""
    def get(row_id, seen):
        return [{'rel': 'self', 'href': f'{seen.base}/{resource}/{row_id}'},
                {'rel': 'bookmark', 'href': f'{seen.bookmark}/{resource}/{row_id}'}]
    return Field(name, get, of='id')


def time(name, column=None, **span):
    """A field of a time: ISO 8601 without zone, six digits of a second; None stays None."""
    return Field(name, _iso, of=column or name, **span)


def _iso(value, seen):
    return value.isoformat('T', 'microseconds') if value is not None else None

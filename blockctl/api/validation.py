# SPDX-License-Identifier: Apache-2.0
"""Checking a request against a JSON schema, and saying which field is wrong."""

import reprlib

from blockctl import exceptions

#: How deep a body may be nested. The deepest body of the API has five levels.
DEPTH = 32

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80


def compile_schema(schema):
    """A validator that can be kept and used by any thread."""
    # Imported here: some 40 ms that a process which only reads never pays.
    import jsonschema
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(validator, document):
    """Raise InvalidField (or InvalidRequest, when the whole is of the wrong kind) for the first thing wrong."""
    error = next(validator.iter_errors(document), None)
    if error is None:
        return
    error = _deepest(error)
    path = '.'.join(str(part) for part in error.absolute_path)
    if error.validator in {'required', 'additionalProperties'} or not path:
        reason = _reason(error)
        raise exceptions.InvalidRequest(reason=f'{path or "body"}: {reason}')
    raise exceptions.InvalidField(field=_last_name(error), value=_shown(error.instance), reason=_reason(error))


def _deepest(error):
    # A refusal by anyOf says nothing, unless its schema does: go to the branch that matched furthest.
    while error.context and 'x-reason' not in error.schema:
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    return error


def _last_name(error):
    names = [part for part in error.absolute_path if isinstance(part, str)]
    return names[-1] if names else 'body'


def _shown(value):
    return value if isinstance(value, str) and len(value) <= 80 else _SHORT.repr(value)[:160]


def _reason(error):
    """The sentence for a violation; a schema may bring its own as ``x-reason``."""
    if isinstance(error.schema, dict):
        own = error.schema.get('x-reasons', {}).get(error.validator) or error.schema.get('x-reason')
        if own:
            return own
    if error.validator == 'additionalProperties':
        unknown = sorted(set(error.instance) - set(error.schema.get('properties', ())))
        return f'Additional properties are not allowed ({_names(unknown)})'
    if error.validator == 'type':
        return f'{_SHORT.repr(error.instance)} is not of type {_types(error.validator_value)}'
    sentence = _SENTENCES.get(error.validator)
    return sentence(error) if sentence else 'It is not valid.'


def _names(names):
    return ', '.join(repr(name[:80]) for name in names[:5]) + (' ...' if len(names) > 5 else '')


def _types(types):
    return ', '.join(repr(name) for name in ([types] if isinstance(types, str) else types))


_SENTENCES = {
    'minLength': lambda e: f'It must have at least {e.validator_value} characters.',
    'maxLength': lambda e: f'It is too long: at most {e.validator_value} characters are allowed.',
    'pattern': lambda e: f"It does not match '{e.validator_value}'.",
    'enum': lambda e: f'It must be one of {", ".join(map(str, e.validator_value))}.',
    'minProperties': lambda e: f'It must have at least {e.validator_value} keys.',
    'maxProperties': lambda e: f'It must have at most {e.validator_value} keys.',
    'maxItems': lambda e: f'It must have at most {e.validator_value} items.',
    'minimum': lambda e: f'It must be at least {e.validator_value}.',
    'maximum': lambda e: f'It must be at most {e.validator_value}.',
    'required': lambda e: e.message if len(e.message) < 200 else 'A key is missing.',
}


def check_text(document):
    """Raise InvalidField when any string in a decoded body has a NUL or a lone surrogate, or it is nested too deep.

    No database stores them all alike, so none is let in (DESIGN.md section 5, Rows).
    """
    stack = [('body', document, 1)]
    while stack:
        name, value, depth = stack.pop()
        if depth > DEPTH:
            raise exceptions.InvalidRequest(reason=f'{name}: it is nested too deep')
        if isinstance(value, str):
            _check_string(name, value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                _check_string('key', key)
                stack.append((key, inner, depth + 1))
        elif isinstance(value, list):
            stack.extend((name, inner, depth + 1) for inner in value)


def _check_string(name, text):
    if text.isascii() and '\0' not in text:
        return
    if '\0' in text or any('\ud800' <= c <= '\udfff' for c in text):
        raise exceptions.InvalidField(field=name.encode('ascii', 'replace').decode().replace('\0', '?')[:80],
                                      value=ascii(text)[:80],
                                      reason='NUL and unpaired surrogates are not allowed.')

# SPDX-License-Identifier: Apache-2.0
"""The language of filter and goodness functions: parsed here, into functions of the names it knows, and nothing else.

From what binds loosest to what binds tightest::

    a ? b : c      or ||  |      and && &      not !      < <= > >= == != <>      + -      * /      sign      ^

Values are numbers, texts in quotes, ``true`` and ``false``, and what ``stats.x``, ``capabilities.x``, ``volume.x``,
``extra.x`` and ``qos.x`` name.  Functions: abs, max, min, sum.  A text that looks like a number is one wherever a
number is needed.  Only the branch that is chosen is looked at.

Everything is bounded: the text's length, how deep it is nested, the size of numbers.  Whatever is wrong, when it is
read or when it is worked out, is an :class:`ExpressionError`.
"""

import functools
import math
import operator
import re

#: Characters of an expression, and how deep it may be nested, at most.
MAX_LENGTH = 4000
MAX_DEPTH = 30

#: What names begin with.
ROOTS = ('stats', 'capabilities', 'volume', 'extra', 'qos')

_TOKEN = re.compile(r"""\s*(?:
    (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    | (?P<sign>&&|\|\||<=|>=|==|!=|<>|[-+*/^<>!&|?:(),])
    )""", re.VERBOSE)

_NUMBER = re.compile(r'[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?', re.ASCII)

_WORDS = {'and': '&', 'or': '|', 'not': '!', '&&': '&', '||': '|', '<>': '!='}
_CONSTANTS = {'true': True, 'True': True, 'false': False, 'False': False}


class ExpressionError(Exception):
    """An expression cannot be read, or has no value for this pool and request."""


@functools.lru_cache(maxsize=256)
def read(text):
    """The :class:`Expression` that ``text`` is. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f'it is longer than {MAX_LENGTH} characters')
    return Expression(_Reader(_tokens(text)).whole())


class Expression:
    """What was read: functions of ``names``, {root: {name: value}}, such as {'stats': {'free_capacity_gb': 7}}."""

    def __init__(self, evaluate):
        self._evaluate = evaluate

    def truth(self, names):
        """Its value as true or false. Raises ExpressionError."""
        return _truth(self._evaluate(names))

    def number(self, names):
        """Its value as a number. Raises ExpressionError."""
        return _number(self._evaluate(names))


# --- reading
def _tokens(text):
    """[(kind, text)], with an end that is no token of any kind."""
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(f'it cannot be read from {text[place:place + 20]!r} on')
        token = match[match.lastgroup]
        found.append(('sign', _WORDS[token]) if token in _WORDS else (match.lastgroup, token))
        place = match.end()
    return [*found, ('end', '')]


class _Reader:
    """Recursive descent; each method returns a function of the names."""

    def __init__(self, tokens):
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self):
        made = self._choice()
        self._must('end', '')
        return made

    def _take(self, *signs):
        """The next token's text when it is one of these signs, else None."""
        kind, text = self._tokens[self._at]
        if kind == 'sign' and text in signs:
            self._at += 1
            return text
        return None

    def _must(self, kind, text):
        if self._tokens[self._at] != (kind, text):
            raise ExpressionError(f'{text or "the end"!r} is expected instead of {self._tokens[self._at][1]!r}')
        self._at += 1

    def _deeper(self, read):
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f'it is nested deeper than {MAX_DEPTH} times')
        made = read()
        self._depth -= 1
        return made

    def _choice(self):
        condition = self._either()
        if not self._take('?'):
            return condition
        chosen = self._deeper(self._choice)
        self._must('sign', ':')
        other = self._deeper(self._choice)
        return lambda names: chosen(names) if _truth(condition(names)) else other(names)

    def _either(self):
        parts = self._several(self._both, '|')
        return parts[0] if len(parts) == 1 else lambda names: any(_truth(part(names)) for part in parts)

    def _both(self):
        parts = self._several(self._negation, '&')
        return parts[0] if len(parts) == 1 else lambda names: all(_truth(part(names)) for part in parts)

    def _several(self, read, sign):
        parts = [read()]
        while self._take(sign):
            parts.append(read())
        return parts

    def _negation(self):
        if self._take('!'):
            negated = self._deeper(self._negation)
            return lambda names: not _truth(negated(names))
        return self._comparison()

    def _comparison(self):
        first, rest = self._sum(), []
        while sign := self._take(*_COMPARISONS):
            rest.append((_COMPARISONS[sign], self._sum()))
        return _chain(first, rest) if rest else first

    def _sum(self):
        return self._row(self._product, {'+': operator.add, '-': operator.sub})

    def _product(self):
        return self._row(self._signed, {'*': operator.mul, '/': operator.truediv})

    def _row(self, read, operations):
        first, rest = read(), []
        while sign := self._take(*operations):
            rest.append((operations[sign], read()))
        return _calculation(first, rest) if rest else first

    def _signed(self):
        sign = self._take('+', '-')
        if sign is None:
            return self._power()
        signed, times = self._deeper(self._signed), -1 if sign == '-' else 1
        return lambda names: times * _number(signed(names))

    def _power(self):
        base = self._value()
        if not self._take('^'):
            return base
        exponent = self._deeper(self._signed)
        return _calculation(base, [(math.pow, exponent)])

    def _value(self):
        kind, text = self._tokens[self._at]
        if self._take('('):
            made = self._deeper(self._choice)
            self._must('sign', ')')
            return made
        self._at += 1
        match kind:
            case 'number':
                return _constant(_number(text))
            case 'text':
                return _constant(text[1:-1])
            case 'name':
                return self._named(text)
            case _:
                raise ExpressionError(f'a value is expected instead of {text!r}' if text else 'it ends too early')

    def _named(self, text):
        if text in _CONSTANTS:
            return _constant(_CONSTANTS[text])
        if text in _FUNCTIONS:
            return self._call(text)
        root, *path = text.split('.')
        if root not in ROOTS or not path:
            raise ExpressionError(f'{text!r} is no name: names begin with {", ".join(ROOTS)}')
        return functools.partial(_look_up, text, root, path)

    def _call(self, name):
        function, least = _FUNCTIONS[name]
        self._must('sign', '(')
        arguments = self._several(functools.partial(self._deeper, self._choice), ',')
        self._must('sign', ')')
        if len(arguments) < least or (name == 'abs' and len(arguments) > 1):
            raise ExpressionError(f'{name} cannot have {len(arguments)} arguments')
        return functools.partial(_called, function, arguments)


#: name: (function of a list of numbers, how many it needs)
_FUNCTIONS = {'abs': (lambda numbers: abs(numbers[0]), 1), 'max': (max, 2), 'min': (min, 2), 'sum': (math.fsum, 1)}


# --- working it out
def _constant(value):
    return lambda names: value


def _called(function, arguments, names):
    try:
        return function([_number(argument(names)) for argument in arguments])
    except (ArithmeticError, ValueError) as error:
        raise ExpressionError(str(error)) from error


def _look_up(text, root, path, names):
    value = names.get(root)
    for part in path:
        if not isinstance(value, dict) or part not in value:
            raise ExpressionError(f'there is no {text}')
        value = value[part]
    if value is None:
        return ''
    if not isinstance(value, (bool, int, float, str)):
        raise ExpressionError(f'{text} is no value')
    return value


def _calculation(first, rest):
    def evaluate(names):
        value = _number(first(names))
        for calculate, operand in rest:
            try:
                value = calculate(value, _number(operand(names)))
            except (ArithmeticError, ValueError) as error:
                raise ExpressionError(str(error)) from error
            if math.isnan(value):
                raise ExpressionError('it is not a number')
        return value

    return evaluate


def _chain(first, rest):
    def evaluate(names):
        left = first(names)
        for compare, operand in rest:
            right = operand(names)
            if not compare(*_comparable(left, right)):
                return False
            left = right
        return True

    return evaluate


_COMPARISONS = {'<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge, '==': operator.eq,
                '!=': operator.ne}


def _comparable(left, right):
    """Both as numbers if they can be, else both as text."""
    try:
        return _number(left), _number(right)
    except ExpressionError:
        return str(left), str(right)


def _number(value):
    if isinstance(value, str):
        text = value.strip()
        if text == 'infinite':  # as a capacity may be reported
            return math.inf
        if not _NUMBER.fullmatch(text):
            raise ExpressionError(f'{value[:50]!r} is not a number')
        value = text
    try:
        value = float(value)
    except OverflowError as error:
        raise ExpressionError('a number is too large') from error
    if math.isnan(value):
        raise ExpressionError('it is not a number')
    return value


def _truth(value):
    if isinstance(value, str) and value.strip().lower() in ('true', 'false'):
        return value.strip().lower() == 'true'
    return _number(value) != 0

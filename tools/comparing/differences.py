# SPDX-License-Identifier: Apache-2.0
"""Where two masked answers to one step differ."""

import dataclasses

#: Headers that clients look at; the rest (Date, Server, lengths) belongs to whatever serves HTTP.
HEADERS = ("content-type", "etag", "location", "openstack-api-version", "retry-after", "vary",
           "x-compute-request-id", "x-openstack-request-id")
KINDS = ("asked", "status", "header", "missing", "extra", "type", "value", "text", "length", "wait")


@dataclasses.dataclass(frozen=True)
class Difference:
    """``missing``: only the left has it; ``extra``: only the right. ``text``: both are faults with other messages."""

    kind: str
    path: str
    left: object = None
    right: object = None


def between(left, right, masks):
    """The Differences of two Answers to one step; ``masks``: those of the left and the right side."""
    step = left.step
    if left.skipped or right.skipped:
        if bool(left.skipped) != bool(right.skipped):
            yield Difference("asked", "asked", left.skipped or "asked", right.skipped or "asked")
        return
    if step.compare == "nothing":
        return
    yield from _answers(left, right, masks, step.compare, "")
    if left.after is None and right.after is None:
        return
    if left.late != right.late:
        yield Difference("wait", "wait", *("not reached" if one.late else "reached" for one in (left, right)))
    if left.after and right.after and not (left.after.skipped or right.after.skipped):
        yield from _answers(left.after, right.after, masks, step.compare, "wait.")


def _answers(left, right, masks, how, before):
    if left.status != right.status:
        yield Difference("status", f"{before}status", left.status, right.status)
    if how == "status":
        return
    yield from _headers(left, right, masks, before)
    bodies = [mask.value(answer.body) for mask, answer in zip(masks, (left, right), strict=True)]
    compare = _values if how == "all" else _types
    yield from compare(*bodies, f"{before}body", left.status >= 400)


def _headers(left, right, masks, before):
    for name in HEADERS:
        if name == "content-type" and None in (left.body, right.body):
            continue  # the type of nothing
        values = [mask.value(answer.headers.get(name))
                  for mask, answer in zip(masks, (left, right), strict=True)]
        if values[0] != values[1]:
            yield Difference("header", f"{before}headers.{name}", *values)


def _values(left, right, path, fault):
    if isinstance(left, dict) and isinstance(right, dict):
        yield from _keys(left, right, path)
        for key in left:
            if key in right:
                yield from _values(left[key], right[key], f"{path}.{key}", fault)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield Difference("length", path, f"{len(left)} items", f"{len(right)} items")
        for number, pair in enumerate(zip(left, right, strict=False)):
            yield from _values(*pair, f"{path}[{number}]", fault)
    elif _kind(left) != _kind(right):
        yield Difference("type", path, left, right)
    elif left != right:
        yield Difference("text" if fault else "value", path, left, right)


def _types(left, right, path, fault):
    """As ``_values``, but for the values: of a list's items all keys together."""
    if isinstance(left, dict) and isinstance(right, dict):
        yield from _keys(left, right, path)
        for key in left:
            if key in right:
                yield from _types(left[key], right[key], f"{path}.{key}", fault)
    elif isinstance(left, list) and isinstance(right, list):
        if left and right:
            yield from _types(_together(left), _together(right), f"{path}[]", fault)
    elif _kind(left) != _kind(right) and None not in (left, right):
        yield Difference("type", path, left, right)


def _together(items):
    """One value that stands for all items of a list: of objects every key, with a value that says most."""
    if not all(isinstance(item, dict) for item in items):
        return items[0]
    merged = {}
    for item in items:
        for key, value in item.items():
            if merged.get(key) in (None, [], {}):
                merged[key] = value
    return merged


def _keys(left, right, path):
    for key in left:
        if key not in right:
            yield Difference("missing", f"{path}.{key}", left[key])
    for key in right:
        if key not in left:
            yield Difference("extra", f"{path}.{key}", None, right[key])


def _kind(value):
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__

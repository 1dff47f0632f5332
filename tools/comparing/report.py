# SPDX-License-Identifier: Apache-2.0
"""What a person reads: a block for each step that differs, or everything one side answered."""

import json

from comparing import differences

_WORDS = {"missing": "only left", "extra": "only right"}


def block(step, left, right, found):
    """The lines of one step that differs; ``found``: its Differences."""
    request = f"{step.method} {step.path}"
    version = "no version" if step.version is None else step.version
    yield f"{step.name}: {request} ({step.user}, {version}): {_status(left)} | {_status(right)}"
    for one in found:
        yield from _difference(one)


def _status(answer):
    return "not asked" if answer.status is None else str(answer.status)


def _difference(one):
    yield f"    {one.path}: {_WORDS.get(one.kind, one.kind)}"
    if one.kind != "extra":
        yield f"        < {_short(one.left)}"
    if one.kind != "missing":
        yield f"        > {_short(one.right)}"


def _short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}... ({len(text)} characters)"


def shown(answer):
    """The lines that tell what one side answered to a step, as it was."""
    step = answer.step
    yield f"== {step.name} ({step.user}, {step.version or 'no version'})"
    if answer.skipped:
        yield f"not asked: {answer.skipped}"
        return
    yield answer.request
    if step.body is not None:
        yield f"    {json.dumps(step.body)}"
    yield from _shown_answer(answer)
    if answer.after:
        yield f"-- after waiting{', in vain' if answer.late else ''}: {answer.after.request}{answer.after.skipped}"
        yield from _shown_answer(answer.after)


def _shown_answer(answer):
    if answer.status is None:
        return
    yield str(answer.status)
    yield from (f"{name}: {answer.headers[name]}" for name in differences.HEADERS if name in answer.headers)
    if isinstance(answer.body, str):
        yield answer.body
    elif answer.body is not None:
        yield json.dumps(answer.body, indent=2, ensure_ascii=False)

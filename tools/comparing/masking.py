# SPDX-License-Identifier: Apache-2.0
"""Makes the answers of two endpoints comparable: what has to differ gets the same words on both sides.

An id that the script saved or that is the project's has its name, so that one object's id in place of another's is
still a difference; every other id is ``<id>``.  Of a time its form stays: digits become zeros.
"""

import re

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"

#: (what, with what), in this order.
_ANYWHERE = (
    (re.compile(rf"\breq-{_UUID}"), "<request id>"),
    (re.compile(_TIME), lambda match: re.sub(r"\d", "0", match[0])),
    (re.compile(rf"{_UUID}|\b[0-9a-f]{{32}}\b"), "<id>"),
    (re.compile(r"\b[\w.-]+@[\w.-]+(#[\w.-]+)?"),
     lambda match: "<host@backend#pool>" if match[1] else "<host@backend>"),
)
#: Fields whose whole value is a machine's name.
_HOST_FIELDS = frozenset(("host", "host_name", "os-vol-host-attr:host", "service_host"))


class Mask:
    """The mask of one side: its address, its project's ids and the ids a script saved there."""

    def __init__(self, urls, names):
        """``urls``: what stands before every link of the side; ``names``: {name: saved value}."""
        known = dict.fromkeys(urls, "<endpoint>")
        # The first name that an id was saved under is the one it is shown by.
        for name, value in names.items():
            if isinstance(value, str) and re.fullmatch(f"{_UUID}|[0-9a-f]{{32}}", value):
                known.setdefault(value, f"<{name}>")
        self._known = known
        longest_first = sorted(map(re.escape, known), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if known else None

    def value(self, value, field=None):
        """``value`` of any shape, masked; ``field``: the key it stands under."""
        if isinstance(value, dict):
            return {self.text(key): self.value(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.value(inner, field) for inner in value]
        if isinstance(value, str):
            masked = self.text(value)
            return "<host>" if field in _HOST_FIELDS and value and masked == value else masked
        return value

    def text(self, text):
        if self._pattern:
            text = self._pattern.sub(lambda match: self._known[match[0]], text)
        for pattern, replacement in _ANYWHERE:
            text = pattern.sub(replacement, text)
        return text

"""What is typed after ``/``: a regular expression or plain text, ``!`` inverse, ``~`` fuzzy."""

from __future__ import annotations

import re
from collections.abc import Callable

Test = Callable[[str], bool]
#: A regular expression may take for ever on a long text; nobody looks for what is further on.
_LOOKED_AT = 500


def compile_filter(pattern: str) -> Test:
    """A test of one text, case-insensitive.

    What is no valid regular expression is taken literally: while it is typed it often is none.
    """
    if pattern.startswith("!"):
        test = compile_filter(pattern[1:])
        return (lambda text: not test(text)) if pattern[1:] else (lambda _: True)
    if pattern.startswith("~"):
        return _fuzzy(pattern[1:].casefold())
    try:
        search = re.compile(pattern, re.IGNORECASE).search
    except (re.error, RecursionError, OverflowError):
        search = re.compile(re.escape(pattern), re.IGNORECASE).search
    return lambda text: search(text[:_LOOKED_AT]) is not None


# Every letter in this order, whatever stands between them.
def _fuzzy(letters: str) -> Test:
    def test(text: str) -> bool:
        rest = iter(text[:_LOOKED_AT].casefold())
        return all(letter in rest for letter in letters)

    return test

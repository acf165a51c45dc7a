"""What is typed after the slash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.rows.filter import compile_filter


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("WEB", "a web server", "database"),
        ("^web", "web-1", "my web"),
        ("!web", "database", "web"),
        ("~wbs", "web server", "swb"),
        ("!~wbs", "swb", "web server"),
        ("[/red", "a [/red] b", "red"),
        ("a(b", "a(b", "ab"),
    ],
)
def test_kinds_of_filter(pattern: str, fits: str, fits_not: str) -> None:
    test = compile_filter(pattern)

    assert test(fits)
    assert not test(fits_not)


@pytest.mark.parametrize("pattern", ["", "!", "~", "!~"])
def test_nothing_typed_yet_hides_nothing_that_was_not_meant(pattern: str) -> None:
    assert compile_filter(pattern)("anything") is (pattern != "!~")


@given(st.text(max_size=20), st.text())
def test_every_pattern_is_taken(pattern: str, text: str) -> None:
    assert compile_filter(pattern)(text) in (True, False)

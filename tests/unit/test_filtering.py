"""What `/` takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.filtering import filter_rows, parse_filter
from nsview.tui.row_layout import Row


@pytest.mark.parametrize(
    ("typed", "text", "passes"),
    [
        ("", "anything", True),
        ("nginx", "4711 NGINX: master", True),
        ("Nginx", "4711 nginx: master", False),
        ("nginx master", "4711 nginx: master", True),
        ("nginx worker", "4711 nginx: master", False),
        ("!nginx", "4711 nginx: master", False),
        ("!nginx", "4712 redis", True),
        ("~ngms", "4711 nginx: master", True),
        ("~smgn", "4711 nginx: master", False),
        ("(a+)+$", "a(a+)+$", True),
        ("!", "anything", True),
    ],
)
def test_filter(typed: str, text: str, passes: bool) -> None:
    assert parse_filter(typed).matches(text) is passes


@given(st.text(), st.text())
def test_without_is_the_opposite_of_with(typed: str, text: str) -> None:
    plain = parse_filter(f" {typed}")
    if plain:
        assert plain.matches(text) is not parse_filter(f"! {typed}").matches(text)


def tree(*rows: tuple[str, str]) -> list[Row]:
    return [Row(text, (text,), prefix=prefix) for prefix, text in rows]


def test_what_leads_to_a_row_stays_dim() -> None:
    rows = tree(("", "init"), ("├ ", "sshd"), ("│ └ ", "bash"), ("└ ", "nginx"), ("  └ ", "worker"))

    assert [(row.key, row.style) for row in filter_rows(rows, parse_filter("worker"))] == [
        ("init", "dim"),
        ("nginx", "dim"),
        ("worker", ""),
    ]


def test_no_row_shows_twice() -> None:
    rows = tree(("", "init"), ("├ ", "worker 1"), ("├ ", "sshd"), ("└ ", "worker 2"))

    kept = [row.key for row in filter_rows(rows, parse_filter("worker"))]

    assert kept == ["init", "worker 1", "worker 2"]

"""Which rows stay while a filter is set."""

from __future__ import annotations

from nsview.tui.filtering import filter_rows
from nsview.tui.row_layout import Row


def tree(*rows: tuple[str, str]) -> list[Row]:
    return [Row(text, (text,), prefix=prefix) for prefix, text in rows]


def test_what_leads_to_a_row_stays_dim() -> None:
    rows = tree(("", "init"), ("├ ", "sshd"), ("│ └ ", "bash"), ("└ ", "nginx"), ("  └ ", "worker"))

    assert [(row.key, row.style) for row in filter_rows(rows, "worker")] == [
        ("init", "dim"),
        ("nginx", "dim"),
        ("worker", ""),
    ]


def test_no_row_shows_twice() -> None:
    rows = tree(("", "init"), ("├ ", "worker 1"), ("├ ", "sshd"), ("└ ", "worker 2"))

    kept = [row.key for row in filter_rows(rows, "worker")]

    assert kept == ["init", "worker 1", "worker 2"]


def test_no_filter_keeps_everything() -> None:
    rows = tree(("", "init"), ("└ ", "sshd"))

    assert filter_rows(rows, "") == rows


def test_inverse_hides_what_fits() -> None:
    rows = tree(("", "init"), ("├ ", "sshd"), ("└ ", "nginx"))

    assert [row.key for row in filter_rows(rows, "!ssh")] == ["init", "nginx"]

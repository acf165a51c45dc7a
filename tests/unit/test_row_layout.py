"""Columns: what fits where, and that no text leaves its column or reaches the terminal raw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nsview.tui.row_layout import GAP, Cell, Column, Row, fit, measure, pieces, place

COLUMNS = (
    Column(key="name", title="NAME", flex=True, min_width=10, tree=True),
    Column(key="id", title="ID", width=12, worth=1),
    Column(key="pid", title="PID", align="right", min_width=6),
    Column(key="user", title="USER", worth=2),
)
ANY_TEXT = st.text(st.characters(codec=None), max_size=60) | st.binary(max_size=40).map(
    lambda data: data.decode("utf-8", "surrogateescape")
)


def keys(available: int, widths: tuple[int, ...] = (20, 12, 6, 8)) -> list[str]:
    return [one.column.key for one in place(COLUMNS, widths, available)]


def test_least_worthy_columns_go_first() -> None:
    everything = 10 + 12 + 6 + 8 + 3 * GAP

    assert keys(everything) == ["name", "id", "pid", "user"]
    assert keys(everything - 1) == ["name", "pid", "user"]
    assert keys(10 + 6 + GAP) == ["name", "pid"]


def test_columns_that_always_stay_are_there_even_where_they_do_not_fit() -> None:
    assert keys(3) == ["name", "pid"]


def test_flex_column_gets_the_rest_but_not_more_than_it_needs() -> None:
    assert place(COLUMNS, (200, 12, 6, 8), 100)[0].width == 100 - 12 - 6 - 8 - 3 * GAP
    assert place(COLUMNS, (20, 12, 6, 8), 100)[0].width == 20


def test_last_flex_column_goes_on_beyond_the_edge() -> None:
    columns = (Column(key="pid", title="PID", width=6), Column(key="command", title="", flex=True))

    assert place(columns, (6, 500), 80)[1].width == 500


def test_remark_widens_no_column() -> None:
    rows = [Row(1, ("short", "", "", "")), Row(2, ("a remark that is much longer than a name",))]

    assert measure(COLUMNS, rows)[0] == 10


def test_wide_and_escaped_characters_are_measured_in_screen_cells() -> None:
    assert measure(COLUMNS, [Row(1, ("数据库数据库", "", "", ""))])[0] == 12
    assert measure(COLUMNS, [Row(1, ("\x1b" * 4, "", "", ""))])[0] == 16


def test_numbers_stand_at_the_right() -> None:
    placed = place(COLUMNS, (10, 12, 6, 8), 100)[2]

    assert list(pieces(Row(1, ("", "", "42", "")), placed)) == [("    ", ""), ("42", "")]


def test_spans_are_offsets_of_the_raw_text() -> None:
    placed = place(COLUMNS, (10, 12, 6, 8), 100)[3]
    row = Row(1, ("", "", "", Cell("\x1bab", "", ((1, 2, "alert"),))))

    assert list(pieces(row, placed)) == [("\\x1b", ""), ("a", "alert"), ("b", ""), ("  ", "")]


@given(ANY_TEXT, st.integers(1, 40), st.sampled_from(["left", "right"]))
def test_every_text_fills_its_column_exactly_and_is_safe(text: str, width: int, align: str) -> None:
    column = Column(key="x", title="X", width=width, align=align)
    row = Row(1, (text, "other"))
    placed = place((column, column), (width, width), 200)[0]

    drawn = "".join(piece for piece, _ in pieces(row, placed))

    assert cell_len(drawn) == width
    assert drawn.isprintable()


@given(st.lists(st.tuples(st.text(max_size=20), st.just("")), max_size=4), st.integers(1, 30))
def test_fit_is_exact(parts: list[tuple[str, str]], width: int) -> None:
    assert sum(cell_len(text) for text, _ in fit(parts, width, "left")) == width

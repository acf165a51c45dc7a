"""Facts in columns, laid out for a width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nsview.tui.row_layout import Cell
from nsview.tui.rows.grid import Grid, fact, lay_out, wrap


def texts(grids: list[Grid], width: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in lay_out(grids, width)]


def test_columns_stand_under_each_other() -> None:
    grid = Grid(title="who", rows=(fact("name", "web"), fact("image", "shop/web:2.4")))

    assert texts([grid], 40) == ["who", "name   web", "image  shop/web:2.4"]


def test_last_column_wraps_under_itself() -> None:
    grid = Grid(title="", rows=(fact("caps", "chown dac_override setuid"),))

    assert texts([grid], 20) == ["caps  chown", "      dac_override", "      setuid"]


def test_grids_are_apart() -> None:
    one = Grid(title="a", rows=(fact("x", "1"),))

    assert texts([one, one], 20) == ["a", "x  1", "", "a", "x  1"]


def test_long_cells_in_the_middle_are_cut() -> None:
    grid = Grid(title="", rows=((Cell("n" * 80), Cell("end")),))

    assert texts([grid], 80)[0].endswith("n…  end")


@given(st.text(), st.integers(1, 60))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    for line in wrap(text, width):
        assert cell_len(line) <= max(width, 2)  # a wide character needs two cells


@given(st.text(min_size=1), st.integers(20, 100))
def test_laid_out_text_is_safe(text: str, width: int) -> None:
    for line in texts([Grid(title=text, rows=(fact(text, text),))], width):
        assert line.isprintable()


def test_wide_columns_give_way_to_the_last_one() -> None:
    rows = ((Cell("n" * 30), Cell("v" * 30), Cell("last cell")),)

    line = texts([Grid(title="", rows=rows)], 60)[0]

    assert line.endswith("…  last cell")
    assert len(line) <= 60

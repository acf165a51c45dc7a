"""Tables built aside: what is as it was is the same object, so that nobody compares it again."""

from __future__ import annotations

from nsview.tui.built_table import TableBuilder
from nsview.tui.row_layout import Column, Row

NAME = (Column(key="name", title="N"),)


def row(key: int, text: str) -> Row:
    return Row(key, (text,))


def test_rows_that_are_made_anew_and_equal_are_those_of_before() -> None:
    builder = TableBuilder()
    before = builder.build(NAME, [row(1, "one"), row(2, "two"), row(3, "three")])
    after = builder.build(NAME, [row(3, "three"), row(1, "one"), row(2, "other"), row(4, "new")])
    assert after.rows[0] is before.rows[2]
    assert after.rows[1] is before.rows[0]
    assert after.rows[2:] == [row(2, "other"), row(4, "new")]
    assert after.numbers == {3: 0, 1: 1, 2: 2, 4: 3}


def test_a_table_that_is_as_it_was_is_the_one_of_before() -> None:
    builder = TableBuilder()
    before = builder.build(NAME, [row(1, "one"), row(2, "two")])
    assert builder.build(NAME, [row(1, "one"), row(2, "two")]) is before
    other = builder.build(NAME, [row(2, "two"), row(1, "one")])
    assert other is not before
    assert other.numbers == {2: 0, 1: 1}


def test_widths_grow_with_what_is_new_and_never_shrink() -> None:
    builder = TableBuilder()
    assert builder.build(NAME, [row(1, "long text"), row(2, "two")]).widths == [9]
    assert builder.build(NAME, [row(2, "two")]).widths == [9]
    assert builder.build(NAME, [row(2, "two"), row(3, "longer text")]).widths == [11]


def test_other_columns_are_measured_anew() -> None:
    builder = TableBuilder()
    builder.build(NAME, [row(1, "long text")])
    assert builder.build((Column(key="name", title="NAME"),), [row(2, "two")]).widths == [4]

"""A forest as lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.rows.outline import outline

PARENTS = st.dictionaries(st.integers(0, 20), st.none() | st.integers(0, 25), max_size=20)


def lines_of(parents: dict[int, int | None], folded: set[int] = frozenset()) -> list[str]:  # type: ignore[assignment]
    drawn = outline(sorted(parents), lambda one: one, lambda one: parents[one], folded)
    return [f"{one.guide}{'▸ ' if one.folded else ''}{one.item}" for one in drawn]


def test_children_follow_their_parent_with_guides() -> None:
    assert lines_of({1: None, 2: 1, 3: 2, 4: 1, 5: None}) == ["1", "├ 2", "│ └ 3", "└ 4", "5"]


def test_folded_branch_says_how_much_it_hides() -> None:
    assert lines_of({1: None, 2: 1, 3: 2, 4: 1}, {2}) == ["1", "├ ▸ 2", "└ 4"]


def test_nothing_below_a_folded_branch_shows() -> None:
    assert lines_of({1: None, 2: 1, 3: 2, 4: 3}, {1}) == ["▸ 1"]


def test_fold_of_a_leaf_is_no_mark() -> None:
    assert lines_of({1: None}, {1}) == ["1"]


def test_item_with_unknown_parent_is_a_root() -> None:
    assert lines_of({7: 3}) == ["7"]


@given(PARENTS)
def test_every_item_shows_exactly_once_even_in_cycles(parents: dict[int, int | None]) -> None:
    drawn = outline(sorted(parents), lambda one: one, lambda one: parents[one])
    assert sorted(parents) == sorted(line.item for line in drawn)


def test_deep_trees_do_not_recurse() -> None:
    depth = 5000
    drawn = outline(range(depth), lambda one: one, lambda one: one - 1 if one else None)
    assert depth - 1 == drawn[-1].depth

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.host.mounts import MountNode, arrange_mounts, propagation_in_words
from nsview.kernel.mountinfo import Mount, Propagation


def _mount(number: int, parent: int, target: str) -> Mount:
    return Mount(
        id=number,
        parent=parent,
        major=0,
        minor=number,
        root="/",
        target=target,
        fstype="tmpfs",
        source="none",
        options=("rw",),
        super_options=("rw",),
    )


def _by_id(*mounts: Mount, seen_from_namespace: bool = False) -> dict[int, MountNode]:
    nodes = arrange_mounts(mounts, seen_from_namespace=seen_from_namespace)
    return {node.mount.id: node for node in nodes}


def test_tree_order_has_parents_first_whatever_the_order_of_the_table() -> None:
    nodes = arrange_mounts(
        [_mount(22, 27, "/proc"), _mount(24, 27, "/dev"), _mount(25, 24, "/dev/shm"),
         _mount(27, 1, "/")]
    )  # fmt: skip
    assert [(node.mount.target, node.depth) for node in nodes] == [
        ("/", 0), ("/proc", 1), ("/dev", 1), ("/dev/shm", 2),
    ]  # fmt: skip
    assert nodes[0].children == (22, 24)
    assert not any(node.hidden for node in nodes)


def test_a_mount_on_the_same_directory_hides_in_place() -> None:
    nodes = _by_id(_mount(1, 0, "/"), _mount(2, 1, "/a"), _mount(3, 2, "/a"), _mount(4, 3, "/a"))
    assert (nodes[2].hidden, nodes[2].hidden_by) == ("in place", 4)
    assert (nodes[3].hidden, nodes[3].hidden_by) == ("in place", 4)
    assert nodes[4].hidden is None


def test_a_mount_on_a_directory_above_hides_higher_up() -> None:
    nodes = _by_id(_mount(1, 0, "/"), _mount(2, 1, "/a/b/c"), _mount(3, 1, "/a"))
    assert (nodes[2].hidden, nodes[2].hidden_by) == ("higher up", 3)
    assert nodes[3].hidden is None


def test_children_of_a_covered_mount_are_hidden_and_those_of_the_cover_are_not() -> None:
    nodes = _by_id(
        _mount(1, 0, "/"), _mount(2, 1, "/a"), _mount(3, 2, "/a/b"),
        _mount(4, 2, "/a"), _mount(5, 4, "/a/b"),
    )  # fmt: skip
    assert (nodes[3].hidden, nodes[3].hidden_by) == ("higher up", 4)
    assert nodes[5].hidden is None


def test_a_name_that_only_begins_alike_hides_nothing() -> None:
    nodes = _by_id(_mount(1, 0, "/"), _mount(2, 1, "/ab/c"), _mount(3, 1, "/a"))
    assert nodes[2].hidden is None


def test_a_mount_over_the_root_is_out_of_reach_for_who_stands_on_it() -> None:
    table = (_mount(1, 0, "/"), _mount(2, 1, "/proc"), _mount(3, 1, "/"), _mount(4, 3, "/x"))
    nodes = _by_id(*table)
    assert nodes[1].hidden is None
    assert nodes[2].hidden is None
    assert (nodes[3].hidden, nodes[3].hidden_by) == ("over root", 1)
    assert (nodes[4].hidden, nodes[4].hidden_by) == ("over root", 1)


def test_who_enters_the_namespace_now_starts_on_top() -> None:
    table = (_mount(1, 1, "/"), _mount(2, 1, "/proc"), _mount(3, 1, "/"), _mount(4, 3, "/x"))
    nodes = _by_id(*table, seen_from_namespace=True)
    assert (nodes[1].hidden, nodes[1].hidden_by) == ("in place", 3)
    assert (nodes[2].hidden, nodes[2].hidden_by) == ("higher up", 3)
    assert nodes[4].hidden is None


def test_a_chroot_without_a_mount_of_its_own_has_several_roots() -> None:
    nodes = _by_id(_mount(2, 30, "/proc"), _mount(3, 30, "/dev"), _mount(4, 3, "/dev/shm"))
    assert [nodes[number].depth for number in (2, 3, 4)] == [0, 0, 1]
    assert not any(node.hidden for node in nodes.values())


@pytest.mark.parametrize(
    ("propagation", "words"),
    [
        (Propagation(), "private"),
        (Propagation(shared=7), "shared:7"),
        (Propagation(shared=7, master=3), "shared:7, slave of 3"),
        (Propagation(master=3, propagate_from=2), "slave of 3, through 2"),
        (Propagation(unbindable=True), "unbindable"),
    ],
)
def test_propagation_reads_as_the_manual_says_it(propagation: Propagation, words: str) -> None:
    assert propagation_in_words(propagation) == words


@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.integers(0, 8),
            st.sampled_from(["/", "/a", "/a/b", "/a/b//deleted", "//", "x"]),
        ),
        max_size=12,
    )
)
def test_no_table_however_torn_breaks_it(rows: list[tuple[int, int, str]]) -> None:
    mounts = [_mount(*row) for row in rows]
    numbers = {mount.id for mount in mounts}
    nodes = arrange_mounts(mounts)
    shown = [node.mount.id for node in nodes]
    assert sorted(shown) == sorted(numbers)
    assert len(arrange_mounts(mounts, seen_from_namespace=True)) == len(nodes)

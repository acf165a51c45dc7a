from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support import made_up

from nsview.host.model import Namespace
from nsview.host.namespace_trees import (
    NamespaceNode,
    tree_by_owner,
    tree_by_parent,
    tree_by_process,
)
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task


def _shape(nodes: tuple[NamespaceNode, ...]) -> list[tuple[str, int, int]]:
    return [(node.namespace.kind, node.namespace.ino, node.depth) for node in nodes]


def _task(pid: int, ppid: int, net: int) -> Task:
    namespaces = tuple(net if kind == "net" else 7 for kind in KINDS)
    return made_up.task(pid, ppid=ppid, namespaces=namespaces)


def test_parents_nest_and_kinds_without_parent_are_roots() -> None:
    namespaces = [
        Namespace(kind="net", ino=10, owner=1),
        Namespace(kind="pid", ino=1),
        Namespace(kind="pid", ino=2, parent=1),
        Namespace(kind="pid", ino=3, parent=2),
        Namespace(kind="pid", ino=4, parent=1),
    ]
    assert _shape(tree_by_parent(namespaces)) == [
        ("net", 10, 0),
        ("pid", 1, 0),
        ("pid", 2, 1),
        ("pid", 3, 2),
        ("pid", 4, 1),
    ]


def test_owned_namespaces_hang_below_their_user_namespace() -> None:
    namespaces = [
        Namespace(kind="net", ino=10, owner=2),
        Namespace(kind="user", ino=1),
        Namespace(kind="user", ino=2, owner=1, parent=1),
    ]
    assert _shape(tree_by_owner(namespaces)) == [("user", 1, 0), ("user", 2, 1), ("net", 10, 2)]


def test_an_owner_that_is_not_listed_makes_a_root() -> None:
    assert _shape(tree_by_owner([Namespace(kind="net", ino=10, owner=99)])) == [("net", 10, 0)]


def test_a_process_tree_skips_ancestors_in_the_same_namespace() -> None:
    tasks = {task.pid: task for task in (_task(1, 0, 10), _task(5, 1, 20), _task(6, 5, 20))}
    namespaces = [Namespace(kind="net", ino=10, pid=1), Namespace(kind="net", ino=20, pid=6)]
    assert _shape(tree_by_process(namespaces, tasks)) == [("net", 10, 0), ("net", 20, 1)]


def test_a_thread_held_namespace_hangs_below_its_leaders() -> None:
    tasks = {1: _task(1, 0, 10)}
    namespaces = [Namespace(kind="net", ino=10, pid=1), Namespace(kind="net", ino=20, pid=1)]
    assert _shape(tree_by_process(namespaces, tasks)) == [("net", 10, 0), ("net", 20, 1)]


@given(st.dictionaries(st.integers(1, 12), st.none() | st.integers(1, 12)))
def test_every_namespace_appears_once_whatever_loops_there_are(
    parents: dict[int, int | None],
) -> None:
    namespaces = [Namespace(kind="pid", ino=ino, parent=up) for ino, up in parents.items()]
    nodes = tree_by_parent(namespaces)
    assert sorted(node.namespace.ino for node in nodes) == sorted(parents)
    depth_before = -1
    for node in nodes:
        assert node.depth <= depth_before + 1
        depth_before = node.depth

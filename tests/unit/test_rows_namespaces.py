"""Namespaces as rows, and their holders in words."""

from __future__ import annotations

import pytest
from tui import fake_details as fake

from nsview.host.holder_words import held_by_words, holder_words
from nsview.host.model import Holder
from nsview.tui.rows.namespaces import (
    kernel_order,
    namespace_rows,
    of_container,
)

SNAPSHOT = fake.snapshot()


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (Holder(kind="process", pid=400, count=5), "5 processes"),
        (Holder(kind="process", pid=400), "1 process"),
        (Holder(kind="process", pid=400, children=True), "next child of 400 (sshd)"),
        (Holder(kind="thread", pid=400, tid=402), "thread 402 of 400 (sshd)"),
        (Holder(kind="thread", pid=400, tid=402, children=True), "next child of thread 402"),
        (Holder(kind="fd", pid=6007, fd=3), "fd 3 of 6007 (sleep)"),
        (Holder(kind="fd", pid=99999, fd=3), "fd 3 of 99999"),
        (Holder(kind="socket", pid=400, fd=4), "socket fd 4 of 400 (sshd)"),
        (Holder(kind="bind", path="/run/netns/\x1bx"), "bind /run/netns/\\x1bx"),
        (Holder(kind="child", namespace_kind="pid", ino=7), "child pid:[7]"),
        (Holder(kind="owned", namespace_kind="net", ino=7), "owns net:[7]"),
        (Holder(kind="unknown"), "something that nothing visible explains"),
    ],
)
def test_every_sort_of_holder_has_words(holder: Holder, words: str) -> None:
    assert words == holder_words(SNAPSHOT, holder)


def test_many_holders_of_a_sort_are_counted() -> None:
    holders = [Holder(kind="fd", pid=400, fd=number) for number in range(5)]

    words = held_by_words(SNAPSHOT, holders)

    assert words == "fd 0 of 400 (sshd), fd 1 of 400 (sshd), 3 more of kind fd"


def test_nothing_holds_it() -> None:
    assert held_by_words(SNAPSHOT, ()) == "–"


def test_flat_rows_are_in_the_order_of_kinds() -> None:
    rows = namespace_rows(SNAPSHOT, sorted(fake.namespaces(), key=kernel_order))

    assert [row.namespace.kind for row in rows[:5]] == ["mnt"] * 5
    assert rows[-1].namespace.kind == "time"


def test_parents_stand_above_their_children() -> None:
    rows = namespace_rows(SNAPSHOT, sorted(fake.namespaces(), key=kernel_order), order="parent")
    pids = [
        (f"{row.line.guide}pid", row.namespace.ino) for row in rows if row.namespace.kind == "pid"
    ]

    assert [
        ("pid", fake.HOST[2]),
        ("├ pid", fake.WEB[2]),
        ("├ pid", fake.DIND[2]),
        ("│ └ pid", fake.INNER[2]),
        ("└ pid", fake.WORKER[2]),
    ] == pids


def test_owners_stand_above_what_they_own() -> None:
    rows = namespace_rows(SNAPSHOT, sorted(fake.namespaces(), key=kernel_order), order="owner")
    guides = {row.key: row.line.guide for row in rows}

    assert guides["user", fake.HOST[5]] == ""
    assert guides["user", fake.WORKER[5]] != ""
    owned = [row.namespace.kind for row in rows if row.namespace.owner == fake.WORKER[5]]
    assert owned == ["mnt", "pid", "uts", "ipc", "cgroup"]


def test_fold_hides_what_is_owned() -> None:
    rows = namespace_rows(
        SNAPSHOT, fake.namespaces(), order="owner", folded={("user", fake.HOST[5])}
    )

    assert len(rows) == 1
    assert rows[0].line.folded
    assert rows[0].line.below > 0


def test_container_has_those_of_its_members() -> None:
    web = SNAPSHOT.container("docker/web")
    assert web is not None

    found = of_container(SNAPSHOT, web, fake.namespaces())

    assert set(fake.WEB) == {one.ino for one in found}

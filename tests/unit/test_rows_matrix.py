"""The namespace matrix of a container."""

from __future__ import annotations

from tui import fake_details as fake

from nsview.host.model import Container, Holder
from nsview.tui.rows.matrix import MatrixRow, matrix_rows


def of(ref: str) -> dict[str, MatrixRow]:
    snapshot = fake.snapshot()
    found = snapshot.container(ref)
    assert found is not None
    return {row.kind: row for row in matrix_rows(snapshot, found)}


def test_own_namespace_is_shared_with_nobody() -> None:
    row = of("docker/web")["net"]

    assert (fake.WEB[1], fake.HOST[1]) == (row.own, row.host)
    assert not row.shared
    assert row.with_whom == "nobody"
    assert row.held_by == "3 processes"


def test_hosts_namespace_is_shared_with_the_host_and_its_containers() -> None:
    row = of("docker/web")["user"]

    assert row.shared
    assert row.with_whom == "host, dind, inner"


def test_many_sharers_are_counted() -> None:
    row = of("docker/web")["time"]

    assert row.with_whom == "host, 3 containers"


def test_isolated_services_are_counted_apart() -> None:
    snapshot = fake.snapshot()
    containers = tuple(
        one._replace(kind="isolated") if one.ref == "docker/dind" else one
        for one in snapshot.containers
    )
    snapshot = snapshot._replace(containers=containers)
    web = snapshot.container("docker/web")
    assert web is not None

    row = next(row for row in matrix_rows(snapshot, web) if row.kind == "user")

    assert row.with_whom == "host, inner, 1 isolated"


def test_host_page_shares_with_containers_not_with_itself() -> None:
    row = of("host")["time"]

    assert not row.shared
    assert row.with_whom == "4 containers"


def test_unreadable_namespace_says_so() -> None:
    snapshot = fake.snapshot()
    nothing = Container(ref="x", engine="x", id=None, name="x")

    row = matrix_rows(snapshot, nothing._replace(status="running"))[0]

    assert (row.own, row.with_whom) == (0, "not readable")


def test_without_rights_nobody_can_tell_that_it_is_all() -> None:
    snapshot = fake.snapshot()
    hidden = snapshot.tasks[400]._replace(namespaces=(0,) * 8)
    snapshot = snapshot._replace(tasks={**snapshot.tasks, 400: hidden})
    web = snapshot.container("docker/web")
    assert web is not None

    row = next(row for row in matrix_rows(snapshot, web) if row.kind == "net")

    assert (row.with_whom, row.held_by) == ("nobody in sight", "3 processes in sight")


def test_what_a_user_namespace_owns_is_left_to_its_page() -> None:
    snapshot = fake.snapshot()
    web = snapshot.container("docker/web")
    assert web is not None
    owned = Holder(kind="owned", namespace_kind="mnt", ino=7)

    rows = matrix_rows(snapshot, web, {("net", fake.WEB[1]): (owned,)})

    assert next(row.held_by for row in rows if row.kind == "net") == "3 processes"


def test_known_holders_are_spelled_out() -> None:
    snapshot = fake.snapshot()
    web = snapshot.container("docker/web")
    assert web is not None

    rows = matrix_rows(snapshot, web, {("net", fake.WEB[1]): (Holder(kind="fd", fd=3, pid=400),)})

    assert next(row.held_by for row in rows if row.kind == "net") == "fd 3 of 400 (sshd)"

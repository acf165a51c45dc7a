"""User namespace > pid namespace > container > processes."""

from __future__ import annotations

from tui import fake_details as fake

from nsview.tui.rows.xray import xray_nodes, xray_rows

SNAPSHOT = fake.snapshot()


def test_everything_hangs_where_it_belongs() -> None:
    rows = xray_rows(xray_nodes(SNAPSHOT, fake.namespaces()), ())
    labels = [row.node.text for row in rows]

    assert f"user:[{fake.HOST[5]}]" == labels[0]
    assert sum(not row.line.guide for row in rows) == 1
    worker = next(i for i, row in enumerate(rows) if row.node.key == ("user", fake.WORKER[5]))
    assert [row.node.kind for row in rows[worker : worker + 5]] == [
        "user",
        "pid",
        "container",
        "process",
        "process",
    ]


def test_a_process_hangs_below_its_parent_within_its_container() -> None:
    nodes = {node.key: node for node in xray_nodes(SNAPSHOT, fake.namespaces())}

    assert nodes["process", 4790].above == ("process", 4711)
    assert nodes["process", 4711].above == ("container", "docker/web")
    assert nodes["process", 5210].above == ("container", "docker/dind/inner")
    assert nodes["process", 1].above == ("container", "host")


def test_one_container_alone_with_what_is_above_and_below() -> None:
    web = SNAPSHOT.container("docker/web")
    nodes = xray_nodes(SNAPSHOT, fake.namespaces(), web)

    assert [
        ("user", fake.HOST[5]),
        ("pid", fake.WEB[2]),
        ("container", "docker/web"),
        ("process", 4711),
        ("process", 4790),
        ("process", 4791),
    ] == [node.key for node in nodes]


def test_names_are_safe() -> None:
    hostile = fake.snapshot(hostile=True)
    for node in xray_nodes(hostile, fake.namespaces(hostile=True)):
        assert (node.text + node.detail).isprintable()

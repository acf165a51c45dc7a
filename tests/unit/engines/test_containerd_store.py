"""containerd's containers from a real meta.db."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from bbolt_writer import database, elements, leaf
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.base import Daemon, Pod
from nsview.engines.containerd_store import (
    DATABASE,
    TASKS,
    ContainerdStore,
    parse_any,
    parse_go_time,
    parse_meta,
    parse_pid,
)
from nsview.engines.stores import StoreSearch

META_DB = gzip.decompress((Path(__file__).parent / "data" / "meta.db.gz").read_bytes())
POD_MEMBER = "ab" * 32


def write(root: Path, content: bytes = META_DB) -> Path:
    file = root / DATABASE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def write_pid(state: Path, namespace: str, identity: str, content: str) -> Path:
    file = state / TASKS / namespace / identity / "init.pid"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    return file


def store(root: Path, state: Path | None = None) -> ContainerdStore:
    return ContainerdStore("/", str(root), None if state is None else str(state))


def test_records_of_every_namespace(tmp_path: Path) -> None:
    write(tmp_path)
    records = store(tmp_path).read_records()
    assert [(record.namespace, record.id) for record in records] == [
        ("default", "c1"),
        ("k8s.io", POD_MEMBER),
        ("k8s.io", "c1"),
        ("k8s.io", "never"),
    ]
    record = records[0]
    assert record.engine == "containerd"
    assert record.name is None
    assert record.image == "docker.io/library/t1:latest"
    assert record.image_id == "5dc8f93cac22ed295bc7e844afee7c5188270e9c09b35bdb46c38ccba623a87e"
    assert record.command == ("/bin/sleep", "100000")
    assert record.driver == "overlayfs"
    assert record.created == pytest.approx(1795469753.5314562)
    assert record.labels == (("io.containerd.image.config.stop-signal", "SIGTERM"),)
    assert record.home == str(tmp_path)
    assert (record.running, record.pid) == (None, None)  # no state directory, no answer


def test_pod_of_the_cri_labels(tmp_path: Path) -> None:
    write(tmp_path)
    (record,) = (r for r in store(tmp_path).read_records() if r.id == POD_MEMBER)
    assert record.name == "nginx"
    assert record.pod == Pod(
        uid="11111111-2222-3333-4444-555555555555", name="web-0", namespace="shop"
    )
    assert not record.sandbox


def test_task_of_the_right_namespace(tmp_path: Path) -> None:
    """Two containers are called c1."""
    write(tmp_path)
    state = tmp_path / "state"
    pid_file = write_pid(state, "k8s.io", "c1", "31775")
    write_pid(state, "k8s.io", "never", "not a number")
    containerd = store(tmp_path, state)
    running = {(r.namespace, r.id): (r.running, r.pid) for r in containerd.read_records()}
    assert running == {
        ("default", "c1"): (False, None),
        ("k8s.io", "c1"): (True, 31775),
        ("k8s.io", "never"): (False, None),
        ("k8s.io", POD_MEMBER): (False, None),
    }
    pid_file.unlink()
    assert not any(record.running for record in containerd.read_records())


def test_docker_knows_its_own_better() -> None:
    containers = {b"containers": {b"c1": {b"image": b"t1"}}}
    data = database(leaf(3, elements({b"v1": {b"moby": containers, b"default": containers}})))
    found = parse_meta(data)
    assert found is not None
    assert [(container.namespace, container.id) for container in found] == [("default", "c1")]


def test_sandbox_and_images_of_the_cri() -> None:
    """CRI names the image of a container by digest alone; the image has a name for people too."""
    digest, its_labels = (
        b"sha256:" + b"ab" * 32,
        {
            b"io.cri-containerd.kind": b"sandbox",
            b"io.kubernetes.pod.uid": b"1-2-3",
            b"io.kubernetes.pod.name": b"web-0",
        },
    )
    names = (digest, b"docker.io/library/t1@" + digest, b"docker.io/library/t1:latest")
    tree = {
        b"v1": {
            b"k8s.io": {
                b"containers": {b"5a": {b"image": digest, b"labels": its_labels}},
                b"images": {name: {b"target": {b"digest": digest}} for name in names},
            }
        }
    }
    (found,) = parse_meta(database(leaf(3, elements(tree)))) or ()
    assert (found.name, found.sandbox) == ("web-0", True)
    assert (found.image, found.image_id) == ("docker.io/library/t1:latest", "ab" * 32)


@pytest.mark.parametrize("name", [b"../../c1", b"..", b".hidden", b"a/b"])
def test_names_that_containerd_never_gives(name: bytes) -> None:
    tree = {b"v1": {b"default": {b"containers": {name: {}, b"nerd": {b"labels": NERDCTL}}}}}
    found = parse_meta(database(leaf(3, elements(tree)))) or ()
    assert [(container.id, container.name) for container in found] == [("nerd", "web")]


NERDCTL = {b"nerdctl/name": b"web"}


def test_torn_database_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, META_DB[: len(META_DB) // 8])
    assert list(store(tmp_path).read_records()) == []


def test_unchanged_database_is_not_parsed_again(tmp_path: Path) -> None:
    long_ago = 1_000_000_000
    os.utime(write(tmp_path), (long_ago, long_ago))
    containerd = store(tmp_path)
    assert containerd.read_records() is containerd.read_records()


def daemon(*command: str, root: str = "/") -> Daemon:
    return Daemon(pid=1, comm="containerd", command=("containerd", *command), uid=0, root=root)


def test_root_and_state_of_a_running_daemon(tmp_path: Path) -> None:
    root, state = tmp_path / "root", tmp_path / "state"
    write(root)
    write_pid(state, "default", "c1", "42")
    running = daemon("--root", str(root), "--state", str(state))
    (found,) = (s for s in StoreSearch().find((running,), ()) if s.home == str(root))
    assert [record.pid for record in found.read_records() if record.pid] == [42]


def test_root_and_state_of_its_configuration(tmp_path: Path) -> None:
    """As dockerd starts its own: with nothing but --config."""
    root, state = tmp_path / "root", tmp_path / "state"
    write(root)
    write_pid(state, "default", "c1", "42")
    settings = tmp_path / "containerd.toml"
    settings.write_text(f"version = 2\nroot = {json.dumps(str(root))}\nstate = '{state}'\n[grpc]\n")
    running = daemon("--config", str(settings), "--log-level", "info")
    (found,) = (s for s in StoreSearch().find((running,), ()) if s.home == str(root))
    assert [record.pid for record in found.read_records() if record.pid] == [42]


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"\x01\x00\x00\x00\x0e\xe2\x96\xa8\xb9\x1f\xad`\xa7\xff\xff", 1795469753.5314562),
        (b"\x02\x00\x00\x00\x0e\xe2\x96\xa8\xb9\x00\x00\x00\x00\x00\x3c\x07", 1795469753.0),
        (b"\x01" + bytes(12) + b"\xff\xff", None),  # the zero time
        (b"\x03" + bytes(14), None),
        (b"\x01\x00", None),
        (b"", None),
    ],
)
def test_go_time(data: bytes, seconds: float | None) -> None:
    assert parse_go_time(data) == (pytest.approx(seconds) if seconds else None)


def test_any() -> None:
    value = b"x" * 300
    assert parse_any(b"\x0a\x03abc\x12\xac\x02" + value) == value
    assert parse_any(b"\x12\x01y") == b"y"
    assert parse_any(b"\x0a\x03abc") == b""
    assert parse_any(b"\x08\x01\x12\x01y") == b""


@given(st.binary())
def test_small_parsers_take_any_bytes(data: bytes) -> None:
    parse_go_time(data)
    parse_any(data)
    pid = parse_pid(data)
    assert pid is None or pid >= 0


@given(
    st.lists(
        st.tuples(st.integers(0, len(META_DB) - 1), st.integers(0, 255)), min_size=1, max_size=8
    )
)
def test_damaged_database_never_raises(changes: list[tuple[int, int]]) -> None:
    data = bytearray(META_DB)
    for at, value in changes:
        data[at] = value
    parse_meta(bytes(data))

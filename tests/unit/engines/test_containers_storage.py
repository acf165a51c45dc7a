"""Podman's, CRI-O's and buildah's containers from a graph root."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.base import Daemon, Pod, User
from nsview.engines.containers_storage import (
    ContainersStorage,
    parse_containers,
    parse_images,
)
from nsview.engines.libpod import parse_bolt_state, parse_sql_state
from nsview.engines.stores import StoreSearch

BOLT_STATE_DB = gzip.decompress((Path(__file__).parent / "data" / "bolt_state.db.gz").read_bytes())
P1 = "a96d3affd2773aba7573fb8d350dba95a51f6b1de41b28c8a60596d60b4d0c31"
IN_POD = "013ab872a568713e20cb08c8815a8dac9ebd859c24b96354fe9f0c7fdcc06f5c"
INFRA = "edc7340f778df584c17110d622b76898099a4fe5b9bf0c45ced7f7ee3730bcc9"
POD = "3157c0c2c5129951e12b74b407a1a6c773c7853777fb5508984c8d4d01e2eebf"
IMAGE = "d942be8894b6747afc5e1250efbdc1d75ce19bb883225c9f9d790940d3aa6e1b"


def element(identity: str, name: str, metadata: object, **more: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "names": [name],
        "image": IMAGE,
        "layer": "c6" * 32,
        "created": "2026-11-23T21:35:16.124835407Z",
        "flags": {"MountLabel": "", "ProcessLabel": ""},
        **({} if metadata is None else {"metadata": json.dumps(metadata)}),
        **more,
    }


def podman(identity: str, name: str) -> dict[str, Any]:
    metadata = {
        "image-name": "localhost/t1:latest",
        "image-id": IMAGE,
        "name": name,
        "created-at": 1795469716,
    }
    return element(identity, name, metadata)


def crio(identity: str, pod_id: str, **metadata: Any) -> dict[str, Any]:
    """CRI-O: internal/storage/runtime.go, RuntimeContainerMetadata."""
    common = {
        "pod-name": "k8s_web-0_shop_1-2-3_0",
        "pod-id": pod_id,
        "image-name": "registry.k8s.io/pause:3.9",
        "image-id": IMAGE,
        "created-at": 1795469716,
    }
    return element(identity, str(metadata["name"]), common | metadata, created=None)


def write(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def storage(graph: Path, run: Path | None = None) -> ContainersStorage:
    return ContainersStorage("/", str(graph), None if run is None else str(run))


LIST = "overlay-containers/containers.json"
VOLATILE = "overlay-containers/volatile-containers.json"


def test_podman_without_its_database(tmp_path: Path) -> None:
    write(tmp_path, LIST, [podman(P1, "p1")])
    (record,) = storage(tmp_path).read_records()
    assert (record.engine, record.id, record.name) == ("podman", P1, "p1")
    assert (record.image, record.image_id) == ("localhost/t1:latest", IMAGE)
    assert record.created == pytest.approx(1795469716.124835)
    assert (record.running, record.pod, record.driver) == (None, None, "overlay")
    assert record.home == str(tmp_path)


def test_podman_with_its_database(tmp_path: Path) -> None:
    elements = [podman(P1, "p1"), podman(IN_POD, "inpod2"), podman(INFRA, "3157c0c2c512-infra")]
    write(tmp_path, LIST, elements)
    write(tmp_path, "libpod/bolt_state.db", BOLT_STATE_DB)
    records = {record.id: record for record in storage(tmp_path).read_records()}
    p1, member, infra = records[P1], records[IN_POD], records[INFRA]
    assert (p1.running, p1.paused, p1.pid) == (True, False, 31079)
    assert p1.started == pytest.approx(1795469716.183353)
    assert p1.command == ("/bin/sleep", "100000")
    assert dict(p1.labels)["a"] == "b"
    assert (p1.pod, p1.sandbox, p1.driver) == (None, False, "overlay")
    assert member.pod == infra.pod == Pod(uid=POD, name="pod2")
    assert (member.sandbox, infra.sandbox) == (False, True)
    assert infra.image == "localhost/pause:latest"


def test_container_that_only_podman_knows(tmp_path: Path) -> None:
    """podman run --rootfs keeps nothing in containers/storage."""
    write(tmp_path, "libpod/bolt_state.db", BOLT_STATE_DB)
    names = {record.name for record in storage(tmp_path).read_records()}
    assert {"p1", "p2", "p3", "inpod", "inpod2"} < names


def test_buildah_and_images_names(tmp_path: Path) -> None:
    write(tmp_path, LIST, [element("74" * 32, "bld", None)])
    write(tmp_path, "overlay-images/images.json", [{"id": IMAGE, "names": ["localhost/t1:latest"]}])
    (record,) = storage(tmp_path).read_records()
    assert (record.engine, record.name) == ("buildah", "bld")
    assert (record.image, record.image_id) == ("localhost/t1:latest", IMAGE)


def test_crio_pod(tmp_path: Path) -> None:
    sandbox, container = "5a" * 32, "c0" * 32
    elements = [
        crio(container, sandbox, name="k8s_nginx_web-0_shop_1-2-3_0", **{"metadata-name": "nginx"}),
        crio(
            sandbox,
            sandbox,
            name="k8s_POD_web-0_shop_1-2-3_0",
            uid="1-2-3",
            namespace="shop",
            pod=True,
            **{"metadata-name": "web-0"},
        ),
    ]
    write(tmp_path, VOLATILE, elements)
    records = {record.id: record for record in storage(tmp_path).read_records()}
    pod = Pod(uid="1-2-3", name="web-0", namespace="shop")
    assert {record.engine for record in records.values()} == {"crio"}
    assert (records[container].name, records[container].pod) == ("nginx", pod)
    assert (records[sandbox].name, records[sandbox].pod) == ("web-0", pod)
    assert (records[container].sandbox, records[sandbox].sandbox) == (False, True)
    assert records[container].created == 1795469716


def test_volatile_lists_of_both_roots_and_every_driver(tmp_path: Path) -> None:
    graph, run = tmp_path / "graph", tmp_path / "run"
    write(graph, LIST, [podman("11" * 32, "one")])
    write(graph, VOLATILE, [podman("22" * 32, "two")])
    write(run, VOLATILE, [podman("33" * 32, "three")])
    write(graph, "vfs-containers/containers.json", [podman("44" * 32, "four")])
    records = storage(graph, run).read_records()
    assert {(record.name, record.driver) for record in records} == {
        ("one", "overlay"),
        ("two", "overlay"),
        ("three", "overlay"),
        ("four", "vfs"),
    }


def test_unchanged_files_are_not_parsed_again(tmp_path: Path) -> None:
    long_ago = 1_000_000_000
    file = write(tmp_path, LIST, [podman(P1, "p1")])
    os.utime(file, (long_ago, long_ago))
    podmans = storage(tmp_path)
    assert podmans.read_records() is podmans.read_records()
    write(tmp_path, LIST, [podman(P1, "other")])
    assert [record.name for record in podmans.read_records()] == ["other"]


def sql_state(path: Path, *statements: str) -> bytes:
    """A db.sql with the columns of libpod/sqlite_state_internal.go that matter here."""
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE PodConfig(ID TEXT PRIMARY KEY, Name TEXT, JSON TEXT);
            CREATE TABLE PodState(ID TEXT PRIMARY KEY, InfraContainerID TEXT, JSON TEXT);
            CREATE TABLE ContainerConfig(
                ID TEXT PRIMARY KEY, Name TEXT, PodID TEXT, JSON TEXT);
            CREATE TABLE ContainerState(
                ID TEXT PRIMARY KEY, State INTEGER, ExitCode INTEGER, JSON TEXT);
            """
        )
        config = {"id": INFRA, "name": "infra", "labels": {"a": "b"}, "rootfsImageName": "t1"}
        state = {"state": 5, "pid": 77, "startedTime": "2026-11-23T21:35:16Z"}
        connection.execute("INSERT INTO PodConfig VALUES (?, 'pod2', '{}')", [POD])
        connection.execute("INSERT INTO PodState VALUES (?, ?, '{}')", [POD, INFRA])
        connection.execute(
            "INSERT INTO ContainerConfig VALUES (?, 'infra', ?, ?)",
            [INFRA, POD, json.dumps(config)],
        )
        connection.execute(
            "INSERT INTO ContainerState VALUES (?, 5, 0, ?)", [INFRA, json.dumps(state).encode()]
        )
        connection.execute("INSERT INTO ContainerConfig VALUES (?, 'p1', NULL, '[]')", [P1])
        connection.execute("INSERT INTO ContainerState VALUES (?, 1, 0, 'null')", [P1])
        for statement in statements:
            connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("name", ["db.sql", "libpod/db.sql"])
def test_podman_with_sqlite(tmp_path: Path, name: str) -> None:
    write(tmp_path / "graph", LIST, [podman(INFRA, "infra"), podman(P1, "p1")])
    write(tmp_path / "graph", name, sql_state(tmp_path / "db"))
    infra, p1 = storage(tmp_path / "graph").read_records()
    assert (infra.name, infra.image, infra.pod) == ("infra", "t1", Pod(uid=POD, name="pod2"))
    assert (infra.sandbox, infra.running, infra.paused, infra.pid) == (True, True, True, 77)
    assert infra.labels == (("a", "b"),)
    assert (p1.name, p1.pod, p1.running) == ("p1", None, None)


def test_podman_5_tells_of_an_infra_container_in_its_own_record_alone(tmp_path: Path) -> None:
    statements = (
        "UPDATE PodState SET InfraContainerID = NULL",
        """UPDATE ContainerConfig SET JSON = '{"pause": true}' WHERE Name = 'infra'""",
        """UPDATE ContainerConfig SET JSON = '{"pause": false}' WHERE Name = 'p1'""",
    )
    write(tmp_path / "graph", LIST, [podman(INFRA, "infra"), podman(P1, "p1")])
    write(tmp_path / "graph", "db.sql", sql_state(tmp_path / "db", *statements))
    infra, p1 = storage(tmp_path / "graph").read_records()
    assert (infra.sandbox, p1.sandbox) == (True, False)


def test_transient_storage_keeps_the_database_in_the_run_root(tmp_path: Path) -> None:
    graph, run = tmp_path / "graph", tmp_path / "run"
    write(graph, LIST, [podman(INFRA, "infra")])
    write(run, "db.sql", sql_state(tmp_path / "db"))
    assert "pod2" in {r.pod.name for r in storage(graph, run).read_records() if r.pod}


def test_sqlite_that_computes_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nsview.engines.libpod._STEPS", 2_000_000)
    data = sql_state(
        tmp_path / "db",
        "DROP TABLE PodConfig",
        "CREATE VIEW PodConfig(ID, Name, JSON) AS"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT '', '', '' FROM n WHERE i < 0",
    )
    assert parse_sql_state(data) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"{}", b"[" * 200_000, b'[null, 5, [], {}, {"id": 5}]', b"\xff"],
)
def test_bad_lists_are_nothing(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, LIST, content)
    write(tmp_path, VOLATILE, [podman(P1, "p1")])
    assert [record.id for record in storage(tmp_path).read_records()] == [P1]


@pytest.mark.parametrize("metadata", ["{" * 200_000, "5", "[]", "", "null", '{"pod-id": []}'])
def test_bad_metadata_leaves_the_rest(metadata: str) -> None:
    data = json.dumps([element(P1, "p1", None) | {"metadata": metadata}]).encode()
    (container,) = parse_containers(data)
    assert (container.record.id, container.record.name) == (P1, "p1")


def test_a_users_link_to_the_systems_list_is_not_read(tmp_path: Path) -> None:
    graph = tmp_path / "graph"
    write(tmp_path, "secret", [podman(P1, "p1")])
    (graph / "overlay-containers").mkdir(parents=True)
    (graph / LIST).symlink_to(tmp_path / "secret")
    assert list(storage(graph).read_records()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from(["id", "names", "image", "metadata", "created"]))
def test_any_value_anywhere(value: object, key: str) -> None:
    parse_containers(json.dumps([podman(P1, "p1") | {key: value}]).encode())
    parse_images(json.dumps([{"id": IMAGE, "names": ["x"]} | {key: value}]).encode())


@given(st.binary(max_size=300), st.integers(0, 8192))
def test_any_damage_to_a_database_never_raises(data: bytes, at: int) -> None:
    parse_bolt_state(BOLT_STATE_DB[:at] + data + BOLT_STATE_DB[at + len(data) :])
    parse_sql_state(SQL[:at] + data + SQL[at + len(data) :])
    parse_sql_state(data)


@pytest.fixture(scope="module", autouse=True)
def _sql(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SQL  # hypothesis and fixtures of one function do not mix
    SQL = sql_state(tmp_path_factory.mktemp("sql") / "db")


SQL = b""


def conmon(*command: str) -> Daemon:
    return Daemon(pid=1, comm="conmon", command=("/usr/bin/conmon", *command), uid=0)


def test_roots_of_a_running_conmon(tmp_path: Path) -> None:
    graph, run = tmp_path / "graph", tmp_path / "run"
    write(graph, LIST, [podman(P1, "p1")])
    write(run, VOLATILE, [podman("22" * 32, "volatile")])
    bundle = f"{graph}/overlay-containers/{P1}/userdata"
    words = ("--root", str(graph), "--runroot", str(run), "container", "cleanup", P1)
    arguments = [part for word in words for part in ("--exit-command-arg", word)]
    for command in (("-b", bundle, "--exit-command", "/usr/bin/podman", *arguments),):
        stores = StoreSearch().find((conmon(*command),), ())
        (store,) = (store for store in stores if store.home == str(graph))
        assert {record.name for record in store.read_records()} == {"p1", "volatile"}
    stores = StoreSearch().find((conmon("-b", bundle),), ())
    assert str(graph) in [store.home for store in stores]


def test_storage_conf_of_a_user(tmp_path: Path) -> None:
    user = User(uid=os.getuid(), name="me", home=str(tmp_path))
    write(tmp_path / "elsewhere", LIST, [podman(P1, "p1")])
    settings = f"[storage]\ndriver = 'overlay'\ngraphroot = '{tmp_path}/elsewhere'\n"
    write(tmp_path, ".config/containers/storage.conf", settings.encode())
    (store,) = (s for s in StoreSearch().find((), (user,)) if s.home.startswith(str(tmp_path)))
    assert [record.user for record in store.read_records()] == [user.uid]

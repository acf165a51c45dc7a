"""Docker's containers from its data root."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.base import Daemon, Pod, User
from nsview.engines.docker_store import DockerStore, docker_stores, parse_config
from nsview.engines.stores import StoreSearch

ID = "0c0271393e7b0568d8daee3cf69c49ae9c7eafd2a40e30e0b64add6c59bdca0e"
OTHER_ID = "f1" * 32


def config(identity: str = ID, **changes: Any) -> dict[str, Any]:
    """What dockerd 20.10 writes, shortened."""
    return {
        "State": {
            "Running": True,
            "Paused": False,
            "Pid": 31363,
            "StartedAt": "2026-11-23T21:35:52.061652749Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
        },
        "ID": identity,
        "Created": "2026-11-23T21:35:51.914377213Z",
        "Path": "/bin/sleep",
        "Args": ["100000"],
        "Config": {
            "Image": "t1",
            "Labels": {"com.docker.compose.project": "shop"},
        },
        "Image": "sha256:acf23e581fcd3b4bba542db3b6dc73f890b0cb05ed8b06326fab9c66e71cdeb6",
        "Name": "/web",
        "Driver": "overlay2",
        **changes,
    }


def write(root: Path, identity: str, content: object) -> Path:
    folder = root / "containers" / identity
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.v2.json"
    temporary = folder / ".tmp-config.v2.json"  # as dockerd does: write aside, rename
    temporary.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    temporary.rename(file)
    return file


def test_record(tmp_path: Path) -> None:
    write(tmp_path, ID, config())
    (record,) = DockerStore("/", str(tmp_path)).read_records()
    assert record.engine == "docker"
    assert record.id == ID
    assert record.name == "web"
    assert record.image == "t1"
    assert record.image_id == "acf23e581fcd3b4bba542db3b6dc73f890b0cb05ed8b06326fab9c66e71cdeb6"
    assert (record.running, record.paused, record.pid) == (True, False, 31363)
    assert record.started == pytest.approx(1795469752.061652)
    assert record.created == pytest.approx(1795469751.914377)
    assert record.command == ("/bin/sleep", "100000")
    assert record.driver == "overlay2"
    assert record.home == str(tmp_path)
    assert record.labels == (("com.docker.compose.project", "shop"),)
    assert record.pod is None


def test_stopped_container_has_no_pid(tmp_path: Path) -> None:
    write(tmp_path, ID, config(State={"Running": False, "Pid": 31363}))
    (record,) = DockerStore("/", str(tmp_path)).read_records()
    assert (record.running, record.pid) == (False, None)


def test_pid_of_a_dockerd_inside_a_container_is_not_ours() -> None:
    record = parse_config(json.dumps(config()).encode(), home="/x", host_pids=False)
    assert record is not None
    assert (record.running, record.pid) == (True, None)


def test_pod_of_cri_dockerd(tmp_path: Path) -> None:
    its_labels = {
        "io.kubernetes.pod.uid": "1-2-3",
        "io.kubernetes.pod.name": "web-0",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.docker.type": "podsandbox",
    }
    write(tmp_path, ID, config(Config={"Labels": its_labels}))
    (record,) = DockerStore("/", str(tmp_path)).read_records()
    assert record.pod == Pod(uid="1-2-3", name="web-0", namespace="shop")
    assert record.sandbox


def test_follows_what_dockerd_writes(tmp_path: Path) -> None:
    store = DockerStore("/", str(tmp_path))
    assert list(store.read_records()) == []
    write(tmp_path, ID, config())
    write(tmp_path, OTHER_ID, config(OTHER_ID, Name="/two"))
    first = store.read_records()
    assert [record.name for record in first] == ["web", "two"]
    write(tmp_path, ID, config(Name="/renamed"))
    assert [record.name for record in store.read_records()] == ["renamed", "two"]
    (tmp_path / "containers" / OTHER_ID / "config.v2.json").unlink()
    assert [record.name for record in store.read_records()] == ["renamed"]


def test_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    long_ago = 1_000_000_000
    os.utime(write(tmp_path, ID, config()), (long_ago, long_ago))
    store = DockerStore("/", str(tmp_path))
    (first,) = store.read_records()
    (again,) = store.read_records()
    assert again is first


def test_file_written_just_now_is_read_again(tmp_path: Path) -> None:
    """In place, same size, same clock tick: nothing but its content tells."""
    file = write(tmp_path, ID, config(Name="/aaa"))
    store = DockerStore("/", str(tmp_path))
    assert [record.name for record in store.read_records()] == ["aaa"]
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"/aaa", b"/bbb"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [record.name for record in store.read_records()] == ["bbb"]


HOSTILE = [
    b"",
    b"null",
    b"[]",
    b"{" * 200_000,
    b'{"a":' * 200_000,
    b"\xff\xfe",
    json.dumps({"ID": 5}).encode(),
    json.dumps({"ID": "../../etc"}).encode(),
    b'{"ID": "' + b"g" * 64 + b'"}',
]


@pytest.mark.parametrize("content", HOSTILE)
def test_bad_record_is_skipped(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, OTHER_ID, content)
    write(tmp_path, ID, config())
    assert [record.id for record in DockerStore("/", str(tmp_path)).read_records()] == [ID]


def test_links_fifos_and_giants_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps(config("aa" * 32)))
    folder = tmp_path / "containers"
    for name in ("aa", "bb", "cc", "dd"):
        (folder / (name * 32)).mkdir(parents=True)
    (folder / ("aa" * 32) / "config.v2.json").symlink_to(secret)
    os.mkfifo(folder / ("bb" * 32) / "config.v2.json")
    (folder / ("cc" * 32) / "config.v2.json").mkdir()
    with (folder / ("dd" * 32) / "config.v2.json").open("wb") as giant:
        giant.truncate(1 << 40)
    assert list(DockerStore("/", str(tmp_path)).read_records()) == []


def test_file_of_somebody_else_is_not_the_users(tmp_path: Path) -> None:
    write(tmp_path, ID, config())
    mine = os.getuid() or 12345
    if os.getuid() == 0:
        os.chown(tmp_path / "containers" / ID / "config.v2.json", mine, -1)
    assert len(list(DockerStore("/", str(tmp_path), mine).read_records())) == 1
    assert list(DockerStore("/", str(tmp_path), mine + 1).read_records()) == []


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x)))
def test_any_value_anywhere(value: object) -> None:
    for key in config():
        if key != "ID":
            data = json.dumps(config(**{key: value})).encode()
            assert parse_config(data, home="/x") is not None
    parse_config(json.dumps(value).encode(), home="/x")


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_config(data, home="/x")


def daemon(*command: str, root: str = "/") -> Daemon:
    return Daemon(pid=1, comm="dockerd", command=("dockerd", *command), uid=0, root=root)


@pytest.mark.parametrize(
    "options", [("--data-root", "{}"), ("--data-root={}",), ("-g", "{}"), ("--graph={}",)]
)
def test_data_root_of_a_running_daemon(tmp_path: Path, options: tuple[str, ...]) -> None:
    running = daemon("-H", "fd://", *(word.format(tmp_path) for word in options))
    homes = [store.home for store in StoreSearch().find((running,), ())]
    assert str(tmp_path) in homes


def test_data_root_of_its_configuration_file(tmp_path: Path) -> None:
    data_root = tmp_path / "data"
    data_root.mkdir()
    settings = tmp_path / "daemon.json"
    settings.write_text(json.dumps({"data-root": str(data_root)}))
    stores = StoreSearch().find((daemon("--config-file", str(settings)),), ())
    assert str(data_root) in [store.home for store in stores]


def test_configuration_that_is_a_fifo_or_a_device_is_left_alone(tmp_path: Path) -> None:
    user = User(uid=os.getuid(), name="me", home=str(tmp_path))
    (tmp_path / ".config/docker").mkdir(parents=True)
    os.mkfifo(tmp_path / ".config/docker/daemon.json")
    (tmp_path / ".config/containers").mkdir()
    (tmp_path / ".config/containers/storage.conf").symlink_to("/dev/tty")
    assert not [s for s in StoreSearch().find((), (user,)) if s.home.startswith(str(tmp_path))]


def test_remapped_roots(tmp_path: Path) -> None:
    write(tmp_path / "165536.165536", ID, config())
    (tmp_path / "165536.x").mkdir()
    homes = [store.home for store in docker_stores([daemon("-g", str(tmp_path))], [])]
    assert [home for home in homes if home.startswith(str(tmp_path))] == [
        str(tmp_path),
        f"{tmp_path}/165536.165536",
    ]


def test_rootless(tmp_path: Path) -> None:
    user = User(uid=os.getuid(), name="me", home=str(tmp_path))
    write(tmp_path / ".local/share/docker", ID, config())
    stores = [
        store for store in StoreSearch().find((), (user,)) if store.home.startswith(str(tmp_path))
    ]
    assert [record.user for store in stores for record in store.read_records()] == [user.uid]


def test_daemon_inside_a_container(tmp_path: Path) -> None:
    """Its absolute links stay inside its root, which is where its files are."""
    write(tmp_path / "data", ID, config())
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "var/lib/docker").symlink_to("/data")
    stores = StoreSearch().find((daemon(root=str(tmp_path)),), ())
    (store,) = (store for store in stores if store.home.startswith(str(tmp_path)))
    assert store.home == f"{tmp_path}/var/lib/docker"
    (record,) = store.read_records()
    assert (record.id, record.pid) == (ID, None)


def test_each_store_once_and_kept(tmp_path: Path) -> None:
    data_root = tmp_path / "data"
    data_root.mkdir()
    (tmp_path / "link").symlink_to(data_root)
    daemons = (daemon("-g", str(data_root)), daemon("-g", str(tmp_path / "link")))
    search = StoreSearch()
    first = [s for s in search.find(daemons, ()) if s.home.startswith(str(tmp_path))]
    assert len(first) == 1
    again = search.find((*daemons, daemon("-g", "/nowhere")), ())
    assert any(store is first[0] for store in again)


def test_host_names_a_directory_that_a_container_reaches_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    inside = Daemon(
        pid=2, comm="dockerd", command=("dockerd", "-g", "/data"), uid=0, root=str(tmp_path)
    )
    stores = StoreSearch().find((inside, daemon("-g", f"{tmp_path}/data")), ())
    (store,) = (s for s in stores if s.home == f"{tmp_path}/data")
    assert isinstance(store, DockerStore)
    assert store.root == "/"

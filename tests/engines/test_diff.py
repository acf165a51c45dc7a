"""Our diff is the engine's own, as a set, for containers that were changed in every way."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from support import engines

from nsview.host.host import Host
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.layers.diff import Changed, compare, diff_docker
from nsview.layers.diff_podman import diff_podman
from nsview.layers.merge import MergedTree

_Changes = set[tuple[str, str]]
#: cap_net_raw=ep, as setcap(8) writes it (VFS_CAP_REVISION_2, effective).
_CAPABILITY = struct.pack("<IIIII", 0x0200_0001, 1 << 13, 0, 0, 0)


def mutate(root: Path) -> None:
    """Change a container through its own root, in every way that a diff must tell."""
    (root / "added").write_text("new")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    with (root / "d/x").open("a") as file:
        file.write("more")
    (root / "two").chmod(0o600)
    os.chown(root / "bin/cat", 5, 6, follow_symlinks=False)
    os.utime(root / "tmp", (1, 1))
    (root / "bin/ps").unlink()
    (root / "bin/id").unlink()
    (root / "bin/id").symlink_to("sh")
    (root / "bin/nc").unlink()
    (root / "bin/nc").mkdir()
    (root / "bin/nc/in").write_text("a directory now")
    (root / "deep/a/b").mkdir(parents=True)
    (root / "deep/a/b/file").write_text("")
    (root / "deep/empty").mkdir()
    os.setxattr(root / "bin/busybox", "security.capability", _CAPABILITY)
    os.link(root / "added", root / "linked")
    os.mkfifo(root / "fifo")
    os.mknod(root / "device", 0o020644, os.makedev(1, 3))
    listener = socket.socket(socket.AF_UNIX)
    fd = os.open(root, os.O_PATH)
    listener.bind(f"/proc/self/fd/{fd}/socket")  # sun_path is short
    os.close(fd)
    listener.close()
    for name in (b"with space", b"new\nline", "wörld\u202e".encode(), b"\xff\xfe", b"-rf", b"a\\b"):
        with open(os.fsencode(root) + b"/tmp/" + name, "wb") as odd:
            odd.write(name)


def replace_directories(root: Path) -> None:
    """Delete directories, make them again, rename them, put files in their places."""
    shutil.rmtree(root / "d")
    (root / "d").mkdir()
    (root / "d/y").write_text("other")
    shutil.rmtree(root / "sub/again")
    (root / "sub/again").mkdir()
    (root / "sub/again/same").write_text("same")
    shutil.copytree(root / "sub/moved", root / "sub/elsewhere")
    shutil.rmtree(root / "sub/moved")
    shutil.rmtree(root / "sub/file")
    (root / "sub/file").write_text("no directory any more")
    (root / "sub/two").unlink()
    (root / "sub/two").mkdir()
    (root / "sub/two/x").write_text("")
    shutil.rmtree(root / "sub/gone")


def touch_only(root: Path) -> None:
    """Copy up without a change, and delete what was never in the image."""
    os.close(os.open(root / "etc/passwd", os.O_WRONLY))
    (root / "etc/made").write_text("")
    (root / "etc/made").unlink()
    (root / "tmp/dir/below").mkdir(parents=True)
    shutil.rmtree(root / "tmp/dir")


_WAYS = (mutate, replace_directories, touch_only)


def tree_of(host: Host, reference: str) -> MergedTree:
    snapshot = host.snapshot(stopped=True)
    return MergedTree(read_stack(host, snapshot, find_container(snapshot, reference)))


def as_set(changes: list[Changed]) -> _Changes:
    assert len({change.path for change in changes}) == len(changes)
    return {(change.kind, change.path) for change in changes}


@pytest.fixture(scope="module")
def bigger_image(docker: engines.Docker) -> str:
    """An image with directories to do things to."""
    context = docker.directory / "context"
    for name in ("again/same", "again/old", "moved/a/b", "moved/c", "file/x", "gone/a/b"):
        path = context / "sub" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (context / "sub/two").write_text("two")
    (context / "Dockerfile").write_text(f"FROM {docker.image}\nCOPY sub /sub\n")
    docker.run.environment["DOCKER_BUILDKIT"] = "0"
    docker.docker("build", "--network=none", "--tag", "bigger", str(context))
    return "bigger"


def docker_says(docker: engines.Docker, name: str) -> _Changes:
    # The client prints bytes that are no UTF-8 as they are, the API as U+FFFD: ask in the way
    # that keeps line breaks in names apart.
    request = f"GET /containers/{name}/changes HTTP/1.0\r\n\r\n".encode()
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(f"{docker.directory}/docker.sock")
        daemon.sendall(request)
        answer = b""
        while chunk := daemon.recv(65536):
            answer += chunk
    listed = json.loads(answer.partition(b"\r\n\r\n")[2]) or []
    return {("CAD"[one["Kind"]], one["Path"]) for one in listed}


def shown(changes: _Changes) -> _Changes:
    """As JSON of Go has names."""
    return {(kind, as_go(path)) for kind, path in changes}


def as_go(path: str) -> str:
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in path)


@pytest.mark.parametrize("mutation", _WAYS)
@pytest.mark.parametrize("stopped", [False, True])
def test_docker(
    docker: engines.Docker, bigger_image: str, mutation: Callable[[Path], None], stopped: bool
) -> None:
    name = docker.unique()
    docker.docker("run", "-d", "--pull=never", "--network=none", "--name", name, bigger_image)
    container = docker.inspect(name)
    mutation(Path(f"/proc/{container.pid}/root"))
    if stopped:
        container = docker.stop(container)
    with tree_of(Host(), container.id) as tree:
        ours = as_set(diff_docker(tree))
    theirs = docker_says(docker, container.id)
    assert shown(ours) == theirs
    if mutation is not touch_only:
        assert {kind for kind, _ in theirs} == {"A", "C", "D"}
    docker.remove(container)


def podman_says(podman: engines.Podman, name: str) -> _Changes:
    listed = json.loads(podman.podman("diff", "--format", "json", name))
    words = {"A": "added", "C": "changed", "D": "deleted"}
    return {(kind, path) for kind, word in words.items() for path in listed.get(word, ())}


def bigger_podman_image(podman: engines.Podman) -> str:
    if "localhost/bigger" not in podman.podman("images", "--format", "{{.Repository}}"):
        name = podman.unique()
        podman.podman("create", "--name", name, "--network=none", podman.image)
        root = Path(podman.podman("mount", name))
        for one in ("again/same", "again/old", "moved/a/b", "moved/c", "file/x", "gone/a/b"):
            (root / "sub" / one).parent.mkdir(parents=True, exist_ok=True)
            (root / "sub" / one).write_text(one)
        (root / "sub/two").write_text("two")
        podman.podman("umount", name)
        podman.podman("commit", "-q", name, "bigger")
        podman.podman("rm", name)
    return "localhost/bigger"


@pytest.mark.parametrize("mutation", _WAYS)
def test_podman(podman: engines.Podman, mutation: Callable[[Path], None]) -> None:
    name = podman.unique()
    image = bigger_podman_image(podman)
    podman.podman("run", "-d", "--pull=never", "--network=none", "--name", name, image)
    container = podman.inspect(name)
    root = Path(f"/proc/{container.pid}/root")
    mutation(root)
    for path in ("bin/nc/in", "sub/two/x"):  # podman diff fails: its layers have a file in the way
        with contextlib.suppress(NotADirectoryError, FileNotFoundError):
            (root / path).unlink()
    with tree_of(Host(), container.id) as tree:
        ours = as_set(diff_podman(tree))
    theirs = podman_says(podman, container.id)
    assert shown(ours) == theirs
    podman.remove(container)


def test_two_containers_against_each_other(docker: engines.Docker, bigger_image: str) -> None:
    names = [docker.unique(), docker.unique()]
    for name in names:
        docker.docker("run", "-d", "--pull=never", "--network=none", "--name", name, bigger_image)
    one, other = map(docker.inspect, names)
    (Path(f"/proc/{one.pid}/root/both")).write_text("same")
    shutil.copy2(f"/proc/{one.pid}/root/both", f"/proc/{other.pid}/root/both")
    (Path(f"/proc/{one.pid}/root/d/x")).write_text("mine")
    (Path(f"/proc/{one.pid}/root/mine")).write_text("mine")
    shutil.rmtree(f"/proc/{other.pid}/root/sub/moved")
    (Path(f"/proc/{other.pid}/root/tmp/theirs")).write_text("theirs")
    host = Host()
    with tree_of(host, one.id) as tree, tree_of(host, other.id) as against:
        ours = {item for item in as_set(compare(tree, against)) if not item[1].startswith("/etc")}
    assert ours == {
        ("C", "/d"),
        ("C", "/d/x"),
        ("A", "/mine"),
        ("C", "/sub"),
        ("A", "/sub/moved"),
        ("A", "/sub/moved/a"),
        ("A", "/sub/moved/a/b"),
        ("A", "/sub/moved/c"),
        ("C", "/tmp"),
        ("D", "/tmp/theirs"),
    }
    for container in (one, other):
        docker.remove(container)

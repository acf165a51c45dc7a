"""Hostile trees: links out, magic links, FIFOs, devices, endless files."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.descriptors import open_descriptors

from nsview.kernel import safe_open
from nsview.kernel.safe_open import open_below, open_without_links, read_below
from nsview.kernel.syscalls import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

SECRET = b"outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with `etc/passwd`, beside a secret that no path below may reach."""
    (tmp_path / "secret").write_bytes(SECRET)
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_bytes(b"inside")
    return root


@pytest.fixture(autouse=True)
def _no_leak() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() == before


@pytest.mark.parametrize("path", ["etc/passwd", "/etc/passwd", "../../etc/passwd", "./etc//passwd"])
def test_the_root_is_the_root(root: Path, path: str) -> None:
    assert read_below(str(root), path) == b"inside"


def test_root_as_a_descriptor(root: Path) -> None:
    fd = os.open(root, os.O_RDONLY)
    try:
        assert read_below(fd, "/etc/passwd") == b"inside"
    finally:
        os.close(fd)


def test_links_stay_inside(root: Path) -> None:
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "up").symlink_to("../../../../../../etc/passwd")
    (root / "secret").symlink_to("../secret")
    (root / "directory").symlink_to("/../..")
    assert read_below(str(root), "absolute") == b"inside"
    assert read_below(str(root), "up") == b"inside"
    assert read_below(str(root), "secret") is None  # it names itself
    assert read_below(str(root), "directory/etc/passwd") == b"inside"
    assert read_below(str(root), "directory/secret") is None


def test_magic_links_are_not_followed(root: Path) -> None:
    for path in ("self/exe", "self/root/etc/passwd", f"{os.getpid()}/cwd/pyproject.toml"):
        assert read_below("/proc", path) is None
        with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
            open_below("/proc", path, os.O_RDONLY)


def test_what_is_no_regular_file(root: Path) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        for path in ("fifo", "socket", "etc", "/", "missing", "etc/passwd/x", "x\0y", "n" * 300):
            assert read_below(str(root), path) is None
    assert read_below("/dev", "null") is None
    assert read_below("/dev", "zero") is None


def test_size_is_bounded(root: Path) -> None:
    with open(root / "huge", "wb") as file:
        file.truncate(1 << 40)
    assert read_below(str(root), "huge") is None
    (root / "ten").write_bytes(b"0123456789")
    assert read_below(str(root), "ten", limit=10) == b"0123456789"
    assert read_below(str(root), "ten", limit=9) is None
    assert read_below("/proc/self", "status", limit=10) is None  # stat() says it has no bytes


def test_long_file_is_read_whole(root: Path) -> None:
    data = bytes(range(256)) * 20_000
    (root / "long").write_bytes(data)
    assert read_below(str(root), "long") == data


def test_missing_root() -> None:
    assert read_below("/nonexistent", "x") is None  # /proc/PID/root of a process that is gone
    with pytest.raises(FileNotFoundError):
        open_below("/nonexistent", "x", os.O_PATH)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_without_openat2(root: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, "no openat2")

    (root / "link").symlink_to("etc")
    monkeypatch.setattr(safe_open, "openat2", refuse)
    assert read_below(str(root), "/etc/passwd") == b"inside"
    assert read_below(str(root), "link/passwd") is None
    assert read_below(str(root), "etc/../../secret") is None
    os.close(open_below(str(root), "/", os.O_RDONLY))


def test_last_component_of_the_walk_is_no_link(root: Path) -> None:
    (root / "link").symlink_to("/etc/passwd")
    fd = os.open(root, os.O_RDONLY)
    try:
        for flags in (os.O_RDONLY, os.O_PATH):
            with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
                open_without_links(fd, "link", flags)
    finally:
        os.close(fd)


def test_gives_up_when_renames_never_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "renamed")

    (root / "link").symlink_to("etc")
    monkeypatch.setattr(safe_open, "openat2", again)
    with pytest.raises(BlockingIOError):
        open_below(str(root), "link", os.O_PATH)


def test_without_a_link_no_openat2_is_needed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(safe_open, "openat2")
    assert read_below(str(root), "/etc/passwd") == b"inside"
    os.close(open_below(str(root), "etc", os.O_RDONLY | os.O_DIRECTORY))


way = st.sampled_from(["..", ".", "", "a", "file", "link", "loop", "top"])


@pytest.fixture(scope="module")
def maze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outside = tmp_path_factory.mktemp("maze")
    root = outside / "root"
    (root / "a/a").mkdir(parents=True)
    (outside / "secret").write_bytes(SECRET)
    (root / "a/file").write_bytes(b"")
    (root / "link").symlink_to("a/../..")
    (root / "loop").symlink_to("loop")
    (root / "a/top").symlink_to("/../../")
    return root


@given(st.lists(way, max_size=8))
def test_no_way_leads_out(maze: Path, parts: list[str]) -> None:
    assert read_below(str(maze), "/".join([*parts, "secret"])) is None


def test_syscall_error_has_its_number() -> None:
    from nsview.kernel.syscalls import pidfd_getfd, setns, unshare

    calls: list[Callable[[], object]] = [
        lambda: pidfd_getfd(-1, 0),
        lambda: setns(-1),
    ]
    for call in calls:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at below
            call()
        assert caught.value.errno == errno.EBADF
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        unshare(0x1)


_HOW = (os.O_PATH, os.O_RDONLY, os.O_RDONLY | os.O_DIRECTORY, os.O_PATH | os.O_NOFOLLOW)


@given(st.lists(way, min_size=1, max_size=6), st.sampled_from(_HOW))
def test_the_walk_opens_what_the_kernel_would(maze: Path, parts: list[str], flags: int) -> None:
    resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS

    def outcome(open_it: Callable[[int, str], int]) -> object:
        root = os.open(maze, os.O_PATH)
        try:
            fd = open_it(root, "/".join(parts) or "/")
        except OSError as error:
            return error.errno
        finally:
            os.close(root)
        try:
            return os.fstat(fd).st_mode, os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)

    assert outcome(lambda root, path: open_below(root, path, flags)) == outcome(
        lambda root, path: openat2(root, path, flags, resolve)
    )

"""Ask namespaces through whatever opens them, and let go of them at once.

An open descriptor would keep a namespace alive, and a network namespace's devices with it.
"""

from __future__ import annotations

import os

from nsview.host.aside import call_aside
from nsview.host.holders import Sighting, parse_nsfs_mounts
from nsview.kernel.nsfs import NamespaceFacts, get_id, read_ancestry, read_facts
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Collection, Container, Iterable, TypeVar

if TYPE_CHECKING:
    from nsview.kernel.mountinfo import Mount
    from nsview.kernel.procfs import Procfs

T = TypeVar("T")
Key = tuple[str, int]
"""Kind and inode."""

# O_NONBLOCK: a FIFO may lie there by now.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Answer(NamedTuple):
    """What an open namespace said."""

    facts: NamespaceFacts
    netnsid: int | None
    above: tuple[NamespaceFacts, ...]
    """Parents and owners that were not known yet."""


def ask(
    descriptor: int, known: Container[int], read_netnsid: Callable[[int], int | None]
) -> Answer | None:
    """Ask an open namespace; None when it is none, or may not be asked.

    `known` has the inodes of those that need not be looked at as parents or owners.
    """
    try:
        facts = read_facts(descriptor)
        netnsid = read_netnsid(descriptor) if facts.kind == "net" else None
        unseen = any(ino and ino not in known for ino in (facts.parent, facts.owner))
        return Answer(facts, netnsid, read_ancestry(descriptor, known) if unseen else ())
    except OSError:
        return None


def ask_below_roots(
    procfs: Procfs,
    ways: Iterable[Sighting],
    known: Collection[int],
    *,
    mount_ns: int | None = None,
) -> dict[Key, Answer]:
    """Ask bind mounts that lie in file systems of others, which may never answer (FUSE).

    `mount_ns` is a descriptor of the mount namespace that the roots are to be looked up in.
    """
    from nsview.kernel.netnsid import read_netnsid

    todo = tuple(ways)
    inodes = frozenset(known)

    def work(proc: int) -> dict[Key, Answer]:
        device = os.stat("self/ns/mnt", dir_fd=proc).st_dev
        answers: dict[Key, Answer] = {}
        for way in todo:
            key = way.kind, way.ino
            descriptor = None if key in answers else _open_below(proc, way, device)
            if descriptor is None:
                continue
            try:
                answer = ask(descriptor, inodes, read_netnsid)
            finally:
                os.close(descriptor)
            if answer is not None:
                answers[key] = answer
        return answers

    return (_call_with_proc(procfs, work, mount_ns) if todo else None) or {}


def read_mounts_inside(procfs: Procfs, mount_ns: int) -> tuple[Mount, ...]:
    """The nsfs mounts of a mount namespace that no process is in; none where that cannot be read.

    `mount_ns` is a descriptor of it. It is read by its id where the kernel has statmount(2), else
    by a thread that joins it.
    """
    from nsview.kernel.statmount import read_mounts

    def work(proc: int) -> bytes:
        descriptor = os.open("thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    try:
        number = get_id(mount_ns)
        mounts = None if number is None else read_mounts(number)
    except OSError:
        mounts = None
    if mounts is None:
        mounts = parse_nsfs_mounts(_call_with_proc(procfs, work, mount_ns) or b"")
    return tuple(mount for mount in mounts if mount.fstype == "nsfs")


def _call_with_proc(procfs: Procfs, work: Callable[[int], T], mount_ns: int | None) -> T | None:
    # In another mount namespace, /proc is what that says it is, if anything: ours is opened before.
    def work_and_close() -> T:
        try:
            return work(proc)
        finally:
            os.close(proc)

    try:
        proc = os.open(procfs.root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return call_aside(work_and_close, join=() if mount_ns is None else [("mnt", mount_ns)])
    except OSError:  # TimeoutError is one
        return None


def _open_below(proc: int, way: Sighting, device: int) -> int | None:
    from nsview.kernel.safe_open import open_below

    if way.root is None or way.path is None:
        return None
    try:
        found = open_below(way.root, way.path, os.O_PATH)
    except (OSError, ValueError):
        return None
    try:
        # Whoever rules there may have put something else in the way: nothing is opened that is not
        # the namespace itself.
        status = os.fstat(found)
        if (status.st_dev, status.st_ino) != (device, way.ino):
            return None
        return os.open(f"thread-self/fd/{found}", _READ, dir_fd=proc)
    except OSError:
        return None
    finally:
        os.close(found)

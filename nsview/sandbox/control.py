"""Stop sandboxes of our own, remove them, and find what a killed nsview left."""

from __future__ import annotations

import os
import re
import select
import signal
import time

from nsview.engines.nsview_places import own_layers
from nsview.engines.nsview_store import NsviewStore
from nsview.engines.untrusted import text
from nsview.errors import NsviewError
from nsview.kernel.cgroupfs import read_cgroupfs
from nsview.kernel.pidfd import open_process
from nsview.kernel.procfs import Procfs
from nsview.light import contextmanager, partial, suppress
from nsview.named_tuple import NamedTuple
from nsview.sandbox.cgroups import GROUP
from nsview.sandbox.remains import remove_cgroup, remove_tree, unmount_all
from nsview.sandbox.rootless import call_as_root
from nsview.sandbox.state import clear_away, lock_all, state_home, store, try_lock
from nsview.typed import Callable, Final, Iterator

_ID: Final = re.compile(r"[0-9a-f]{32}")
_CLEARING_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.01


class _Collected(NamedTuple):
    """Words."""

    removed: list[str]
    left: list[str]


def is_running(identity: str) -> bool:
    """Say whether the first process of a sandbox is there."""
    with _first_process(store(), identity) as pidfd:
        return pidfd is not None


def stop_sandbox(identity: str, patience: float) -> None:
    """Ask it to end by SIGTERM, make it by SIGKILL after `patience` seconds; one that has ended
    stays so.

    Returns when all is cleared away that ends with it.
    """
    with _first_process(store(), identity) as pidfd:
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
            if pidfd is None or _has_ended(pidfd, 0):
                break
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)
            _has_ended(pidfd, seconds)
    if not _wait(lambda: not os.path.isdir(f"{state_home()}/{identity}") or _is_free(identity)):
        raise NsviewError(f"the launcher of {identity[:12]} does not end")


def remove_sandbox(identity: str, force: bool) -> None:
    """Remove it with its writable layer; one that runs is killed first, if `force`.

    Raises `NsviewError` when it runs, or something cannot be removed.
    """
    if is_running(identity):
        if not force:
            raise NsviewError(
                f"{_name(identity)} runs", hint=f"nsview stop {_name(identity)}, or rm --force"
            )
        stop_sandbox(identity, 0.0)
    lock = _lock(identity)
    try:
        left = clear_away(identity)
    finally:
        if lock is not None:
            os.close(lock)
    if left:
        hint = "have the ids in /etc/subuid changed since?" if os.geteuid() else None
        raise NsviewError(f"cannot be removed: {left[0]}", hint=hint)


def collect() -> tuple[list[str], list[str]]:
    """Remove what sandboxes left that nobody ended: their launcher was killed, or the host's power
    failed.

    Those that ended and were kept stay: that is what `remove_sandbox` is for. Returns what was
    removed (ids, and control groups and directories that belonged to nobody), and what could not
    be, with the reason.
    """
    found = _Collected([], [])
    if not os.path.isdir(state_home()):
        return found.removed, found.left
    with lock_all():
        _collect_sandboxes(found)
        known = set(store().read_ids())
        _collect_layers(known, found)
        _collect_groups(known, found)
    return found.removed, found.left


def _collect_sandboxes(found: _Collected) -> None:
    sandboxes = store()
    for one in sandboxes.read_ids():
        try:
            lock = try_lock(one)
        except FileNotFoundError:  # its launcher has just removed it
            continue
        if lock is None:  # somebody is at it
            continue
        try:
            # Asked only now: until it gave up the lock, its launcher could still say so.
            if sandboxes.read_ending(one) is not None and sandboxes.read_config(one) is not None:
                continue
            with _first_process(sandboxes, one) as pidfd:
                if pidfd is not None:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    _has_ended(pidfd, _CLEARING_SECONDS)
            left = clear_away(one)
        finally:
            os.close(lock)
        found.left.extend(left)
        if not left:
            found.removed.append(one)


def _collect_layers(known: set[str], found: _Collected) -> None:
    with suppress(FileNotFoundError):
        home = own_layers()
        for name in os.listdir(home):
            path = f"{home}/{name}"
            if _ID.fullmatch(name) and name not in known:
                unmount_all(path)
                left = remove_tree(path)
                if left and os.geteuid():
                    left = call_as_root(partial(remove_tree, path))
                found.left.extend(left)
                if not left:
                    found.removed.append(path)


def _collect_groups(known: set[str], found: _Collected) -> None:
    for hierarchy in read_cgroupfs().hierarchies:
        parent = f"{hierarchy.target}/{GROUP}"
        with suppress(FileNotFoundError):
            for entry in list(os.scandir(parent)):
                if not _ID.fullmatch(entry.name) or entry.name in known:
                    continue
                if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
                    continue
                if remove_cgroup(entry.path):
                    found.removed.append(entry.path)
                else:  # perhaps of an nsview that keeps its state elsewhere
                    found.left.append(f"{entry.path}: processes are in it")
            with suppress(OSError):  # not empty
                os.rmdir(parent)


@contextmanager
def _first_process(sandboxes: NsviewStore, identity: str) -> Iterator[int | None]:
    """A pidfd of number 1; None where it has ended."""
    process = sandboxes.read_process(identity)
    try:
        pidfd = None if process is None else open_process(*process, Procfs())
    except ProcessLookupError:
        pidfd = None
    try:
        yield pidfd
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _has_ended(pidfd: int, seconds: float | None) -> bool:
    """Wait for the end of a process for so long; None is for ever."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _is_free(identity: str) -> bool:
    try:
        lock = try_lock(identity)
    except FileNotFoundError:
        return True
    if lock is not None:
        os.close(lock)
    return lock is not None


def _lock(identity: str) -> int | None:
    """Lock a sandbox's state; None when it has gone. Raises `NsviewError` when it stays in use."""
    locks: list[int] = []

    def attempt() -> bool:
        try:
            lock = try_lock(identity)
        except FileNotFoundError:
            return True
        if lock is not None:
            locks.append(lock)
        return lock is not None

    if not _wait(attempt):
        raise NsviewError(f"{_name(identity)} is in use")
    return locks[0] if locks else None


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _CLEARING_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _name(identity: str) -> str:
    return text(store().read_config(identity), "name") or identity[:12]

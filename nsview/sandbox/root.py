"""Build what a sandbox sees as its file systems, and move into it.

Everything is mounted by descriptors on descriptors: a link that an image has in the place of /dev
or /proc leads nowhere (CVE-2025-31133, CVE-2026-41579). All mounts but those of single devices are
``nodev``: with CAP_MKNOD a sandbox may make a node of the host's disk, and never open it.
"""

from __future__ import annotations

import fcntl
import os
import stat

from nsview.kernel import libc
from nsview.kernel.new_mount import (
    NO_PROGRAMS,
    NO_SETUID,
    READ_ONLY,
    change_root,
    new_file_system,
    open_in_root,
    set_attributes,
)
from nsview.sandbox.mounts import PLACE, SAFEST, Step, here, new_tmpfs, open_directory
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.mounts import Mounts
    from nsview.sandbox.orders import CgroupMount, Orders

_ROOT_MODE = 0o755
_LINKS = (
    (b"fd", b"/proc/self/fd"), (b"stdin", b"/proc/self/fd/0"), (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"), (b"core", b"/proc/kcore"), (b"ptmx", b"pts/ptmx"),
)  # fmt: skip
_PTS_OPTIONS: list[tuple[bytes, bytes | int | None]] = [
    (b"newinstance", None), (b"ptmxmode", b"0666"), (b"mode", b"0620"),
]  # fmt: skip
_TIOCGPTPEER = 0x5441
_TIOCSPTLCK = 0x40045431
_TERMINAL = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC

# moby/moby: daemon/pkg/oci/defaults.go
_MASKED_PROC = (
    b"acpi", b"asound", b"interrupts", b"kcore", b"keys", b"latency_stats", b"sched_debug",
    b"scsi", b"timer_list", b"timer_stats",
)  # fmt: skip
_MASKED_SYS = (b"devices/virtual/powercap", b"firmware")
_READ_ONLY_PROC = (b"bus", b"fs", b"irq", b"sys", b"sysrq-trigger")
_PROCESSORS = b"devices/system/cpu"


def furnish(orders: Orders, mounts: Mounts) -> tuple[int, int]:
    """Mount all that belongs inside, and make it our root; returns both ends of the terminal.

    In namespaces of our own, with nothing mounted yet. -1 for no terminal.
    """
    libc.keep_mounts_to_ourselves()
    root = mounts.root
    libc.attach_mount(root, here())
    Step.words = "mounting /proc, /sys and /dev"
    proc = new_file_system(b"proc", [], SAFEST)
    libc.attach_mount(proc, open_directory(root, b"proc"))
    system = new_file_system(b"sysfs", [], SAFEST | READ_ONLY)
    libc.attach_mount(system, open_directory(root, b"sys"))
    null, terminal = _furnish_dev(orders, open_directory(root, b"dev"), mounts.devices)
    _mount_cgroups(system, orders["cgroup_mounts"])
    for target in orders["tmpfs"]:
        Step.words = f"mounting on {os.fsdecode(target)}"
        place = _make_place(root, target, directory=True)
        libc.attach_mount(new_tmpfs(b"1777"), place)
    for mount, target in mounts.binds:
        Step.words = f"mounting on {os.fsdecode(target)}"
        is_directory = stat.S_ISDIR(os.fstat(mount).st_mode)
        libc.attach_mount(mount, _make_place(root, target, directory=is_directory))
    Step.words = "hiding parts of /proc and /sys"
    _mask(proc, _MASKED_PROC, null)
    _mask(system, (*_MASKED_SYS, *_throttles(system)), null)
    for name in _READ_ONLY_PROC:
        _make_read_only(proc, name)
    Step.words = "changing the root directory"
    change_root(root)
    return terminal


def _furnish_dev(
    orders: Orders, place: int, devices: list[tuple[bytes, int]]
) -> tuple[int, tuple[int, int]]:
    dev = new_file_system(b"tmpfs", [(b"mode", b"755"), (b"size", b"65536k")], SAFEST)
    libc.attach_mount(dev, place)
    for name, device in devices:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, dir_fd=dev))
        libc.attach_mount(device, os.open(name, PLACE, dir_fd=dev))
    for name, target in _LINKS:
        os.symlink(target, name, dir_fd=dev)
    # Group tty has number 5 in every distribution; where only root is mapped there is none.
    options = [*_PTS_OPTIONS, *([] if orders["one_user"] else [(b"gid", b"5")])]
    devpts = new_file_system(b"devpts", options, NO_SETUID | NO_PROGRAMS)
    pts = _mount_below(dev, b"pts", devpts)
    _mount_below(dev, b"shm", new_tmpfs(b"1777", SAFEST))
    _mount_below(dev, b"mqueue", new_file_system(b"mqueue", [], SAFEST))
    null = os.open(b"null", PLACE, dir_fd=dev)
    return null, _open_terminal(pts) if orders["terminal"] else (-1, -1)


def _mount_below(directory: int, name: bytes, mount: int) -> int:
    os.mkdir(name, _ROOT_MODE, dir_fd=directory)
    libc.attach_mount(mount, os.open(name, PLACE | os.O_DIRECTORY, dir_fd=directory))
    return mount


def _open_terminal(pts: int) -> tuple[int, int]:
    """Our end and the command's, by TIOCGPTPEER: no path to it is walked (CVE-2025-52565)."""
    master = os.open(b"ptmx", _TERMINAL, dir_fd=pts)
    fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
    return master, fcntl.ioctl(master, _TIOCGPTPEER, _TERMINAL)


def _mount_cgroups(system: int, mounts: list[CgroupMount]) -> None:
    """The hierarchies, read-only, as docker has them; without them a sandbox works as well."""
    try:
        place = os.open(b"fs/cgroup", PLACE | os.O_DIRECTORY, dir_fd=system)
        whole = mounts[0] if len(mounts) == 1 and not mounts[0]["name"] else None
        if whole is not None:
            libc.attach_mount(_cgroup(whole), place)
            return
        directory = new_tmpfs(b"755", SAFEST)
        libc.attach_mount(directory, place)
        for one in mounts:
            _mount_below(directory, one["name"], _cgroup(one))
        set_attributes(directory, READ_ONLY)
    except OSError:
        return


def _cgroup(one: CgroupMount) -> int:
    return new_file_system(one["kind"], list(one["options"]), SAFEST | READ_ONLY)


def _make_place(root: int, path: bytes, *, directory: bool) -> int:
    """Open what is to be mounted over; it is made where it is missing, links stay inside."""
    names = [name for name in path.split(b"/") if name]
    place = root
    for at, name in enumerate(names):
        try:
            inner = open_in_root(root, b"/".join(names[: at + 1]), os.O_PATH)
        except FileNotFoundError:
            if at < len(names) - 1 or directory:
                os.mkdir(name, _ROOT_MODE, dir_fd=place)
            else:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, dir_fd=place))
            inner = os.open(name, PLACE, dir_fd=place)
        place = inner
    return place


def _throttles(system: int) -> list[bytes]:
    """Each processor's ``thermal_throttle``, where there is one."""
    try:
        place = os.open(_PROCESSORS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=system)
    except OSError:
        return []
    found = []
    for name in map(os.fsencode, os.listdir(place)):
        path = name + b"/thermal_throttle"
        try:
            os.stat(path, dir_fd=place)
        except OSError:
            continue
        found.append(_PROCESSORS + b"/" + path)
    os.close(place)
    return found


def _mask(tree: int, names: tuple[bytes, ...], null: int) -> None:
    """Hide files behind /dev/null and directories behind an empty one."""
    for name in names:
        try:
            place = os.open(name, PLACE, dir_fd=tree)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(os.fstat(place).st_mode):
            cover = new_tmpfs(b"755", SAFEST | READ_ONLY)
        else:
            cover = libc.copy_mount(null)
        libc.attach_mount(cover, place)


def _make_read_only(tree: int, name: bytes) -> None:
    try:
        place = os.open(name, PLACE, dir_fd=tree)
    except FileNotFoundError:
        return
    copy = libc.copy_mount(place)
    set_attributes(copy, READ_ONLY)
    libc.attach_mount(copy, place)

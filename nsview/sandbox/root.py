"""Build what a sandbox sees as its file systems, and move into it.

Everything is mounted by descriptors on descriptors: a link that an image has in the place of /dev
or /proc leads nowhere (CVE-2025-31133, CVE-2026-41579). All mounts but those of single devices are
``nodev``: with CAP_MKNOD a sandbox may make a node of the host's disk, and never open it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from nsview.kernel import libc
from nsview.kernel.new_mount import (
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    READ_ONLY,
    change_root,
    map_owners,
    new_file_system,
    open_in_root,
    set_attributes,
)

# Imports of typing alone take longer than this process works.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from nsview.sandbox.orders import Bind, CgroupMount, Orders

_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_SAFE = NO_SETUID | NO_DEVICES
_SAFEST = _SAFE | NO_PROGRAMS
_ROOT_MODE = 0o755
_DEVICES = (
    (b"null", 1, 3), (b"zero", 1, 5), (b"full", 1, 7), (b"random", 1, 8), (b"urandom", 1, 9),
    (b"tty", 5, 0),
)  # fmt: skip
_DEVICE_MODE = stat.S_IFCHR | 0o666
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


class Step:
    """What is being done, in words for the message when it fails."""

    words = "starting"


class Mounts:
    """What root of the host has to make; nowhere yet. The working directory is where it goes."""

    def __init__(self, orders: Orders) -> None:
        Step.words = "opening what is to be bound"
        self.binds = copy_binds(orders["binds"])
        self.root = -1
        self.devices: list[tuple[bytes, int]] = []


def make_mounts(orders: Orders, user_namespace: int = -1) -> Mounts:
    """Join the control groups, mount the layers, and make devices, in a new mount namespace.

    To be called in the one in which the layers were opened: the kernel takes no others. In a user
    namespace, files of theirs show the owners that it maps.
    """
    for words, fd in orders["cgroups"]:
        Step.words = f"joining control group {words}"
        _write(fd, "cgroup.procs", b"0")
    if orders["rootless"]:
        return _make_mounts_without_root(orders)
    mounts = Mounts(orders)
    lower, writable = orders["lower"], orders["writable"]
    if user_namespace < 0:
        mounts.root = _mount_layers(orders, lower, writable)
    else:
        Step.words = "mapping the owners of the layers"
        lower = [_mapped_copy(one, user_namespace) for one in lower]
        writable = _mapped_copy(writable, user_namespace) if writable >= 0 else -1
    Step.words = "keeping mounts from the host"
    libc.unshare(libc.CLONE_NEWNS)
    libc.keep_mounts_to_ourselves()
    os.chdir(orders["staging"])
    staging = _here()
    if user_namespace >= 0:
        # An overlay writes as whoever mounts it: files of an id that is not mapped cannot be.
        root = [int(one.split()[1]) for one in (orders["uid_map"], orders["gid_map"])]
        libc.set_file_ids(*root)
        # Before Linux 6.15 layers have to be mounted somewhere; one upon the other will do.
        for one in (*lower, *((writable,) if writable >= 0 else ())):
            libc.attach_mount(one, staging)
        mounts.root = _mount_layers(orders, lower, writable)
    os.umask(0)
    mounts.devices = _make_devices(orders["staging"], staging)
    return mounts


def _make_mounts_without_root(orders: Orders) -> Mounts:
    """The same in a user namespace, whose root mounts only what its own mount namespace has."""
    Step.words = "keeping mounts from the host"
    libc.unshare(libc.CLONE_NEWNS)
    libc.keep_mounts_to_ourselves()
    Step.words = "opening the layers"
    fds = [os.open(one, os.O_PATH | os.O_CLOEXEC) for one in orders["paths"]]
    count = len(orders["lower"])
    writable = fds[count] if orders["writable"] >= 0 else -1
    sources = fds[-len(orders["binds"]) :] if orders["binds"] else []
    for bind, source in zip(orders["binds"], sources, strict=True):
        bind["source"] = source
    mounts = Mounts(orders)
    mounts.root = _mount_layers(orders, fds[:count], writable)
    Step.words = "opening devices"
    mounts.devices = [(name, _hosts_device(name, numbers)) for name, *numbers in _DEVICES]
    os.umask(0)
    os.chdir(orders["staging"])
    return mounts


def _hosts_device(name: bytes, numbers: list[int]) -> int:
    """The host's own, which a chmod(2) of its user cannot reach."""
    device = os.open(b"/dev/" + name, _PLACE)
    found = os.fstat(device)
    if not stat.S_ISCHR(found.st_mode) or found.st_rdev != os.makedev(*numbers):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return libc.copy_mount(device)


def _mapped_copy(directory: int, user_namespace: int) -> int:
    copy = libc.copy_mount(directory, below=False)
    map_owners(copy, user_namespace)
    return copy


def _here() -> int:
    """The working directory, which comes along into new mount namespaces; no path leads there."""
    return os.open(b".", _PLACE | os.O_DIRECTORY)


def _mount_layers(orders: Orders, layers: list[int], writable: int) -> int:
    """The stack of layers as a mount that is nowhere yet."""
    Step.words = "mounting the layers"
    root = _mount_overlay(orders, layers, writable)
    if writable >= 0 and os.fstatvfs(root).f_flag & os.ST_RDONLY:
        # What the kernel makes of it where it cannot use the work directory.
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    return root


def _mount_overlay(orders: Orders, layers: list[int], writable: int) -> int:
    upper: list[tuple[bytes, bytes | int | None]] = []
    if writable >= 0:
        names = ((b"upperdir", orders["upper"]), (b"workdir", orders["work"]))
        upper = [(key, _directory(writable, name)) for key, name in names]
    if orders["rootless"]:  # trusted.* attributes are not for it
        upper.append((b"userxattr", None))
    attributes = _SAFE | (0 if writable >= 0 else READ_ONLY)
    try:
        lower: list[tuple[bytes, bytes | int | None]]
        lower = [(b"lowerdir+", fd) for fd in layers]
        return new_file_system(b"overlay", lower + upper, attributes)
    except OSError:
        # Before Linux 6.13 layers are names, of 255 characters in all: those of /proc/self/fd.
        here = os.open(b".", os.O_PATH | os.O_CLOEXEC)
        os.chdir("/proc/self/fd")
        try:
            numbers = b":".join(b"%d" % fd for fd in layers)
            upper = [(key, b"%d" % fd if isinstance(fd, int) else fd) for key, fd in upper]
            return new_file_system(b"overlay", [(b"lowerdir", numbers), *upper], attributes)
        finally:
            os.fchdir(here)


def copy_binds(binds: list[Bind]) -> list[tuple[int, bytes]]:
    """The mounts to be bound and where to; to be called where their sources were opened."""
    copies = []
    for one in binds:
        mount = libc.copy_mount(one["source"])
        set_attributes(mount, _SAFE | (READ_ONLY if one["read_only"] else 0))
        copies.append((mount, one["target"]))
    return copies


def furnish(orders: Orders, mounts: Mounts) -> tuple[int, int]:
    """Mount all that belongs inside, and make it our root; returns both ends of the terminal.

    In namespaces of our own, with nothing mounted yet. -1 for no terminal.
    """
    libc.keep_mounts_to_ourselves()
    root = mounts.root
    libc.attach_mount(root, _here())
    Step.words = "mounting /proc, /sys and /dev"
    proc = new_file_system(b"proc", [], _SAFEST)
    libc.attach_mount(proc, _directory(root, b"proc"))
    system = new_file_system(b"sysfs", [], _SAFEST | READ_ONLY)
    libc.attach_mount(system, _directory(root, b"sys"))
    null, terminal = _furnish_dev(orders, _directory(root, b"dev"), mounts.devices)
    _mount_cgroups(system, orders["cgroup_mounts"])
    for target in orders["tmpfs"]:
        Step.words = f"mounting on {os.fsdecode(target)}"
        place = _make_place(root, target, directory=True)
        libc.attach_mount(_tmpfs(b"1777"), place)
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


def _directory(place: int, name: bytes) -> int:
    """A directory that is there: of a root, the init layer has it above what images have."""
    return os.open(name, _PLACE | os.O_DIRECTORY, dir_fd=place)


def _tmpfs(mode: bytes, attributes: int = _SAFE) -> int:
    return new_file_system(b"tmpfs", [(b"mode", mode)], attributes)


def _make_devices(path: bytes, staging: int) -> list[tuple[bytes, int]]:
    """Mounts of one device each. None is the host's: a chmod(2) inside is none outside."""
    nodes = _tmpfs(b"700", NO_SETUID | NO_PROGRAMS)
    # Before Linux 6.15 only what is mounted somewhere can be copied.
    libc.attach_mount(nodes, staging)
    devices = []
    for name, major, minor in _DEVICES:
        os.mknod(name, _DEVICE_MODE, os.makedev(major, minor), dir_fd=nodes)
        device = os.open(name, _PLACE, dir_fd=nodes)
        devices.append((name, libc.copy_mount(device)))
    libc.unmount(path)
    return devices


def _furnish_dev(
    orders: Orders, place: int, devices: list[tuple[bytes, int]]
) -> tuple[int, tuple[int, int]]:
    dev = new_file_system(b"tmpfs", [(b"mode", b"755"), (b"size", b"65536k")], _SAFEST)
    libc.attach_mount(dev, place)
    for name, device in devices:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, dir_fd=dev))
        libc.attach_mount(device, os.open(name, _PLACE, dir_fd=dev))
    for name, target in _LINKS:
        os.symlink(target, name, dir_fd=dev)
    # Group tty has number 5 in every distribution; where only root is mapped there is none.
    options = [*_PTS_OPTIONS, *([] if orders["rootless"] else [(b"gid", b"5")])]
    devpts = new_file_system(b"devpts", options, NO_SETUID | NO_PROGRAMS)
    pts = _mount_below(dev, b"pts", devpts)
    _mount_below(dev, b"shm", _tmpfs(b"1777", _SAFEST))
    _mount_below(dev, b"mqueue", new_file_system(b"mqueue", [], _SAFEST))
    null = os.open(b"null", _PLACE, dir_fd=dev)
    return null, _open_terminal(pts) if orders["terminal"] else (-1, -1)


def _mount_below(directory: int, name: bytes, mount: int) -> int:
    os.mkdir(name, _ROOT_MODE, dir_fd=directory)
    libc.attach_mount(mount, os.open(name, _PLACE | os.O_DIRECTORY, dir_fd=directory))
    return mount


def _open_terminal(pts: int) -> tuple[int, int]:
    """Our end and the command's, by TIOCGPTPEER: no path to it is walked (CVE-2025-52565)."""
    master = os.open(b"ptmx", _TERMINAL, dir_fd=pts)
    fcntl.ioctl(master, _TIOCSPTLCK, bytes(4))
    return master, fcntl.ioctl(master, _TIOCGPTPEER, _TERMINAL)


def _mount_cgroups(system: int, mounts: list[CgroupMount]) -> None:
    """The hierarchies, read-only, as docker has them; without them a sandbox works as well."""
    try:
        place = os.open(b"fs/cgroup", _PLACE | os.O_DIRECTORY, dir_fd=system)
        whole = mounts[0] if len(mounts) == 1 and not mounts[0]["name"] else None
        if whole is not None:
            libc.attach_mount(_cgroup(whole), place)
            return
        directory = _tmpfs(b"755", _SAFEST)
        libc.attach_mount(directory, place)
        for one in mounts:
            _mount_below(directory, one["name"], _cgroup(one))
        set_attributes(directory, READ_ONLY)
    except OSError:
        return


def _cgroup(one: CgroupMount) -> int:
    return new_file_system(one["kind"], list(one["options"]), _SAFEST | READ_ONLY)


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
            inner = os.open(name, _PLACE, dir_fd=place)
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
            place = os.open(name, _PLACE, dir_fd=tree)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(os.fstat(place).st_mode):
            cover = _tmpfs(b"755", _SAFEST | READ_ONLY)
        else:
            cover = libc.copy_mount(null)
        libc.attach_mount(cover, place)


def _make_read_only(tree: int, name: bytes) -> None:
    try:
        place = os.open(name, _PLACE, dir_fd=tree)
    except FileNotFoundError:
        return
    copy = libc.copy_mount(place)
    set_attributes(copy, READ_ONLY)
    libc.attach_mount(copy, place)


def _write(directory: int, name: str, data: bytes) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)

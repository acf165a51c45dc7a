"""What of a sandbox is mounted with the host in sight: layers, devices, what is bound.

These are mounts that are nowhere yet: `nsview.sandbox.root` puts them together. With a user
namespace they are all that root of the host has to do; without any right, that comes first.
"""

from __future__ import annotations

import errno
import os
import stat

from nsview.kernel import libc
from nsview.kernel.new_mount import (
    NO_DEVICES,
    NO_PROGRAMS,
    NO_SETUID,
    READ_ONLY,
    map_owners,
    new_file_system,
    set_attributes,
)
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.orders import Bind, Orders

PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
SAFE = NO_SETUID | NO_DEVICES
SAFEST = SAFE | NO_PROGRAMS
_DEVICES = (
    (b"null", 1, 3), (b"zero", 1, 5), (b"full", 1, 7), (b"random", 1, 8), (b"urandom", 1, 9),
    (b"tty", 5, 0),
)  # fmt: skip
_DEVICE_MODE = stat.S_IFCHR | 0o666
#: fsconfig(2) takes no longer text.
_LONGEST = 255

Options = list[tuple[bytes, bytes | int | None]]


class _TooLongError(OSError):
    """The names of the layers, where nothing can be mounted that others would not see."""


class Step:
    """What is being done, in words for the message when it fails."""

    words = "starting"


class Mounts:
    """What root of the host has to make; nowhere yet. The working directory is where it goes."""

    def __init__(self, orders: Orders) -> None:
        Step.words = "opening what is to be bound"
        self.binds = _copy_binds(orders["binds"])
        self.root = -1
        self.devices: list[tuple[bytes, int]] = []


def make_mounts(orders: Orders, user_namespace: int = -1) -> Mounts:
    """Mount the layers, and make devices, in a new mount namespace.

    To be called in the one in which the layers were opened: the kernel takes no others. In a user
    namespace, files of theirs show the owners that it maps.
    """
    if orders["rootless"]:
        return _make_mounts_without_root(orders)
    mounts = Mounts(orders)
    lower, writable = orders["lower"], orders["writable"]
    if user_namespace < 0:
        try:
            mounts.root = _mount_layers(orders, lower, writable)
        except _TooLongError:
            Step.words = "copying the layers"
    else:
        Step.words = "mapping the owners of the layers"
    if mounts.root < 0:
        lower = [_copy(one, user_namespace) for one in lower]
        writable = _copy(writable, user_namespace) if writable >= 0 else -1
    Step.words = "keeping mounts from the host"
    libc.unshare(libc.CLONE_NEWNS)
    libc.keep_mounts_to_ourselves()
    os.chdir(orders["staging"])
    staging = here()
    if user_namespace >= 0:
        # An overlay writes as whoever mounts it: files of an id that is not mapped cannot be.
        root = [int(one.split()[1]) for one in (orders["uid_map"], orders["gid_map"])]
        libc.set_file_ids(*root)
    if mounts.root < 0:
        # Before Linux 6.15 layers have to be mounted somewhere; one upon the other will do.
        for one in (*lower, *((writable,) if writable >= 0 else ())):
            libc.attach_mount(one, staging)
        mounts.root = _mount_layers(orders, lower, writable, orders["staging"])
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
    mounts.root = _mount_layers(orders, fds[:count], writable, orders["staging"])
    Step.words = "opening devices"
    mounts.devices = [(name, _hosts_device(name, numbers)) for name, *numbers in _DEVICES]
    os.umask(0)
    os.chdir(orders["staging"])
    return mounts


def _hosts_device(name: bytes, numbers: list[int]) -> int:
    """The host's own, which a chmod(2) of its user cannot reach."""
    device = os.open(b"/dev/" + name, PLACE)
    found = os.fstat(device)
    if not stat.S_ISCHR(found.st_mode) or found.st_rdev != os.makedev(*numbers):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    return libc.copy_mount(device)


def _copy(directory: int, user_namespace: int) -> int:
    copy = libc.copy_mount(directory, below=False)
    if user_namespace >= 0:
        map_owners(copy, user_namespace)
    else:
        set_attributes(copy, 0)  # where the host's mount is shared, this would be its peer
    return copy


def here() -> int:
    """The working directory, which comes along into new mount namespaces; no path leads there."""
    return os.open(b".", PLACE | os.O_DIRECTORY)


def _mount_layers(
    orders: Orders, layers: list[int], writable: int, place: bytes | None = None
) -> int:
    """The stack of layers as a mount that is nowhere yet; at `place` it may be for a moment."""
    Step.words = "mounting the layers"
    root = _mount_overlay(orders, layers, writable, place)
    if writable >= 0 and os.fstatvfs(root).f_flag & os.ST_RDONLY:
        # What the kernel makes of it where it cannot use the work directory.
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    return root


def _mount_overlay(orders: Orders, layers: list[int], writable: int, place: bytes | None) -> int:
    upper: Options = []
    if writable >= 0:
        names = ((b"upperdir", orders["upper"]), (b"workdir", orders["work"]))
        upper = [(key, open_directory(writable, name)) for key, name in names]
    if orders["rootless"]:  # trusted.* attributes are not for it
        upper.append((b"userxattr", None))
    attributes = SAFE | (0 if writable >= 0 else READ_ONLY)
    try:
        lower: Options = [(b"lowerdir+", fd) for fd in layers]
        return new_file_system(b"overlay", lower + upper, attributes)
    except OSError:
        return mount_by_names(layers, upper, attributes, place)


def mount_by_names(layers: list[int], upper: Options, attributes: int, place: bytes | None) -> int:
    """An overlay as before Linux 6.13, where layers are names: those of /proc/self/fd are short."""
    here = os.open(b".", os.O_PATH | os.O_CLOEXEC)
    os.chdir("/proc/self/fd")
    try:
        names = [b"%d" % fd for fd in layers]
        upper = [(key, b"%d" % fd if isinstance(fd, int) else fd) for key, fd in upper]
        together: Options = [(b"lowerdir", b":".join(names)), *upper]
        if len(b":".join(names)) <= _LONGEST:
            return new_file_system(b"overlay", together, attributes)
        try:
            lower: Options = [(b"lowerdir+", name) for name in names]
            return new_file_system(b"overlay", lower + upper, attributes)
        except OSError as error:
            if place is None:
                raise _TooLongError(error.errno, error.strerror) from None
        return mount_at(place, together, attributes)
    finally:
        os.fchdir(here)


def mount_at(place: bytes, options: Options, attributes: int) -> int:
    """An overlay as before Linux 6.7: more text fits into mount(2), which mounts it somewhere."""
    words = [key + b"=" + one if isinstance(one, bytes) else key for key, one in options]
    libc.mount(b"overlay", place, b",".join(words))
    try:
        mounted = os.open(place, PLACE | os.O_DIRECTORY)
        copy = libc.copy_mount(mounted)
        os.close(mounted)
    finally:
        libc.unmount(place)
    set_attributes(copy, attributes)
    return copy


def _copy_binds(binds: list[Bind]) -> list[tuple[int, bytes]]:
    """The mounts to be bound and where to; to be called where their sources were opened."""
    copies = []
    for one in binds:
        mount = libc.copy_mount(one["source"])
        set_attributes(mount, SAFE | (READ_ONLY if one["read_only"] else 0))
        copies.append((mount, one["target"]))
    return copies


def open_directory(place: int, name: bytes) -> int:
    """A directory that is there: of a root, the init layer has it above what images have."""
    return os.open(name, PLACE | os.O_DIRECTORY, dir_fd=place)


def new_tmpfs(mode: bytes, attributes: int = SAFE) -> int:
    return new_file_system(b"tmpfs", [(b"mode", mode)], attributes)


def _make_devices(path: bytes, staging: int) -> list[tuple[bytes, int]]:
    """Mounts of one device each. None is the host's: a chmod(2) inside is none outside."""
    nodes = new_tmpfs(b"700", NO_SETUID | NO_PROGRAMS)
    # Before Linux 6.15 only what is mounted somewhere can be copied.
    libc.attach_mount(nodes, staging)
    devices = []
    for name, major, minor in _DEVICES:
        os.mknod(name, _DEVICE_MODE, os.makedev(major, minor), dir_fd=nodes)
        device = os.open(name, PLACE, dir_fd=nodes)
        devices.append((name, libc.copy_mount(device)))
    libc.unmount(path)
    return devices

"""The layers of a sandbox on disk: those it is given, and those that are its own.

Like docker's, the topmost read-only layer is an ``init`` layer of files that belong to this one
sandbox: host name, hosts, the directories that something is mounted on. So the writable layer
begins empty, and all that is in it the sandbox wrote.
"""

from __future__ import annotations

import fcntl
import os
import stat

from nsview.errors import NsviewError
from nsview.light import ExitStack, suppress
from nsview.named_tuple import NamedTuple
from nsview.sandbox.spec import Lower, Spec
from nsview.sandbox.state import Place, note_work
from nsview.typed import TYPE_CHECKING, Final, Mapping

if TYPE_CHECKING:
    from nsview.layers.covers import Cover

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE: Final = 0o755
_MOUNT_POINTS: Final = ("dev", "proc", "sys", "etc")
#: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
_WHITEOUT: Final = os.makedev(0, 0)


class Layers(NamedTuple):
    """Directories, and the open descriptors that the mount is made of."""

    lower: tuple[Lower, ...]
    """The init layer first."""
    upper: str | None
    lower_fds: tuple[int, ...]
    writable_fd: int = -1
    """The directory that the upper and the work directory are in."""
    work: str = ""
    lock: int | None = None
    """Keeps others from the same upper directory."""

    def describe(self) -> list[dict[str, str | None]]:
        """For ``config.json``, topmost first."""
        found: list[dict[str, str | None]] = []
        if self.upper is not None:
            found.append({"role": "upper", "path": self.upper})
        for at, one in enumerate(self.lower):
            role = "lower" if at else "init"
            found.append(
                {"role": role, "path": one.path, "digest": one.digest, "created_by": one.created_by}
            )
        return found


def prepare_layers(spec: Spec, place: Place, etc: Mapping[str, bytes], stack: ExitStack) -> Layers:
    """Make the directories that are the sandbox's own, and open all of them.

    `etc` has the files of /etc that are its own, by name. `stack` closes what is open. Raises
    `NsviewError`.
    """
    given = [Lower(path=os.path.realpath(one.path), digest=one.digest, created_by=one.created_by)
             for one in spec.lower]  # fmt: skip
    _leave_file_system(place, given)
    init = f"{place.layers}/init"
    _fill_init(init, spec, etc, given[0].path)
    lower = (Lower(path=init), *given)
    fds = tuple(_open(one.path, stack) for one in lower)
    if spec.read_only:
        return Layers(lower=lower, upper=None, lower_fds=fds)
    upper, work, lock = _writable(spec, place, given[0].path, stack)
    return Layers(
        lower=lower,
        upper=upper,
        lower_fds=fds,
        writable_fd=_open(os.path.dirname(upper), stack),
        work=work,
        lock=lock,
    )


def _writable(
    spec: Spec, place: Place, model: str, stack: ExitStack
) -> tuple[str, str, int | None]:
    if spec.upper is None:
        upper, work = f"{place.layers}/upper", f"{place.layers}/work"
        os.mkdir(upper)
        _copy_attributes(model, upper)
        os.mkdir(work)
        return upper, work, None
    upper = os.path.realpath(spec.upper)
    lock = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NsviewError(f"upper {upper} is in use by another sandbox") from None
    work = work_beside(upper, place.id)
    note_work(place, work)
    try:
        os.mkdir(work, 0o700)
    except OSError as error:
        raise NsviewError(f"work directory {work}: {error.strerror}") from None
    return upper, work, lock


def work_beside(upper: str, identity: str) -> str:
    """The work directory of an upper directory that is not ours: overlayfs wants both on one file
    system, and neither in the other."""
    parent, name = os.path.split(upper)
    return os.path.join(parent, f".{name[:64]}.nsview-{identity}")


def _leave_file_system(place: Place, lower: list[Lower]) -> None:
    """Put our own layers on a tmpfs where a lower layer would hold them: overlayfs refuses that.

    It is so where the host's root directory is a layer. Mounted on the host: the layers of a
    sandbox can be looked at from there, whether it runs or not.
    """
    here = os.stat(place.layers).st_dev
    inside = any(f"{place.layers}/".startswith(one.path.rstrip("/") + "/") for one in lower)
    if not inside or all(os.stat(one.path).st_dev != here for one in lower):
        return
    if os.geteuid():  # who may mount nothing that others see
        raise NsviewError(
            f"{place.layers}, for a layer of its own, is inside another one",
            hint="XDG_DATA_HOME names another directory",
        )
    from nsview.kernel import libc
    from nsview.kernel.new_mount import NO_DEVICES, NO_SETUID, new_file_system

    mount = new_file_system(b"tmpfs", [(b"mode", b"700")], NO_SETUID | NO_DEVICES)
    try:
        place_fd = os.open(place.layers, _DIRECTORY)
        try:
            libc.attach_mount(mount, place_fd)
        finally:
            os.close(place_fd)
    finally:
        os.close(mount)


def _fill_init(init: str, spec: Spec, etc: Mapping[str, bytes], model: str) -> None:
    os.mkdir(init)
    for name in _MOUNT_POINTS:
        os.mkdir(f"{init}/{name}", _MODE)
        os.chmod(f"{init}/{name}", _MODE)
    for name, content in etc.items():
        _write(f"{init}/etc/{name}", content)
    for cover in spec.covers:
        _hide(init, cover)
    # Last: podman's layers let not even their owner write to them.
    for name in ("/etc", ""):
        _copy_attributes(f"{model}{name}", f"{init}{name}")


def _hide(init: str, cover: Cover) -> None:
    """Make a directory with whiteouts; what is there already is ours, and hides as well."""
    path = f"{init}/{cover.path}"
    with suppress(FileExistsError):
        os.mkdir(path)
        _give_to(path, cover.uid, cover.gid)
        os.chmod(path, cover.mode)
    for name in cover.hidden:
        with suppress(FileExistsError):
            os.mknod(f"{path}/{name}", stat.S_IFCHR, _WHITEOUT)


def _write(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
    os.chmod(path, 0o644)


def _copy_attributes(model: str, path: str) -> None:
    """Mode and owner of a directory: merged directories have those of the topmost layer."""
    mode, owner, group = _MODE, 0, 0
    with suppress(OSError):
        found = os.lstat(model)
        if stat.S_ISDIR(found.st_mode):
            mode, owner, group = stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
    _give_to(path, owner, group)
    os.chmod(path, mode)


def _give_to(path: str, owner: int, group: int) -> None:
    if os.geteuid() == 0:  # others' sandboxes know no owner but them
        os.chown(path, owner, group)


def _open(path: str, stack: ExitStack) -> int:
    try:
        fd = os.open(path, _DIRECTORY)
    except OSError as error:
        raise NsviewError(f"layer {path}: {error.strerror}") from None
    stack.callback(os.close, fd)
    return fd

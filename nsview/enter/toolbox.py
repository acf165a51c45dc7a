"""Tools for containers that have none: a static busybox in memory, or a directory of ours.

Nothing is written to the container. busybox runs from a sealed memfd, which takes no file system at
all; a directory is mounted in a private copy of the mount namespace.
"""

from __future__ import annotations

import os
import stat

from nsview.enter.program import find_program, is_static
from nsview.enter.sealed import seal_program
from nsview.errors import NsviewError
from nsview.kernel.safe_open import open_below
from nsview.light import suppress
from nsview.named_tuple import NamedTuple
from nsview.typed import Final

AUTO: Final = "auto"
BUSYBOX: Final = "busybox"
NONE: Final = "none"
_BUSYBOXES: Final = ("/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox")
#: Where a directory of tools goes: what is there is hidden, in our copy alone.
_PLACES: Final = ("/mnt", "/media", "/srv", "/opt", "/usr/local", "/home", "/boot", "/run", "/usr",
                  "/etc", "/dev/shm")  # fmt: skip  # noqa: S108 - inside, and only mounted over
_INSIDE: Final = ("bin", "sbin", "usr/bin", "usr/sbin", "")
_PATIENCE_SECONDS: Final = 10
_MISSING_HINT: Final = "a static one is in the package busybox-static; --toolbox DIR names others"


class Tools(NamedTuple):
    """A directory of tools, and where it will be."""

    directory: int
    place: str

    @property
    def search(self) -> bytes:
        """What to put before PATH."""
        return os.fsencode(":".join(os.path.join(self.place, one) for one in _INSIDE))

    def find(self, name: str, loaders: int) -> str | None:
        """The path inside of a tool that will run there; None when there is none."""
        found = find_program(
            self.directory, name, os.fsencode(":".join(f"/{one}" for one in _INSIDE)), loaders
        )
        if found is None or "/" in name:
            return None
        if found.problem is not None:
            raise NsviewError(f"{name} of the toolbox cannot run in the container: {found.problem}")
        return os.path.join(self.place, found.path.lstrip("/"))


def find_busybox(named: str) -> str:
    """A static busybox of the host: the one that is named, or Debian's; raises `NsviewError`."""
    candidates = _BUSYBOXES if named in (AUTO, BUSYBOX) else (named,)
    for path in candidates:
        if is_static(path):
            return path
    if named in (AUTO, BUSYBOX):
        raise NsviewError("the host has no static busybox", hint=_MISSING_HINT)
    raise NsviewError(f"{named} is no static program", hint="it could not run in the container")


def has_applet(busybox: str, name: str) -> bool:
    """Say whether a busybox of the host can do as `name`."""
    import subprocess  # few sessions need it

    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [busybox, "--list"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
            env={},
        )
        return os.fsencode(name) in done.stdout.split()
    return False


def load(path: str) -> int:
    """A descriptor of a sealed copy of a program; raises `NsviewError` where the kernel refuses."""
    try:
        return seal_program(path)
    except OSError as error:
        raise NsviewError(f"{path} cannot be run from memory: {error.strerror}") from None


def open_tools(path: str, root: int) -> Tools:
    """Open a directory of tools, and choose the container's directory to mount it over.

    Raises `NsviewError` when it is no directory, or the container has none.
    """
    try:
        directory = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NsviewError(f"toolbox {path}: {error.strerror}") from None
    place = next((one for one in _PLACES if _is_plain_directory(root, one)), None)
    if place is None:
        os.close(directory)
        raise NsviewError("the container has no directory to mount the toolbox over",
                          hint="--toolbox busybox needs none")  # fmt: skip
    return Tools(directory, place)


def _is_plain_directory(root: int, path: str) -> bool:
    """No part of it is a link: so its name is the same to those who may follow none."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts) + 1):
        try:
            fd = open_below(root, "/".join(parts[:count]), os.O_PATH | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                return False
        finally:
            os.close(fd)
    return True

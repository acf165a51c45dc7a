"""The state of sandboxes on disk: made here, read by `nsview.engines.nsview_store`.

Whoever makes or ends a sandbox holds the lock on its file ``lock``; the launching process inherits
it. A sandbox that has neither ended nor a holder of its lock is one whose launcher was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from nsview.engines.nsview_places import own_layers, state_of
from nsview.errors import NsviewError
from nsview.kernel.cgroupfs import own_cgroupfs
from nsview.named_tuple import NamedTuple
from nsview.sandbox.cgroups import GROUP

if TYPE_CHECKING:
    from nsview.engines.nsview_store import NsviewStore
    from nsview.sandbox.orders import Remains

STATE: Final = state_of(os.geteuid())
LAYERS: Final = own_layers()
CONFIG: Final = "config.json"
_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_ID_BYTES: Final = 16
_LOCK: Final = "lock"
WORK: Final = "work"
NETWORK: Final = "network"
_SHORT: Final = 12


class Place(NamedTuple):
    """Where the files of one sandbox are."""

    id: str
    name: str
    lock: int
    """Descriptor of its lock file, which we have locked."""

    @property
    def state(self) -> str:
        """Directory of its state."""
        return f"{STATE}/{self.id}"

    @property
    def layers(self) -> str:
        """Directory of the layers that are its own."""
        return f"{LAYERS}/{self.id}"


def store() -> NsviewStore:
    """All sandboxes."""
    from nsview.engines.nsview_store import NsviewStore  # reads more than launching one takes

    return NsviewStore("/", STATE, os.geteuid())


def create(name: str | None) -> Place:
    """Make the directories of a new sandbox, locked; raises `NsviewError` when the name is taken.

    There is no ``config.json`` yet, and so no sandbox for anybody but `nsview gc`.
    """
    for path in (STATE, LAYERS):
        _make_directory(path)
    identity = os.urandom(_ID_BYTES).hex()
    with lock_all():
        if name is not None:
            _claim(name)
        place = Place(id=identity, name=name or identity[:_SHORT], lock=_make_state(identity, name))
    os.mkdir(place.layers, _MODE)
    return place


def _make_state(identity: str, name: str | None) -> int:
    directory = f"{STATE}/{identity}"
    os.mkdir(directory, _MODE)
    lock = os.open(f"{directory}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if name is not None:
        _write(directory, "name", name.encode())
    return lock


def _claim(name: str) -> None:
    sandboxes = store()
    for one in sandboxes.read_ids():
        if name in (sandboxes.read(one, "name").decode(), one[:_SHORT]):
            raise NsviewError(
                f"the name {name!r} is taken", hint=f"nsview rm {name}, or another --name"
            )


def write_config(place: Place, config: Mapping[str, object]) -> None:
    """Write ``config.json``: from now on the sandbox is there for everybody."""
    whole = {
        "id": place.id,
        "name": place.name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **config,
    }
    _write(place.state, CONFIG, json.dumps(whole, indent=1).encode())


def note_work(place: Place, path: str) -> None:
    """Remember a directory that is not among our own, before it is made."""
    _write(place.state, WORK, os.fsencode(path))


def note_network(place: Place, subnet: str) -> None:
    """Claim a network, before there is an interface with an address in it."""
    _write(place.state, NETWORK, subnet.encode())


def claimed_networks() -> Iterator[str]:
    """The networks of all sandboxes that have not ended."""
    sandboxes = store()
    for one in sandboxes.read_ids():
        claim = sandboxes.read(one, NETWORK)
        if claim and sandboxes.read_ending(one) is None:
            yield claim.decode()


def interface_of(identity: str) -> str:
    """The host's end of a sandbox's veth pair: 15 characters, as many as the kernel takes."""
    return f"nv-{identity[:_SHORT]}"


def _write(directory: str, name: str, data: bytes) -> None:
    new = f"{directory}/{name}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with open(os.open(new, flags, _FILE_MODE), "wb") as file:
        file.write(data)
    os.rename(new, f"{directory}/{name}")


def remains_of(identity: str) -> Remains:
    """All that a sandbox may have left on the host."""
    return {
        "state": f"{STATE}/{identity}",
        "layers": f"{LAYERS}/{identity}",
        "work": _read_work(identity),
        "cgroups": [
            f"{one.target}/{GROUP}/{identity}"
            for one in own_cgroupfs().hierarchies
            if os.path.isdir(f"{one.target}/{GROUP}/{identity}")
        ],
        "link": interface_of(identity) if os.path.exists(f"{STATE}/{identity}/{NETWORK}") else "",
    }


def _read_work(identity: str) -> str:
    try:
        with open(f"{STATE}/{identity}/{WORK}", "rb") as file:
            return os.fsdecode(file.read())
    except FileNotFoundError:
        return ""


def try_lock(identity: str) -> int | None:
    """Lock a sandbox's state; None while its launcher, or whoever ends it, lives."""
    try:
        lock = os.open(f"{STATE}/{identity}/{_LOCK}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        lock = os.open(f"{STATE}/{identity}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextlib.contextmanager
def lock_all() -> Iterator[None]:
    """Keep sandboxes from being made or collected by anybody else meanwhile."""
    fd = os.open(
        f"{STATE}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE
    )
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _make_directory(path: str) -> None:
    """What is in there is as powerful as root: setuid files of sandboxes among it."""
    with contextlib.suppress(FileExistsError):
        os.makedirs(path, _MODE)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NsviewError(f"{path} is not a directory of ours")
    if stat.S_IMODE(found.st_mode) & ~_MODE:
        os.chmod(path, _MODE)

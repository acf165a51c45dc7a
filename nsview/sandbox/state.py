"""The state of sandboxes on disk: made here, read by `nsview.engines.nsview_store`.

Whoever makes or ends a sandbox holds the lock on its file ``lock``; the launching process inherits
it. A sandbox that has neither ended nor a holder of its lock is one whose launcher was killed.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time

from nsview.engines.nsview_places import own_layers, state_of
from nsview.errors import NsviewError
from nsview.json_text import dumps
from nsview.kernel.cgroupfs import own_cgroupfs
from nsview.light import contextmanager, suppress
from nsview.named_tuple import NamedTuple
from nsview.sandbox.cgroups import GROUP
from nsview.typed import TYPE_CHECKING, Final, Iterator, Mapping

if TYPE_CHECKING:
    from nsview.engines.nsview_store import NsviewStore
    from nsview.sandbox.orders import Remains

CONFIG: Final = "config.json"
_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_ID_BYTES: Final = 16
_LOCK: Final = "lock"
WORK: Final = "work"
PLACE_OF_LAYERS: Final = "layers"
NETWORK: Final = "network"
_SHORT: Final = 12


class Place(NamedTuple):
    """Where the files of one sandbox are."""

    id: str
    name: str
    lock: int
    """Descriptor of its lock file, which we have locked."""
    state: str
    """Directory of its state."""
    layers: str
    """Directory of the layers that are its own."""


def state_home() -> str:
    """The directory of our sandboxes' state."""
    return state_of(os.geteuid())


def store() -> NsviewStore:
    """All sandboxes of ours."""
    from nsview.engines.nsview_store import NsviewStore  # reads more than launching one takes

    return NsviewStore("/", state_home(), os.geteuid())


def create(name: str | None) -> Place:
    """Make the directories of a new sandbox, locked; raises `NsviewError` when the name is taken.

    There is no ``config.json`` yet, and so no sandbox for anybody but `nsview gc`.
    """
    home, layers = state_home(), own_layers()
    for path in (home, layers):
        _make_directory(path)
    identity = os.urandom(_ID_BYTES).hex()
    state = f"{home}/{identity}"
    with lock_all():
        if name is not None:
            _claim(name)
        place = Place(
            id=identity,
            name=name or identity[:_SHORT],
            lock=_make_state(state, name),
            state=state,
            layers=f"{layers}/{identity}",
        )
    if os.geteuid():  # whom XDG_DATA_HOME may tell another place tomorrow
        _write(state, PLACE_OF_LAYERS, os.fsencode(place.layers))
    os.mkdir(place.layers, _MODE)
    return place


def _make_state(directory: str, name: str | None) -> int:
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
    _write(place.state, CONFIG, dumps(whole).encode())


def note_work(place: Place, path: str) -> None:
    """Remember a directory that is not among our own, before it is made."""
    _write(place.state, WORK, os.fsencode(path))


def note_filter(place: Place, data: bytes) -> None:
    """Keep the seccomp filter, which a user cannot ask the kernel for."""
    from nsview.engines.nsview_store import FILTER

    _write(place.state, FILTER, data)


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
    state = f"{state_home()}/{identity}"
    return {
        "state": state,
        "layers": _read_path(f"{state}/{PLACE_OF_LAYERS}") or f"{own_layers()}/{identity}",
        "work": _read_path(f"{state}/{WORK}"),
        "cgroups": [
            f"{one.target}/{GROUP}/{identity}"
            for one in own_cgroupfs().hierarchies
            if os.path.isdir(f"{one.target}/{GROUP}/{identity}")
        ],
        "link": interface_of(identity) if os.path.exists(f"{state}/{NETWORK}") else "",
    }


def _read_path(file_name: str) -> str:
    try:
        with open(file_name, "rb") as file:
            return os.fsdecode(file.read())
    except FileNotFoundError:
        return ""


def clear_away(identity: str) -> list[str]:
    """Remove all that is left of a sandbox; returns what resisted, in words."""
    from nsview.sandbox.remains import remove_remains  # most leave that to their launcher

    if os.geteuid() == 0:
        return remove_remains(remains_of(identity))
    from nsview.sandbox.rootless import call_as_root

    return remove_remains(remains_of(identity), call_as_root)


def try_lock(identity: str) -> int | None:
    """Lock a sandbox's state; None while its launcher, or whoever ends it, lives."""
    state = f"{state_home()}/{identity}"
    try:
        lock = os.open(f"{state}/{_LOCK}", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        lock = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


@contextmanager
def lock_all() -> Iterator[None]:
    """Keep sandboxes from being made or collected by anybody else meanwhile."""
    fd = os.open(
        f"{state_home()}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE
    )
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _make_directory(path: str) -> None:
    """What is in there is as powerful as root: setuid files of sandboxes among it."""
    try:
        with suppress(FileExistsError):
            os.makedirs(path, _MODE)
    except OSError as error:
        hint = "a login makes /run/user/UID; XDG_RUNTIME_DIR and XDG_DATA_HOME name other places"
        raise NsviewError(
            f"{path} cannot be made: {error.strerror}", hint=hint if os.geteuid() else None
        ) from None
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise NsviewError(f"{path} is not a directory of ours")
    if stat.S_IMODE(found.st_mode) & ~_MODE:
        os.chmod(path, _MODE)

"""Launch a sandbox: prepare it, start its launching process, be between its streams and ours."""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from nsview.enter.spawn import start_helper
from nsview.enter.streams import open_pipes, own_standard_streams, relay_pipes, relay_terminal
from nsview.enter.terminal import copy_size
from nsview.errors import NotPermitted, NsviewError
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.procfs import Procfs
from nsview.sandbox.become import NOT_FOUND, find_command
from nsview.sandbox.cgroups import Groups, make_groups
from nsview.sandbox.etc import files_of_etc
from nsview.sandbox.layers import Layers, prepare_layers
from nsview.sandbox.orders import CgroupMount, Orders
from nsview.sandbox.process import with_process
from nsview.sandbox.remains import remove_remains
from nsview.sandbox.spec import Spec, check_spec
from nsview.sandbox.state import Place, create, remains_of, write_config
from nsview.sandbox.subordinate import Ids, choose_ids

if TYPE_CHECKING:
    from nsview.sandbox.network import Network

CANNOT_EXECUTE: Final = 126
_NOT_FOUND_ERRORS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_SIGNALLED: Final = 128
_LARGEST_MESSAGE: Final = 64 * 1024
_OPEN: Final = os.O_PATH | os.O_CLOEXEC


@dataclass(slots=True)
class Outcome:
    """How it went."""

    id: str = ""
    name: str = ""
    pid: int | None = None
    """The first process's PID on the host."""
    namespaces: dict[str, int] = field(default_factory=dict)
    """Kind and inode."""
    upper: str | None = None
    """The directory that takes all writes."""
    network: Network | None = None
    """Where it has a veth pair."""
    status: int = 125
    """The command's exit status, 128 + the number of the signal that ended it, 126, or 127."""
    signal: int | None = None
    exec_error: int | None = None
    exec_words: str | None = None
    """Why the command did not start."""
    oom_kills: int = 0
    lacking: list[str] = field(default_factory=list)
    """What the host did not allow, in words."""
    notes: list[str] = field(default_factory=list)
    """What else is worth knowing."""
    detached: bool = False
    """The person left, and so hung up."""
    tie: int | None = None
    """A descriptor: when it is closed, and all copies of it, the sandbox ends."""
    launcher: int | None = None
    """The launching process, our child, of one that goes on."""


class _Launch:
    """Our side of what we have with the launching process."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.running = True
        self.alive = False
        self.ready = False
        self.started = False
        self.ended = False
        self.master = -1
        self.failure: NsviewError | None = None
        self.status, self.far_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def hear(self) -> None:
        """Take one message."""
        data, fds, _, _ = socket.recv_fds(self.status, _LARGEST_MESSAGE, 1)
        if not data:
            self.running = False
            return
        kind, *values = marshal.loads(data)  # noqa: S302 - our own child, until it is the command
        if kind == "alive":
            self.alive = True
        elif kind == "pid":
            self.outcome.pid = values[0]
        elif kind == "ready":
            self.ready = True
            self.master = fds[0] if fds else -1
            os.set_inheritable(self.master, False) if fds else None
        elif kind == "started":
            self.started = True
        elif kind == "failed":
            self.failure = NsviewError(_because(values[0], values[1]))
        elif kind == "exec":
            self.outcome.exec_error = values[0]
        elif kind == "ended":
            self.ended = True
            self._end(values[0], values[1])

    def _end(self, code: int, kills: int) -> None:
        self.running = False
        outcome = self.outcome
        outcome.status = code if code >= 0 else _SIGNALLED - code
        outcome.signal = -code if code < 0 else None
        outcome.oom_kills = kills
        if outcome.exec_error is not None:
            missing = outcome.exec_error in _NOT_FOUND_ERRORS
            outcome.status = NOT_FOUND if missing else CANNOT_EXECUTE
            outcome.signal = None

    def hear_until(self, condition: Callable[[], bool]) -> bool:
        """Take messages until it is so; False when it will not be."""
        while not condition():
            if not self.running or self.failure is not None:
                return False
            self.hear()
        return True


def run_sandbox(
    spec: Spec,
    *,
    stdout: int = 1,
    tied: bool = False,
    on_start: Callable[[Outcome], None] = lambda _: None,
) -> Outcome:
    """Run a sandbox to its end; a detached one until its command runs.

    tied: a detached one ends with us all the same, see `Outcome.tie`. on_start: called once it is
    made, just before the command runs. Raises `NsviewError` when it cannot be made, and leaves
    nothing behind then.
    """
    if os.geteuid():
        raise NotPermitted("making sandboxes takes root", hint="sudo nsview run ...")
    own_standard_streams()
    check_spec(spec)
    place = create(spec.name)
    kept = False
    try:
        with contextlib.ExitStack() as stack:
            outcome = _run(spec, place, stack, stdout, on_start, tied=tied)
        kept = outcome.exec_error is None
        return outcome
    finally:
        if not kept:
            remove_remains(remains_of(place.id))
        os.close(place.lock)


def _run(
    spec: Spec,
    place: Place,
    stack: contextlib.ExitStack,
    stdout: int,
    on_start: Callable[[Outcome], None],
    *,
    tied: bool,
) -> Outcome:
    network = _prepare_network(spec, place, stack)
    if spec.archive is not None:
        spec = _unpacked(spec, place)
    etc = files_of_etc(spec, _hostname(spec, place), network)
    layers = prepare_layers(spec, place, etc, stack)
    write_config(place, _config(spec, layers, network))
    groups = make_groups(place.id, spec.limits)
    outcome = Outcome(id=place.id, name=place.name, upper=layers.upper, network=network)
    _note_lacking(spec, outcome, groups.refused)
    if network is not None:
        _note_lacking(spec, outcome, network.lacking)
    launch = _Launch(outcome)
    stack.callback(launch.status.close)
    theirs, ours = _streams(spec)
    go, far_go = os.pipe2(os.O_CLOEXEC)
    ids = choose_ids(place.id) if spec.user_namespace else None
    if ids is not None and ids.note is not None:
        outcome.notes.append(ids.note)
    orders = _orders(spec, place, layers, groups, network, ids, stack)
    orders["detached"] = spec.detached and not tied
    orders |= {"status": launch.far_status.fileno(), "go": go, "stdio": theirs}
    child, _ = start_helper("nsview.sandbox.launcher", {**orders}, _descriptors(orders), launch)
    for fd in {*theirs, go}:
        os.close(fd)
    launch.far_status.close()
    try:
        _hand_over(spec, launch, far_go, on_start)
    except BaseException:
        with contextlib.suppress(OSError):
            launch.status.send(bytes([signal.SIGKILL]))
        _wait(child)
        raise
    if spec.detached:
        if launch.started:
            outcome.launcher = child
            outcome.tie = os.dup(launch.status.fileno()) if tied else None
            return outcome
    elif spec.terminal:
        copy_size(0, launch.master)
        outcome.detached = relay_terminal(launch, launch.master, stack)
    else:
        relay_pipes(launch, ours, stdout, stack)
    while launch.running:
        launch.hear()
    launch.status.shutdown(socket.SHUT_RDWR)
    _wait(child)
    if launch.failure is not None:
        raise launch.failure
    if not launch.ended:
        raise NsviewError("the launching process was killed")
    if outcome.exec_error is None:  # it did start, whatever we had found wrong with it
        outcome.exec_words = None
    elif outcome.exec_words is None:
        name = spec.command[0] if spec.command else "the shell"
        outcome.exec_words = f"{name} cannot be executed: {os.strerror(outcome.exec_error)}"
    return outcome


def _unpacked(spec: Spec, place: Place) -> Spec:
    """The spec on the layers of its image, among those that are the sandbox's own."""
    from nsview.sandbox.image import read_image, unpack_image

    assert spec.archive is not None
    image = read_image(spec.archive)
    lower = unpack_image(image, place.layers)
    name = image.reference or os.path.basename(spec.archive)
    return with_process(replace(spec, lower=lower, image=name), image.process)


def _prepare_network(spec: Spec, place: Place, stack: contextlib.ExitStack) -> Network | None:
    if spec.network != "veth":
        return None
    from nsview.sandbox.network import prepare_network  # takes long

    return prepare_network(spec, place, stack)


def _hostname(spec: Spec, place: Place) -> str:
    return spec.hostname or place.id[:12]


def _note_lacking(spec: Spec, outcome: Outcome, words: Sequence[str]) -> None:
    """Remember what the host does not allow; raises `NsviewError` if that is not good enough."""
    if words and spec.strict:
        raise NsviewError("not allowed by this host: " + "; ".join(words))
    outcome.lacking += words


def _wait(child: int) -> None:
    with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored; it has ended all the same
        os.waitpid(child, 0)


def _hand_over(spec: Spec, launch: _Launch, go: int, on_start: Callable[[Outcome], None]) -> None:
    """Say what the command is, once there is a root to look for it in."""
    try:
        if not launch.hear_until(lambda: launch.ready and launch.outcome.pid is not None):
            if launch.failure is not None:
                raise launch.failure
            raise NsviewError("the launching process was killed")
        if launch.outcome.network is not None:
            refused = launch.outcome.network.connect(launch.outcome.pid or 0)
            _note_lacking(spec, launch.outcome, refused)
        root = os.open(f"/proc/{launch.outcome.pid}/root", _OPEN | os.O_DIRECTORY)
        own = read_namespaces(Procfs(), launch.outcome.pid or 0) or ()
        launch.outcome.namespaces = dict(zip(KINDS, own, strict=False))
        try:
            hostname = spec.hostname or launch.outcome.id[:12]
            become, launch.outcome.exec_words = find_command(spec, root, hostname)
        finally:
            os.close(root)
        on_start(launch.outcome)
        with open(go, "wb", closefd=False) as pipe:
            pipe.write(marshal.dumps(dict(become)))
    finally:
        os.close(go)
    if spec.detached:
        launch.hear_until(lambda: launch.started)


def _streams(spec: Spec) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    if spec.detached or spec.terminal:
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return (nothing,) * 3, ()
    return open_pipes(spec.interactive)


def _orders(
    spec: Spec,
    place: Place,
    layers: Layers,
    groups: Groups,
    network: Network | None,
    ids: Ids | None,
    stack: contextlib.ExitStack,
) -> Orders:
    def hold(path: str, flags: int) -> int:
        fd = os.open(path, flags)
        stack.callback(os.close, fd)
        return fd

    staging = f"{place.state}/root"
    os.mkdir(staging)  # nobody gets to it but by the working directory
    return {
        "status": -1,
        "go": -1,
        "locks": [place.lock, *([layers.lock] if layers.lock is not None else [])],
        "state": hold(place.state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC),
        "held": list(network.held) if network is not None else [],
        "staging": os.fsencode(staging),
        "detached": spec.detached,
        "terminal": spec.terminal,
        "stdio": (-1, -1, -1),
        "init": spec.init,
        "cgroups": [(one, hold(one, _OPEN | os.O_DIRECTORY)) for one in groups.directories],
        "cgroup_mounts": list(_cgroup_mounts(groups)),
        "lower": list(layers.lower_fds),
        "writable": layers.writable_fd,
        "upper": os.fsencode(os.path.basename(layers.upper or "")),
        "work": os.fsencode(os.path.basename(layers.work)),
        "hostname": os.fsencode(_hostname(spec, place)),
        "own_network": spec.network != "host",
        "uid_map": ids.uids.as_map() if ids is not None else b"",
        "gid_map": ids.gids.as_map() if ids is not None else b"",
        "time_offset": spec.time_offset,
        "binds": [
            {
                "source": hold(one.source, _OPEN),
                "target": os.fsencode(one.target),
                "read_only": one.read_only,
            }
            for one in spec.binds
        ],
        "tmpfs": list(map(os.fsencode, spec.tmpfs)),
        "bounding": spec.capabilities,
        "remove": spec.remove,
        "remains": remains_of(place.id),
    }


def _cgroup_mounts(groups: Groups) -> Iterator[CgroupMount]:
    for name, hierarchy, controllers in groups.mounts:
        options: list[tuple[bytes, bytes | None]] = []
        for word in filter(None, controllers.split(",")):
            key, equals, value = word.partition("=")
            if equals:
                options.append((b"none", None))
            options.append((key.encode(), value.encode() if equals else None))
        kind = b"cgroup2" if hierarchy.version == 2 else b"cgroup"
        yield {"name": os.fsencode(name), "kind": kind, "options": options}


def _descriptors(orders: Orders) -> Iterator[int]:
    """Those that the launching process inherits."""
    yield from (orders["status"], orders["go"], orders["state"], *orders["stdio"])
    yield from (*orders["locks"], *orders["lower"], *orders["held"])
    yield from (fd for _, fd in orders["cgroups"])
    yield from (one["source"] for one in orders["binds"])
    yield from (fd for fd in (orders["writable"],) if fd >= 0)


def _config(spec: Spec, layers: Layers, network: Network | None) -> dict[str, object]:
    return {
        "image": spec.image,
        "command": list(spec.command),
        "layers": layers.describe(),
        "upper": layers.upper,
        "network": spec.network,
        **(network.describe() if network is not None else {}),
        "remove": spec.remove,
    }


def _because(what: str, number: int) -> str:
    return f"{what} ({os.strerror(number)})" if number else what

"""What a sandbox is to be: all of it is checked before anything is done."""

from __future__ import annotations

import errno
import os

from nsview.errors import NotPermitted, NsviewError
from nsview.kernel.capabilities import ENGINE_DEFAULT, NAMES
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Final, Iterable, Literal

if TYPE_CHECKING:
    from nsview.layers.covers import Cover
    from nsview.sandbox.publish import Published

DEFAULT_PIDS: Final = 512
# Compiled where there is something to match: few ask for these.
_SIZE: Final = r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?"
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NAME: Final = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}"
_HOSTNAME: Final = r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?"
#: The kernel's own, and what `nsview` mounts itself.
_KEPT: Final = ("/proc", "/sys", "/dev")
#: OVL_MAX_STACK (fs/overlayfs/params.h), less one for the init layer.
MOST_LAYERS: Final = 499
_ALL: Final = "all"
_NANO: Final = 1_000_000_000
_LONGEST_OFFSET: Final = 4_000_000_000
#: A process in a group takes two pages at least, and the sandbox's number 1 is a Python.
_LEAST_MEMORY: Final = 16 << 20
_MOST_CPUS: Final = 10_000
_MOST_PIDS: Final = 1 << 22

Network = Literal["none", "host", "veth"]


class Limits(NamedTuple):
    """What a sandbox may use; None is unlimited."""

    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    pids: int | None = None


class Bind(NamedTuple):
    """A file or directory of the host that is seen inside."""

    source: str
    target: str
    read_only: bool = False


class Lower(NamedTuple):
    """A read-only layer."""

    path: str
    digest: str | None = None
    created_by: str | None = None


class Spec(NamedTuple):
    """Everything that a sandbox is made of."""

    lower: tuple[Lower, ...]
    """Read-only layers, the topmost first; empty where `archive` has them."""
    covers: tuple[Cover, ...] = ()
    """What only another program than the kernel hides in them."""
    archive: str | None = None
    """An image to be unpacked."""
    upper: str | None = None
    """The directory that takes all writes; None: one of its own."""
    read_only: bool = False
    name: str | None = None
    image: str | None = None
    """What the layers are, in words."""
    hostname: str | None = None
    command: tuple[str, ...] = ()
    environment: tuple[tuple[bytes, bytes], ...] = ()
    directory: str = "/"
    user: str | None = None
    image_user: str | None = None
    """Where none is asked for."""
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    network: Network = "none"
    published: tuple[Published, ...] = ()
    """Ports of the host that lead to it; with `network` veth."""
    limits: Limits = Limits(pids=DEFAULT_PIDS)
    capabilities: int = 0
    """At most these, as a mask."""
    user_namespace: bool = False
    """Its root is no root of the host."""
    time_offset: int = 0
    """Nanoseconds that its clocks since boot are ahead; 0: they are the host's."""
    seccomp: str = "default"
    """``default``, ``none``, or the name of a file with a list of system calls."""
    init: bool = True
    remove: bool = False
    detached: bool = False
    terminal: bool = False
    interactive: bool = False
    strict: bool = False
    """What the host does not allow is an error."""


def check_spec(spec: Spec) -> None:
    """Raise `NsviewError` for what cannot be done; looks at directories, and changes nothing."""
    if not spec.lower and spec.archive is None:
        raise NsviewError("no root: one of --rootfs, --lower, --host-root, --image, --like")
    if len(spec.lower) > MOST_LAYERS:
        raise NsviewError(f"{len(spec.lower)} layers: the kernel stacks {MOST_LAYERS} at most")
    if spec.name is not None and not _fits(_NAME, spec.name):
        raise NsviewError(
            f"name {spec.name!r}: letters, digits, _ . and - are allowed, a letter or digit first"
        )
    if spec.hostname is not None and not _fits(_HOSTNAME, spec.hostname):
        raise NsviewError(f"hostname {spec.hostname!r} is none")
    if spec.detached and spec.terminal:
        raise NsviewError("--detach and --tty exclude each other")
    if spec.published and spec.network != "veth":
        raise NsviewError("--publish needs a network of its own", hint="--net veth")
    if os.geteuid():
        _check_unprivileged(spec)
    if spec.user_namespace and spec.network == "host":
        raise NsviewError(
            "--userns and --net host exclude each other",
            hint="the host's network belongs to the host's user namespace, and so does its /sys",
        )
    _check_directories(spec)
    for one in spec.binds:
        _check_target("--bind", one.target)
        if not os.path.lexists(one.source):
            raise NsviewError(f"--bind {one.source}: no such file or directory")
        if not (os.path.isdir(one.source) or os.path.isfile(one.source)):
            raise NsviewError(f"--bind {one.source}: neither a directory nor a regular file")
    for target in spec.tmpfs:
        _check_target("--tmpfs", target)
    if spec.seccomp not in ("default", "none"):
        from nsview.sandbox.seccomp_profile import make_filter

        make_filter(spec.seccomp, spec.capabilities)


def _check_unprivileged(spec: Spec) -> None:
    """What takes rights on the host, and so is root's alone."""
    for option, asked in (
        ("--net host", spec.network == "host"),
        ("--net veth", spec.network == "veth"),
        ("--host-root", any(os.path.realpath(one.path) == "/" for one in spec.lower)),
    ):
        if asked:
            raise NotPermitted(f"{option} takes root of the host", hint="sudo nsview run ...")


def _fits(pattern: str, text: str) -> bool:
    import re  # 8 ms, where somebody gives a name

    return re.fullmatch(pattern, text) is not None


def parse_size(text: str) -> int:
    """Parse ``256m``, ``1.5g``, ``67108864``: bytes, in powers of 1024. Raises ValueError."""
    import re

    match = re.fullmatch(_SIZE, text, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text!r} is no size; 256m and 2g are")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def parse_offset(seconds: float) -> int:
    """Seconds as nanoseconds, for `Spec.time_offset`; raises `NsviewError`."""
    if not abs(seconds) <= _LONGEST_OFFSET:  # nor is it no number at all
        raise NsviewError("--time-offset: a number of seconds, of some decades at most")
    return round(seconds * _NANO)


def check_limits(memory: int | None, cpus: float | None, pids: int | None) -> Limits:
    """The limits, if they leave something; raises `NsviewError`. 0 PIDs are any number."""
    if memory is not None and memory < _LEAST_MEMORY:
        raise NsviewError(f"--memory: {_LEAST_MEMORY >> 20}m is the least")
    if cpus is not None and not 0.01 <= cpus <= _MOST_CPUS:
        raise NsviewError("--cpus: 0.01 is the least")
    if pids is not None and not 0 <= pids <= _MOST_PIDS:
        raise NsviewError("--pids: a number of processes, or 0 for no limit")
    return Limits(memory=memory, cpus=cpus, pids=pids or None)


def capability_mask(add: Iterable[str], drop: Iterable[str]) -> int:
    """The engines' fourteen without `drop`, with `add`; ``all`` is all of them. `NsviewError`."""
    kept = set(ENGINE_DEFAULT)
    for words, change in ((drop, kept.difference_update), (add, kept.update)):
        for word in words:
            name = word.lower().removeprefix("cap_")
            if name != _ALL and name not in NAMES:
                raise NsviewError(f"no capability {word!r}")
            change(NAMES if name == _ALL else (name,))
    return sum(1 << NAMES.index(name) for name in kept)


def parse_bind(text: str) -> Bind:
    """Parse ``SRC:DST`` and ``SRC:DST:ro``; raises ValueError. A colon is no part of a name."""
    parts = text.split(":")
    if len(parts) == 3 and parts[2] in ("ro", "rw"):
        return Bind(source=os.path.abspath(parts[0]), target=parts[1], read_only=parts[2] == "ro")
    if len(parts) != 2 or not all(parts):
        raise ValueError(f"{text!r} is not SRC:DST[:ro]")
    return Bind(source=os.path.abspath(parts[0]), target=parts[1])


def _check_target(option: str, target: str) -> None:
    path = "/" + os.path.normpath(target).lstrip("/")
    if not target.startswith("/") or "\0" in target or ".." in target.split("/"):
        raise NsviewError(f"{option} {target}: an absolute path inside")
    if path == "/" or any(f"{path}/".startswith(f"{one}/") for one in _KEPT):
        raise NsviewError(f"{option} {target}: that place is the sandbox's own")


def _check_directories(spec: Spec) -> None:
    lower = [_real_directory(one.path) for one in spec.lower]
    if len(set(lower)) < len(lower):
        raise NsviewError("the same directory twice among the layers")
    for one in lower:
        for other in lower:
            if one != other and _is_inside(one, other):
                raise NsviewError(f"layers overlap: {one} is inside {other}")
    if spec.upper is None:
        return
    if spec.read_only:
        raise NsviewError("--upper and --ro exclude each other")
    upper = _real_directory(spec.upper)
    for one in lower:
        if upper == one or _is_inside(upper, one) or _is_inside(one, upper):
            raise NsviewError(f"layers overlap: {upper} and {one}")
    if os.stat(upper).st_dev != os.stat(os.path.dirname(upper)).st_dev:
        raise NsviewError(
            f"upper {upper} is a mount point: overlayfs needs a directory beside it",
            hint="use a directory inside it",
        )


def _real_directory(path: str) -> str:
    try:
        real = os.path.realpath(path, strict=True)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "not a path"
        raise NsviewError(f"layer {path}: {words}") from None
    if not os.path.isdir(real):
        raise NsviewError(f"layer {path}: not a directory")
    if not os.access(real, os.R_OK | os.X_OK):
        raise NsviewError(f"layer {path}: {os.strerror(errno.EACCES)}")
    return real


def _is_inside(path: str, other: str) -> bool:
    return path.startswith(other.rstrip("/") + "/") and _same_device(path, other)


def _same_device(path: str, other: str) -> bool:
    return os.stat(path).st_dev == os.stat(other).st_dev

"""What the launching process is told: plain values, for they travel as marshal(3) data."""

from __future__ import annotations

from typing import TypedDict


class Bind(TypedDict):
    """A file or directory of the host to be seen inside."""

    source: int
    target: bytes
    """An absolute path inside; made where it is missing."""
    read_only: bool


class CgroupMount(TypedDict):
    """A hierarchy of control groups to be seen inside."""

    name: bytes
    """The directory below /sys/fs/cgroup; empty for that one itself."""
    kind: bytes
    options: list[tuple[bytes, bytes | None]]


class Orders(TypedDict):
    """Everything; descriptors that are -1 are not there."""

    status: int
    """Socket: what happens goes up, signals for the command come down."""
    go: int
    """Pipe: in the end it says what to become."""
    locks: list[int]
    """Held locked for as long as the sandbox is ours to end."""
    state: int
    """The directory of its state."""
    held: list[int]
    """What else lasts as long as the sandbox, and no longer: its packet filter, its ports."""
    staging: bytes
    """An empty directory of the host to build the root on."""
    detached: bool
    """The sandbox goes on when the other end of `status` is closed."""
    terminal: bool
    stdio: tuple[int, int, int]
    init: bool
    """A process of ours is number 1, and the command its child."""
    cgroups: list[tuple[str, int, int]]
    """Directories in words, their versions, and as descriptors, one of each hierarchy."""
    cgroup_mounts: list[CgroupMount]
    lower: list[int]
    """Topmost first."""
    writable: int
    """The directory that `upper` and `work` are in."""
    upper: bytes
    work: bytes
    hostname: bytes
    own_network: bool
    rootless: bool
    """The launcher has no rights but those that it gets in the user namespace."""
    user_namespace: int
    """That one, made by who started us; else it is made by `uid_map` and `gid_map`."""
    one_user: bool
    """Nobody but its root is mapped there, and groups cannot be dropped."""
    paths: list[bytes]
    """`lower`, `writable` if there is one, and the sources of `binds`: for who has to open them
    anew, in a mount namespace of their own."""
    uid_map: bytes
    """Of a user namespace of its own; empty for none."""
    gid_map: bytes
    time_offset: int
    """Nanoseconds that a time namespace of its own adds to its clocks; 0 for none."""
    binds: list[Bind]
    tmpfs: list[bytes]
    bounding: int
    """Capabilities to keep at most."""
    remove: bool
    """When it has ended; else it is kept, as a stopped container."""
    remains: Remains


class Remains(TypedDict):
    """What a sandbox leaves behind on the host."""

    state: str
    layers: str
    """A directory; a tmpfs may be mounted on it."""
    work: str
    """The work directory of an upper directory that is not ours; empty for none."""
    cgroups: list[str]
    link: str
    """The host's end of its veth pair; empty for none."""


class Become(TypedDict):
    """What the command is to be."""

    path: bytes
    arguments: list[bytes]
    environment: dict[bytes, bytes]
    uid: int
    gid: int
    groups: list[int]
    directory: bytes
    filter: bytes
    """Seccomp's, as an array of struct sock_filter; empty for none."""

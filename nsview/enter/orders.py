"""What the joining process is told: plain values, for they travel as marshal(3) data.

Both ends are the same interpreter, and marshal is built in: reading JSON would cost the joining
process more than all that it does.
"""

from __future__ import annotations

from typing import TypedDict


class Namespace(TypedDict):
    """A namespace to join."""

    kind: str
    fd: int
    flag: int
    ino: int


class Orders(TypedDict):
    """Everything; -1 stands for no descriptor. Ids are those of the user namespace outside."""

    status: int
    """Socket: what happens goes up, signals for the command come down."""
    proc: int
    """The directory /proc of the host."""
    namespaces: list[Namespace]
    """In the order in which they are joined; the user namespace, if any, comes last."""
    rootless: bool
    """It comes first, for it gives the rights to join the others; ids are those inside it."""
    stdio: tuple[int, int, int]
    terminal: bool
    root: int
    directory: int
    cgroups: list[tuple[str, int, int]]
    """Hierarchies in words, their versions, and a directory in each."""
    toolbox: tuple[int, list[bytes]] | None
    """A directory of the host, and the names that lead to the container's to mount it over."""
    seccomp_of: int
    """Process whose filters are taken over; 0 for none."""
    filters: list[bytes]
    """Those that are known without that."""
    oom_score_adj: int | None
    limits: list[tuple[str, int, int, int]]
    """Name, number, soft, hard; -1 is unlimited."""
    umask: int | None
    label: tuple[str, bytes] | None
    """File of /proc/self/attr, and what to write to it."""
    uid: int | None
    gid: int | None
    groups: list[int] | None
    bounding: int | None
    """Capabilities to keep at most; None leaves all five sets alone."""
    inheritable: int
    ambient: int
    no_new_privs: bool
    program: bytes | int
    """A path, or the descriptor of a program."""
    arguments: list[bytes]
    environment: dict[bytes, bytes]

"""Whom a container asks for names: its own /etc/resolv.conf, resolv.conf(5)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nsview.host.aside import call_aside
from nsview.kernel.safe_open import read_below
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.host.model import Container
    from nsview.kernel.procfs import Procfs

_PATH: Final = "etc/resolv.conf"
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NameService:
    """What the file says; words are as somebody wrote them there, and may be anything."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def parse_resolv_conf(data: bytes) -> NameService:
    """As the resolver of the C library reads it: the last ``search`` or ``domain`` counts."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    for line in data.split(b"\n"):
        words = [os.fsdecode(word) for word in line.split()]
        if line[:1].isspace() or not words:  # a keyword begins its line
            continue
        keyword, *rest = words
        if keyword == "nameserver":
            servers += rest[:1]
        elif keyword in ("search", "domain"):
            search = tuple(rest if keyword == "search" else rest[:1])
        elif keyword == "options":
            options += rest
    return NameService(servers=tuple(servers), search=search, options=tuple(options))


def read_name_service(procfs: Procfs, container: Container) -> NameService | None:
    """What the container's root has; None where there is no such file, or it may not be read.

    No link is followed out of the root; a file system that does not answer is given up on.
    """
    # The host's process 1 may be unreadable even for root, and we have the same root.
    root = procfs.path("self" if container.kind == "host" else container.pid or 0, "root")
    try:
        data = call_aside(lambda: read_below(root, _PATH, limit=_LARGEST))
    except OSError:  # TimeoutError is one
        return None
    return None if data is None else parse_resolv_conf(data)

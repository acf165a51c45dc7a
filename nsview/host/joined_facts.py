"""What only a member of a container's namespaces can read: its host name, its settings.

There is no file that shows them from outside: /proc/sys shows those of whoever opens it, even
through /proc/PID/root. A thread joins the container's uts, net and ipc namespaces for that moment
and ends. It stays in our own mount namespace, so nothing of the container's is opened or run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from nsview.host.aside import call_aside
from nsview.host.sysctls import READABLE_KINDS, WELL_KNOWN, namespace_of_sysctl, read_sysctls
from nsview.typed import TYPE_CHECKING, Final, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

_HOSTNAME: Final = "kernel.hostname"
_DOMAINNAME: Final = "kernel.domainname"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedFacts:
    """What was read inside."""

    hostname: str | None = None
    domainname: str | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """By name: of the kinds that a thread can join."""
    partial: tuple[str, ...] = ()


def read_joined_facts(procfs: Procfs, pid: int, shared: Mapping[str, bool]) -> JoinedFacts:
    """Read them for a process; `shared` tells which kinds it shares with the host.

    Those are not joined: we are in the host's ourselves, and if not, cannot be told from it.
    """
    names = tuple(name for name in WELL_KNOWN if namespace_of_sysctl(name) in READABLE_KINDS)
    descriptors: list[tuple[str, int]] = []
    try:
        for kind in READABLE_KINDS:
            if not shared.get(kind, True):
                path = procfs.path(pid, f"ns/{kind}")
                descriptors.append((kind, os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        values = call_aside(lambda: read_sysctls(procfs.root, names), join=descriptors)
    except OSError as error:
        reason = f"host name and settings inside: {error.strerror or error}"
        return JoinedFacts(partial=(reason,))
    finally:
        for _, descriptor in descriptors:
            os.close(descriptor)
    domain = values.get(_DOMAINNAME)
    return JoinedFacts(
        hostname=values.get(_HOSTNAME),
        domainname=None if domain == "(none)" else domain,
        sysctls=values,
    )

"""Ports of the machine that lead into a container: what docker calls published.

Two things do it, often both for one port: a rule that rewrites the destination of packets
(`nsview.kernel.nftables`, `nsview.kernel.xtables`), and a process that listens and passes on
(docker-proxy, for those that come from the machine itself). podman's are rules alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nsview.kernel.cmdline import read_command
from nsview.kernel.namespaces import KINDS
from nsview.kernel.xtables import Forward
from nsview.typed import TYPE_CHECKING, Final, Iterable, Iterator, Mapping

if TYPE_CHECKING:
    from nsview.host.model import Snapshot
    from nsview.kernel.procfs import Procfs

_NET = KINDS.index("net")
_PROXY: Final = "docker-proxy"
_RULE: Final = "nat"
_PORT: Final = re.compile("[0-9]{1,5}", re.ASCII)
_OPTIONS: Final = ("-proto", "-host-ip", "-host-port", "-container-ip", "-container-port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One port that is passed on."""

    netns: int
    """Where it is a port of: the host's, nearly always."""
    forward: Forward
    via: tuple[str, ...]
    """``nat``, ``docker-proxy``."""
    container: str | None = None
    """`ref` of the container that has the address it leads to, beside that namespace."""

    @property
    def address(self) -> str:
        """``0.0.0.0`` or ``::`` where it is any."""
        any_address = "::" if ":" in self.forward.to_address else "0.0.0.0"  # noqa: S104 - shown, not bound
        return self.forward.address or any_address


def find_published(
    procfs: Procfs, snapshot: Snapshot, rules: Mapping[int, Iterable[Forward]]
) -> tuple[Published, ...]:
    """All of them; `rules` are those of each network namespace, by inode."""
    found: dict[tuple[int, Forward], list[str]] = {}
    for ino, forwards in rules.items():
        for forward in forwards:
            found.setdefault((ino, _with_address(forward)), []).append(_RULE)
    for ino, forward in _proxies(procfs, snapshot):
        found.setdefault((ino, _with_address(forward)), []).append(_PROXY)
    return tuple(
        Published(netns=ino, forward=forward, via=tuple(dict.fromkeys(ways)))
        for (ino, forward), ways in found.items()
    )


def _with_address(forward: Forward) -> Forward:
    # A rule that names no address and a proxy on 0.0.0.0 are the same port.
    return forward._replace(address=None) if forward.address == "0.0.0.0" else forward  # noqa: S104


def _proxies(procfs: Procfs, snapshot: Snapshot) -> Iterator[tuple[int, Forward]]:
    for task in snapshot.tasks.values():
        if task.comm != _PROXY:
            continue
        try:
            words = read_command(procfs, task.pid) or ()
        except PermissionError:
            continue
        forward = parse_proxy(words)
        if forward is not None:
            yield task.namespaces[_NET], forward


def parse_proxy(words: tuple[str, ...]) -> Forward | None:
    """A docker-proxy's command line; None for another one that only bears the name."""
    options = dict(zip(words[1::2], words[2::2], strict=False))
    values = [options.get(name) for name in _OPTIONS]
    protocol, address, port, to_address, to_port = values
    if not (protocol and to_address and port and to_port):
        return None
    if not (_PORT.fullmatch(port) and _PORT.fullmatch(to_port)):
        return None
    return Forward(protocol, address or None, int(port), to_address, int(to_port))

"""Interfaces and sockets in the words of a table."""

from __future__ import annotations

from nsview.host.networks import End, Interface

#: Of the processes that share a socket, so many are named.
_NAMED = 3


def leads_to(interface: Interface) -> str:
    """``docker/web: eth0``, ``host: veth1a2b on docker0``, ``on host: eth0``; "" where nowhere."""
    if interface.peer is not None:
        return _end(interface.peer)
    if interface.lower is not None:
        return f"on {_end(interface.lower)}"
    return ""


def _end(end: End) -> str:
    if end.netns is None:
        return f"number {end.index} in a namespace out of sight"
    where = end.container or f"net:[{end.netns}]"
    bridge = f" on {end.master}" if end.master else ""
    return f"{where}: {end.interface or f'number {end.index}'}{bridge}"


def pid_list(pids: tuple[int, ...]) -> str:
    """``4711``, ``4711,4712,4713,...``; "" of nobody."""
    named = ",".join(map(str, pids[:_NAMED]))
    return f"{named},..." if len(pids) > _NAMED else named

"""LXC, and what stands on it: Incus, LXD, Proxmox, Waydroid.

::

    lxc/NAME                          LXC before 3.1; Proxmox (NAME is the number of the guest)
    lxc.payload/NAME                  LXC 3.1 to 4.0
    lxc.payload.NAME                  since
    lxc.monitor/NAME lxc.monitor.NAME the monitor

``lxc.pivot`` is where a monitor goes to die. Incus and LXD write ``PROJECT_NAME`` outside the
default project.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, read_options, runs, taking

_PAYLOADS = frozenset({"lxc", "lxc.payload"})
_PAYLOAD = "lxc.payload."
_MONITOR = "lxc.monitor"
_TITLE = "[lxc monitor] "  # lxc: src/lxc/lxccontainer.c, followed by the directory and the name
_TAKES = taking(
    "-n -f -o -l -P -s -c -p -L -u -g --name --rcfile --logfile --logpriority --lxcpath --define"
    " --console --pidfile --console-log --uid --gid --share-net --share-ipc --share-uts --share-pid"
)


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container or its monitor, by name. ``libvirt/lxc/NAME`` is for `libvirt` to claim first."""
    component = components[index]
    parent = components[index - 1] if index else ""
    if parent in _PAYLOADS:
        return _named(component)
    if parent == _MONITOR:
        return _named(component, monitor=True)
    if component.startswith(_PAYLOAD):
        return _named(component.removeprefix(_PAYLOAD))
    if component.startswith(_MONITOR + "."):
        return _named(component.removeprefix(_MONITOR + "."), monitor=True)
    return None


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """``lxc-start``, ``lxc-execute`` in the foreground, or a monitor in the background."""
    title = parent.command[0] if parent.command else ""
    if title.startswith(_TITLE):
        return _named(base_name(title.rpartition(" ")[2]))
    if not runs(parent, "lxc-start", "lxc-execute"):
        return None
    options = read_options(parent.command[1:], _TAKES)
    name = options.values.get("-n") or options.values.get("--name")
    return _named(base_name(name or (options.rest[0] if options.rest else "")))


def _named(name: str | None, *, monitor: bool = False) -> Match | None:
    if not name or name == "..":
        return None
    return Match(engine="lxc", id=name, name=name, monitor=monitor)

r"""libvirt's LXC driver, which is not LXC's own.

``machine.slice/machine-lxc\x2dPID\x2dNAME.scope``, ``machine/NAME.libvirt-lxc``,
``libvirt/lxc/NAME``. Its virtual machines (``machine-qemu\x2d...``) are no containers.
"""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.systemd import unescape, unescape_cgroup

_SCOPE = re.compile(r"machine-lxc\\x2d[0-9]+\\x2d(.+)\.scope")
_SUFFIX = ".libvirt-lxc"


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container of libvirt's LXC driver, by name."""
    component = unescape_cgroup(components[index])
    scope = _SCOPE.fullmatch(component)
    if scope:
        return _named(unescape(scope[1]))
    if component.endswith(_SUFFIX):
        return _named(component.removesuffix(_SUFFIX))
    if components[max(index - 2, 0) : index] == ("libvirt", "lxc"):
        return _named(component)
    return None


def _named(name: str) -> Match | None:
    return Match(engine="libvirt", id=name, name=name) if name not in ("", "..") else None

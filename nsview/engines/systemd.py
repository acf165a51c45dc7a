r"""systemd's cgroups: one for every slice, service and scope.

A unit is no container. It lends its name to `isolated` processes (PrivateTmp=, DynamicUser= and
their like give a service namespaces), and says whose session something runs in.

Two escapes lie over each other: ``\xNN`` in unit names (systemd-escape(1)), and one leading ``_``
before names that would collide with files of the cgroup file system (``cg_escape``).
"""

from __future__ import annotations

import os

_UNITS = (".service", ".scope")
_MANAGER = "init.scope"  # where systemd keeps itself, below the root or below user@UID.service
_ESCAPED = r"(?:\\x[0-9a-fA-F]{2})+"
_DIGITS = 10  # of the largest uid


def unit_of(path: str) -> str | None:
    r"""The innermost service or scope of a cgroup path, as systemctl writes it (``\x2d`` stays).

    Cgroups that the unit made below itself belong to it. None when the path has no unit.
    """
    units = [
        unescape_cgroup(name)
        for name in path.split("/")
        if name.endswith(_UNITS) and not name.startswith(".")
    ]
    named = [unit for unit in units if unit != _MANAGER]
    innermost = (named or units)[-1:]
    return innermost[0] if innermost else None


def unescape_cgroup(name: str) -> str:
    """Undo systemd's escape of names that the cgroup file system wants for itself."""
    return name.removeprefix("_")


def unescape(text: str) -> str:
    r"""Decode the ``\xNN`` of a unit name.

    A plain ``-`` stays: it stands for ``/`` in names made of paths, and machines and applications,
    for which we ask, have none.
    """
    if "\\x" not in text:
        return text
    import re  # 8 ms, for few names

    def decode(found: re.Match[str]) -> str:
        return os.fsdecode(bytes.fromhex(found[0].replace("\\x", "")))

    return re.sub(_ESCAPED, decode, text)


def user_of(components: tuple[str, ...]) -> int | None:
    """The uid of the innermost ``user-UID.slice``."""
    for name in reversed(components):
        uid = name.removeprefix("user-").removesuffix(".slice")
        if name == f"user-{uid}.slice" and uid.isascii() and uid.isdigit() and len(uid) <= _DIGITS:
            return int(uid)
    return None

"""Spellings that several engines share in the names of their cgroups.

runc and crun name a container's cgroup as the engine above them asks: ``PREFIX-ID.scope`` with the
systemd driver (``slice:prefix:id`` in the OCI spec), ``PREFIX-ID`` or a bare ``ID`` with the
cgroupfs driver, and the unsplit ``SLICE:PREFIX:ID`` when engine and runtime disagree about the
driver (a common slip in containerd's configuration, SystemdCgroup=false).
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple

_ID_LENGTH = 64
_UUID_LENGTHS = [8, 4, 4, 4, 12]
_HEXADECIMAL = "0123456789abcdef"
_PREFIX = "abcdefghijklmnopqrstuvwxyz-"


class RuntimeName(NamedTuple):
    """A cgroup name such as ``cri-containerd-ID.scope``, taken apart."""

    prefix: str
    """``docker``, ``libpod``, ``libpod-conmon``, ``cri-containerd``, ``crio`` ..."""
    id: str
    slice: str | None
    """Of the unsplit form ``SLICE:PREFIX:ID`` only."""


def is_hexadecimal(text: str, length: int) -> bool:
    """Whether it is exactly so many lower-case hexadecimal digits."""
    return len(text) == length and not text.strip(_HEXADECIMAL)


def is_container_id(text: str) -> bool:
    """Whether it is exactly 64 lower-case hexadecimal digits."""
    return is_hexadecimal(text, _ID_LENGTH)


def is_uuid(text: str) -> bool:
    """Whether it is a lower-case UUID, 8-4-4-4-12."""
    parts = text.split("-")
    return [len(part) for part in parts] == _UUID_LENGTHS and not "".join(parts).strip(_HEXADECIMAL)


def runtime_name(component: str) -> RuntimeName | None:
    """Take ``PREFIX-ID[.scope]`` or ``SLICE:PREFIX:ID`` apart; None for any other name.

    The id is bounded on both sides: neither 63 nor 65 digits, and never a ``.mount`` unit, which
    carries the id of a container's root file system and holds no process.
    """
    if len(component) <= _ID_LENGTH:
        return None
    name = component.removesuffix(".scope")
    before, identifier = name[:-_ID_LENGTH], name[-_ID_LENGTH:]
    slice_, colon, prefix = before[:-1].rpartition(":")
    if not (
        is_container_id(identifier)
        and before.endswith(":" if colon else "-")
        and prefix
        and not prefix.strip(_PREFIX)
    ):
        return None
    if not colon:
        return RuntimeName(prefix, identifier, None)
    is_slice = slice_.endswith(".slice") and slice_ != ".slice" and ":" not in slice_
    return RuntimeName(prefix, identifier, slice_) if is_slice else None

"""/proc/PID/status: a process in words. proc_pid_status(5).

The kernel escapes newlines and backslashes in ``Name:`` (proc_task_name() in fs/proc/array.c), so
no process can add lines of its own.
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple
from nsview.typed import Mapping

_HEX = 16
_IDS = 4


class Status(NamedTuple):
    """The fields of use; None or empty where this kernel does not write them."""

    umask: int | None
    uids: tuple[int, ...]
    """Real, effective, saved, file system; in the reader's user namespace."""
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    cap_inheritable: int
    cap_effective: int
    cap_bounding: int
    cap_ambient: int
    no_new_privs: bool | None
    seccomp: int | None
    """0 off, 1 strict, 2 filter."""
    seccomp_filters: int | None


def parse_status(data: bytes) -> Status:
    """Parse the whole file; raises ValueError when it is torn."""
    fields = dict(_fields(data))
    uids, gids = _numbers(fields, b"Uid"), _numbers(fields, b"Gid")
    if len(uids) != _IDS or len(gids) != _IDS:
        raise ValueError("no Uid or Gid line")
    return Status(
        umask=int(fields[b"Umask"], 8) if b"Umask" in fields else None,
        uids=uids,
        gids=gids,
        groups=_numbers(fields, b"Groups"),
        cap_inheritable=int(fields.get(b"CapInh", b"0"), _HEX),
        cap_effective=int(fields.get(b"CapEff", b"0"), _HEX),
        cap_bounding=int(fields.get(b"CapBnd", b"0"), _HEX),
        cap_ambient=int(fields.get(b"CapAmb", b"0"), _HEX),
        no_new_privs=bool(int(fields[b"NoNewPrivs"])) if b"NoNewPrivs" in fields else None,
        seccomp=int(fields[b"Seccomp"]) if b"Seccomp" in fields else None,
        seccomp_filters=_optional(fields.get(b"Seccomp_filters")),
    )


def parse_identity(data: bytes) -> tuple[int, tuple[int, ...]]:
    """Only the effective uid and NSpid, without looking at the rest; raises ValueError.

    NSpid is empty before Linux 4.1.
    """
    uids = _line(data, b"\nUid:").split()
    if len(uids) < 2:
        raise ValueError("no Uid line")
    return int(uids[1]), tuple(map(int, _line(data, b"\nNSpid:").split()))


def _line(data: bytes, start: bytes) -> bytes:
    at = data.find(start)
    if at < 0:
        return b""
    end = data.find(b"\n", at + 1)
    return data[at + len(start) : end if end >= 0 else len(data)]


def _fields(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    for line in data.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name, value.removeprefix(b"\t")))
    return found


def _numbers(fields: Mapping[bytes, bytes], name: bytes) -> tuple[int, ...]:
    return tuple(map(int, fields.get(name, b"").split()))


def _optional(value: bytes | None) -> int | None:
    return None if value is None else int(value)

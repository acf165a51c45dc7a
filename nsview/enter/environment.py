"""The environment of the command: the container's own, never that of nsview or sudo."""

from __future__ import annotations

import os

from nsview.typed import Final, Mapping

#: What a shell without a PATH of its own is given, inside and outside.
DEFAULT_PATH: Final = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: execve(2) takes 128 KiB a string (MAX_ARG_STRLEN) and a quarter of the stack limit in all.
_LONGEST: Final = 128 * 1024 - 1
_MOST: Final = 1024 * 1024
#: For host tools: what a terminal and a language need, and where programs are.
_OF_THE_HOST: Final = (b"PATH", b"TERM", b"COLORTERM", b"LANG", b"LANGUAGE", b"HOME")
#: What would steer a program that we bring along, by the container's word.
_STEERING: Final = (b"LD_", b"PYTHON", b"BASH_ENV", b"ENV", b"GLIBC_TUNABLES", b"MALLOC_")


def parse_environ(data: bytes) -> dict[bytes, bytes]:
    """Parse /proc/PID/environ: ``NAME=value`` ended by NUL each; the first of a name counts.

    A process may have written anything over it, as nginx does with its title: what has no ``=`` or
    no name is left out, and what execve(2) would refuse for its length.
    """
    found: dict[bytes, bytes] = {}
    size = 0
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        size += len(entry) + 1
        if equals and name and len(entry) <= _LONGEST and size <= _MOST:
            found.setdefault(name, value)
    return found


def host_environment(own: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """For a program of the host in some of a container's namespaces: the least of our own."""
    kept = {name: own[name] for name in own if name in _OF_THE_HOST or name.startswith(b"LC_")}
    return {b"PATH": DEFAULT_PATH, **kept}


def without_steering(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Without what would load the container's code into a program of ours."""
    return {name: value for name, value in environment.items() if not name.startswith(_STEERING)}


def parse_assignment(text: str) -> tuple[bytes, bytes]:
    """Parse ``NAME=value`` of the command line; raises ValueError."""
    name, equals, value = os.fsencode(text).partition(b"=")
    if not equals or not name:
        raise ValueError(f"{text!r} is not NAME=VALUE")
    return name, value

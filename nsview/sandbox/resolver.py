"""``/etc/resolv.conf`` for a sandbox: the host's, with the name servers that it can reach."""

from __future__ import annotations

from nsview.typed import Final

HOST: Final = "/etc/resolv.conf"
#: What systemd-resolved asks itself, when the host's own file names only its stub on 127.0.0.53.
_UPSTREAM: Final = "/run/systemd/resolve/resolv.conf"
_LARGEST: Final = 64 * 1024


def read_host_resolver() -> bytes:
    """The host's own file; empty where there is none."""
    return _read(HOST)


def read_reachable_resolver() -> tuple[bytes, bool]:
    """A file for a network namespace that has IPv4 and a loopback device of its own.

    And whether it names a server.
    """
    for path in (HOST, _UPSTREAM):
        data = keep_reachable(_read(path))
        if b"nameserver" in data:
            return data, True
    return b"", False


def keep_reachable(data: bytes) -> bytes:
    """The lines of a resolv.conf(5), without servers on the loopback device and on IPv6."""
    return b"".join(line + b"\n" for line in data.splitlines() if _is_reachable(line.split()))


def _is_reachable(words: list[bytes]) -> bool:
    if not words or words[0] not in (b"nameserver", b"search", b"domain", b"options"):
        return False
    if words[0] != b"nameserver":
        return True
    from ipaddress import AddressValueError, IPv4Address  # most sandboxes have no network

    try:
        return len(words) > 1 and not IPv4Address(words[1].decode()).is_loopback
    except (AddressValueError, UnicodeDecodeError):
        return False


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST)
    except OSError:
        return b""

"""A private network that nobody on this host uses, for each sandbox."""

from __future__ import annotations

from ipaddress import IPv4Network

from nsview.typed import Final, Iterable

#: Four addresses: the network's own, the host's end, the sandbox's, and broadcast.
_PREFIX: Final = 30
_SIZE: Final = 1 << 32 - _PREFIX
#: What engines and hypervisors leave alone by default: docker takes 172.17 to 172.31 and 192.168,
#: podman 10.88, kubernetes 10.244 and 10.96, libvirt 192.168.122.
POOLS: Final = (
    IPv4Network("10.213.0.0/16"),
    IPv4Network("172.16.0.0/16"),
    IPv4Network("192.168.208.0/20"),
    IPv4Network("10.0.0.0/8"),
)


def free_network(
    taken: Iterable[IPv4Network], pools: Iterable[IPv4Network] = POOLS
) -> IPv4Network | None:
    """The first network of four addresses that overlaps none of these; None when all are taken."""
    used = sorted(taken)
    for pool in pools:
        at, end = _first(pool), _last(pool)
        for one in used:
            if _last(one) < at:
                continue
            if _first(one) >= at + _SIZE:
                break
            at = (_last(one) // _SIZE + 1) * _SIZE
        if at + _SIZE - 1 <= end:
            return IPv4Network((at, _PREFIX))
    return None


def _first(network: IPv4Network) -> int:
    return int(network.network_address)


def _last(network: IPv4Network) -> int:
    return int(network.broadcast_address)

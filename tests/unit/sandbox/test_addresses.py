"""A network for a sandbox overlaps nothing that the host has."""

from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from nsview.sandbox.addresses import POOLS, free_network

_SMALL = IPv4Network("10.1.0.0/26")


def network(words: str) -> IPv4Network:
    return IPv4Network(words)


def test_the_first_that_is_free() -> None:
    assert free_network([]) == network("10.213.0.0/30")
    assert free_network(map(network, ["10.213.0.1/32", "127.0.0.0/8"])) == network("10.213.0.4/30")
    assert free_network(map(network, ["10.0.0.0/8"])) == network("172.16.0.0/30")
    assert free_network(
        map(network, ["10.213.0.0/16", "172.16.0.0/12", "192.168.0.0/16"])
    ) == network("10.0.0.0/30")
    assert free_network(map(network, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])) is None


def test_all_pools_are_private() -> None:
    assert all(pool.is_private for pool in POOLS)


@given(
    st.lists(
        st.builds(
            lambda address, length: IPv4Network((address, length), strict=False),
            st.integers(int(_SMALL.network_address) - 8, int(_SMALL.broadcast_address) + 8),
            st.integers(26, 32),
        )
    )
)
def test_it_overlaps_nothing_and_is_missed_only_when_all_is_taken(taken: list[IPv4Network]) -> None:
    candidates = [one for one in _SMALL.subnets(new_prefix=30) if not any(map(one.overlaps, taken))]
    assert free_network(taken, [_SMALL]) == (candidates[0] if candidates else None)

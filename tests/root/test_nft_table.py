"""Tables that we make, as nft(8) reads them, and base chains that nft made, as we do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address

import pytest
from support.hosts import NetHost
from support.requirements import need_programs
from unshared import Unshared

from nsview.kernel.netlink import NETLINK_NETFILTER, Netlink
from nsview.kernel.nft_table import BaseChain, make_owned_table, open_socket, read_base_chains
from nsview.sandbox.firewall import chains_of, forbidding_chains, protect
from nsview.sandbox.publish import parse_published

_FORWARD = 2

EXPECTED = """\
table ip nsview-0123456789ab {
	flags owner

	chain isolate {
		type filter hook forward priority filter; policy accept;
		oifname "nv-0123456789ab" ct state established,related accept
		oifname "nv-0123456789ab" ct status dnat accept
		oifname "nv-0123456789ab" drop
	}

	chain redirect {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local tcp dport 8080 dnat to 10.213.0.2:80
		ip daddr 192.0.2.2 udp dport 53 dnat to 10.213.0.2:5353
	}

	chain local {
		type nat hook output priority -100; policy accept;
		fib daddr type local tcp dport 8080 dnat to 10.213.0.2:80
		ip daddr 192.0.2.2 udp dport 53 dnat to 10.213.0.2:5353
		ip daddr 127.0.0.1 tcp dport 443 dnat to 10.213.0.2:443
	}

	chain masquerade {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.213.0.2 masquerade
		ip saddr 127.0.0.0/8 oifname "nv-0123456789ab" masquerade
	}

	chain loopback {
		type filter hook prerouting priority raw; policy accept;
		iifname "nv-0123456789ab" ip daddr 127.0.0.0/8 drop
	}
}
"""


@pytest.fixture
def host() -> Iterator[NetHost]:
    need_programs("nft", "unshare", "nsenter")
    with Unshared("unshare", "--net") as pid:
        yield NetHost(pid, "127.0.0.1")


def listing(host: NetHost) -> str:
    """As nft writes it, without the name of the process that owns a table."""
    return "".join(
        line.partition(" # ")[0].rstrip("\n") + "\n" for line in host.rules().splitlines(True)
    )


def words(listing: str) -> list[str]:
    """Line by line: versions of nft differ in what they call priority -100 of an output hook."""
    return [line.replace("priority dstnat", "priority -100") for line in listing.splitlines()]


def test_nft_reads_what_we_mean(host: NetHost) -> None:
    ports = ("8080:80", "192.0.2.2:53:5353/udp", "127.0.0.1:443:443")
    with host.inside(open_socket) as link:
        protect(link, "nsview-0123456789ab", "nv-0123456789ab", IPv4Address("10.213.0.2"),
                [parse_published(one) for one in ports])  # fmt: skip
        assert words(listing(host)) == words(EXPECTED)
        copy = os.dup(link.fileno())
    assert words(listing(host)) == words(EXPECTED)
    os.close(copy)  # the last one who holds it
    assert listing(host) == ""


def test_it_is_whole_or_not_at_all(host: NetHost) -> None:
    address, name = IPv4Address("10.213.0.2"), "nsview-0123456789ab"
    with host.inside(open_socket) as first, host.inside(open_socket) as second:
        protect(first, name, "nv-a", address, [])
        before = listing(host)
        with pytest.raises(PermissionError):  # it is the other one's
            protect(second, name, "nv-b", address, [parse_published("80:80")])
    with host.inside(open_socket) as first, host.inside(open_socket) as second:
        protect(first, name, "nv-a", address, [])
        *good, last = chains_of("nv-b", address, [parse_published("80:80")])
        with pytest.raises(OSError, match="not supported"):
            make_owned_table(second, "nsview-b", [*good, replace(last, kind="nat", hook="forward")])
        assert listing(host) == before
        host.run("nft", "flush", "ruleset")  # somebody else's habit
        assert listing(host) == before


def test_who_forbids_forwarding(host: NetHost) -> None:
    for family, policy in (("ip", "drop"), ("inet", "drop"), ("ip6", "drop"), ("ip", "accept")):
        table = f"{family} {family}-{policy}"
        host.run("nft", f"add table {table}; add chain {table} FORWARD "
                 f"{{ type filter hook forward priority 0; policy {policy}; }}; "
                 f"add chain {table} jumped-to")  # fmt: skip
    with host.inside(partial(Netlink, NETLINK_NETFILTER)) as link:
        assert sorted(forbidding_chains(link)) == ["inet-drop FORWARD", "ip-drop FORWARD"]
        chains = read_base_chains(link)
    assert len(chains) == 4
    assert (
        BaseChain(family=10, table="ip6-drop", name="FORWARD", hook=_FORWARD, drops=True) in chains
    )

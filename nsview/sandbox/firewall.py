"""What the host's packet filter does for one sandbox: a table of its own, ``nsview-<id>``.

::

    chain isolate     what is sent to it, and is no answer and not published, is dropped
    chain redirect    published ports, of what comes from other hosts
    chain local       the same of what this host sends, to 127.0.0.1 too
    chain masquerade  it speaks to others from the host's address
    chain loopback    it does not reach what listens on the host's 127.0.0.1

The last one is needed since the other side of ``local`` is ``route_localnet`` on its interface
(CVE-2020-8558); answers pass, as they are sent to the host's end of the pair that far.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network

from nsview.kernel import nft_expressions as nft
from nsview.kernel.netlink import Netlink
from nsview.kernel.nft_table import INET, IPV4, Chain, make_owned_table, read_base_chains
from nsview.sandbox.publish import Published
from nsview.typed import Final, Sequence

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
#: enum nf_ip_hook_priorities: raw, NAT of destinations, filter, NAT of sources.
_RAW, _DESTINATION, _FILTER, _SOURCE = -300, -100, 0, 100


def protect(
    link: socket.socket,
    name: str,
    interface: str,
    address: IPv4Address,
    published: Sequence[Published],
) -> None:
    """Make the table of a sandbox behind `interface`; it lives as long as `link`. OSError."""
    make_owned_table(link, name, chains_of(interface, address, published))


def chains_of(
    interface: str, address: IPv4Address, published: Sequence[Published]
) -> tuple[Chain, ...]:
    """The chains, with their rules in order."""
    sandbox = IPv4Network(address)
    to_it = nft.goes_out_by(interface)
    isolate = Chain(
        name="isolate",
        kind="filter",
        hook="forward",
        priority=_FILTER,
        rules=(
            (to_it, nft.is_answer(), nft.accept()),
            (to_it, nft.was_redirected(), nft.accept()),
            (to_it, nft.drop()),
        ),
    )
    masquerade = Chain(
        name="masquerade",
        kind="nat",
        hook="postrouting",
        priority=_SOURCE,
        rules=(
            (nft.is_from(sandbox), nft.masquerade()),
            (nft.is_from(_LOOPBACK), to_it, nft.masquerade()),
        ),
    )
    if not published:
        return isolate, masquerade
    redirect = Chain(
        name="redirect",
        kind="nat",
        hook="prerouting",
        priority=_DESTINATION,
        # Nobody outside has business with 127.0.0.1, whatever a neighbour's packet says.
        rules=tuple(
            _redirection(one, address) for one in published if one.address not in _LOOPBACK
        ),
    )
    local = Chain(
        name="local",
        kind="nat",
        hook="output",
        priority=_DESTINATION,
        rules=tuple(_redirection(one, address) for one in published),
    )
    loopback = Chain(
        name="loopback",
        kind="filter",
        hook="prerouting",
        priority=_RAW,
        rules=((nft.comes_in_by(interface), nft.is_to(_LOOPBACK), nft.drop()),),
    )
    return isolate, redirect, local, masquerade, loopback


def forbidding_chains(netlink: Netlink) -> list[str]:
    """Chains of others that drop what is forwarded unless a rule of theirs says otherwise.

    In nf_tables a packet has to pass all chains of a hook: docker's ``FORWARD``, say. What the
    older x_tables have is not among them. Raises OSError.
    """
    return [
        f"{one.table} {one.name}"
        for one in read_base_chains(netlink)
        if one.is_forward and one.drops and one.family in (IPV4, INET)
    ]


def _redirection(one: Published, address: IPv4Address) -> tuple[bytes, ...]:
    if one.address.is_unspecified:
        which = nft.is_to_this_host()
    else:
        which = nft.is_to(IPv4Network(one.address))
    port = nft.is_to_port(one.protocol_number, one.host_port)
    return which, port, nft.redirect_to(address, one.port)

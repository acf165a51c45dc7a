"""Which network namespace is meant when an interface says "the other end is in number 3".

The number (netnsid) is that of the namespace that the interface is in, and the kernel only tells
whether it is the one of a given descriptor (RTM_GETNSID). So the candidates are asked about one
after the other, the likely ones first; and what one end has told needs not be asked at the other.
"""

from __future__ import annotations

import os

from nsview.host.network_namespaces import call_inside, open_network_namespace
from nsview.kernel.links import Link
from nsview.kernel.netnsid import NetnsidReader
from nsview.typed import Iterable, Iterator, Mapping, Sequence

Place = tuple[int, int]
"""Inode of a network namespace, and the number under which it knows another one."""
Links = Mapping[int, Sequence[Link]]
Ways = Mapping[int, Sequence[str]]
#: A namespace, the index of an interface in it, and the index that it leads to.
_Ends = dict[tuple[int, int], list[int]]


def find_places(links: Links, ways: Ways) -> dict[Place, int]:
    """The inode behind each number that an interface mentions, where it is one of `links`."""
    places: dict[Place, int] = {}
    ends: _Ends = {}
    for ino, there in links.items():
        for one in there:
            if one.link is not None and one.link_netnsid is not None:
                ends.setdefault((one.index, one.link), []).append(ino)
    # The host has the other ends of most: when it has been asked, little is left to ask.
    for ino in sorted(links, key=lambda ino: -len(_numbers(links[ino]))):
        missing = {n for n in _numbers(links[ino]) if (ino, n) not in places}
        if missing:
            candidates = list(_candidates(ino, links, ends))
            for number, other in _ask(ino, ways, candidates, missing).items():
                places[ino, number] = other
                places.update(_seen_from_there(ino, number, other, links))
    return places


def _numbers(links: Iterable[Link]) -> set[int]:
    numbers = {one.link_netnsid for one in links if one.link is not None}
    return {number for number in numbers if number is not None}


def _candidates(ino: int, links: Links, ends: _Ends) -> Iterator[int]:
    # Those with an interface that says the same of us; then whoever has the most, the host say.
    likely: dict[int, None] = {}
    for one in links[ino]:
        if one.link is not None and one.link_netnsid is not None:
            likely.update(dict.fromkeys(ends.get((one.link, one.index), ())))
    others = sorted(links, key=lambda other: -len(links[other]))
    yield from (other for other in dict.fromkeys((*likely, *others)) if other != ino)


def _ask(ino: int, ways: Ways, candidates: Iterable[int], missing: set[int]) -> dict[int, int]:
    def ask() -> dict[int, int]:
        found: dict[int, int] = {}
        with NetnsidReader() as reader:
            for other in candidates:
                number = _number_of(reader, other, ways[other])
                if number is not None and number in missing:
                    found[number] = other
                    if len(found) == len(missing):
                        break
        return found

    try:
        return call_inside(ino, ways[ino], ask) or {}
    except OSError:  # what may not be asked stays unknown
        return {}


def _number_of(reader: NetnsidReader, ino: int, paths: Iterable[str]) -> int | None:
    try:
        descriptor = open_network_namespace(ino, paths)
    except PermissionError:
        return None
    if descriptor is None:
        return None
    try:
        return reader.read(descriptor)
    finally:
        os.close(descriptor)


def _seen_from_there(
    ino: int, number: int, other: int, links: Links
) -> Iterator[tuple[Place, int]]:
    # The other end of a veth of ours names us by its number.
    ours = {(one.link, one.index) for one in links[ino] if one.link_netnsid == number}
    for one in links[other]:
        if one.kind == "veth" and (one.index, one.link) in ours and one.link_netnsid is not None:
            yield (other, one.link_netnsid), ino

"""The first line of every page, in words: the host, what runs on it, and how we look at it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from nsview.host.model import Snapshot
from nsview.host.reference import HOST_REF
from nsview.kernel.cgroupfs import own_cgroupfs

Piece = tuple[str, str]
"""Text, and a style in Textual's words; the text is made safe when it is drawn."""

_DIM = "$foreground 70%"


class Status(NamedTuple):
    """The two ends of the line."""

    left: tuple[Piece, ...]
    right: tuple[Piece, ...]
    short: tuple[Piece, ...] = ()
    """The left end where there is little room: the kernel is the same every day."""


def describe(
    host: str,
    snapshot: Snapshot | None,
    *,
    interval: float,
    frozen: bool,
    readonly: bool,
    failure: str | None,
) -> Status:
    """`host`: as `host_words` has it. `failure`: what went wrong at the last look."""
    name, _, kernel = host.partition("  ")
    who = (("nsview  ", "bold $text-accent"), (f"{name}  ", "bold"))
    counts = ["reading /proc ..."] if snapshot is None else list(count_words(snapshot))
    left = (*who, (" · ".join((kernel, *counts)), _DIM))
    short = (*who, (" · ".join(counts), _DIM))
    right = [("readonly", _DIM)] if readonly else []
    if failure:
        right.append((f"✗ {failure}", "bold $text-error"))
    elif frozen:
        right.append(("‖ frozen", "bold $text-warning"))
    else:
        right.append((f"● {interval:g} s", "$text-success"))
    if snapshot is not None and snapshot.partial:
        right.append((f"partial: {'; '.join(snapshot.partial)}", "$text-warning"))
    spaced = [part for one in right for part in (one, ("   ", ""))]
    return Status(left, tuple(spaced[:-1]), short)


def host_words() -> str:
    """``host-a  6.18.44 · cgroup v2``: what does not change while we run."""
    name = os.uname()
    release = name.release.partition("-")[0]
    return f"{name.nodename}  {release} · cgroup {own_cgroupfs().layout}"


def count_words(snapshot: Snapshot) -> Iterable[str]:
    """``14 containers``, ``3 isolated``, ``412 processes``."""
    running = [one for one in snapshot.containers if one.status != "stopped"]
    counts = (
        (sum(one.kind in ("container", "pod") for one in running), "container", True),
        (sum(one.kind == "isolated" for one in running), "isolated", False),
        (len(snapshot.tasks), "process", True),
    )
    for count, word, counted in counts:
        if count or counted:
            yield plural(count, word)


def lacks_rates(snapshot: Snapshot) -> bool:
    """It takes another look to tell what is used a second."""
    host = snapshot.resources.get(HOST_REF)
    return host is not None and host.cpu is not None and host.cpu.percent is None


def plural(count: int, word: str) -> str:
    """``1 process``, ``2 processes``."""
    endings = {"container": "s", "process": "es", "pod": "s", "user": "s"}
    return f"{count} {word}" + (endings.get(word, "") if count != 1 else "")

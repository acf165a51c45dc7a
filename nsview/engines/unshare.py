"""unshare(1) of util-linux, with --fork: what runs below it is all that it leaves."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, program_name, runs


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """The child of an ``unshare``, called as its command."""
    if not runs(parent, "unshare"):
        return None
    return Match(engine="unshare", id="", name=program_name(first))

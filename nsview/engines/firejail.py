"""firejail, which leaves its own process both outside and, as process 1, inside the sandbox."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, program_name, read_options, runs


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """``firejail --name=web firefox`` is called ``web``, without a name ``firefox``."""
    if not runs(parent, "firejail"):
        return None
    options = read_options(parent.command[1:], {})  # every option has its value behind a "="
    named = options.values.get("--name") or options.values.get("--join")
    command = base_name(options.rest[0]) if options.rest else None
    if command is None and not runs(first, "firejail"):
        command = program_name(first)
    return Match(engine="firejail", id="", name=base_name(named or "") or command)

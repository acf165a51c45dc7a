"""High performance computing: Apptainer, its forerunner Singularity, and Charliecloud."""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, program_name, read_options, runs, taking

#: The starter renames itself (apptainer: internal/pkg/util/starter, pkg/instance).
_PARENT = re.compile(r"(Apptainer|Singularity) runtime parent\b.*", re.DOTALL)
_INSTANCE = re.compile(r"(Apptainer|Singularity) instance: \S+ \[([^\]]+)\].*", re.DOTALL)
_TAKES = taking("-b --bind -c --cd -g --gid -u --uid -m --mount --unset-env --feature")


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """The starter that waits outside, or ``ch-run IMAGE -- COMMAND``."""
    title = parent.command[0] if parent.command else ""
    instance = _INSTANCE.fullmatch(title)
    if instance:
        return Match(engine=instance[1].lower(), id="", name=base_name(instance[2]))
    starter = _PARENT.fullmatch(title)
    if starter:
        return Match(engine=starter[1].lower(), id="", name=program_name(first))
    if runs(parent, "ch-run"):
        rest = read_options(parent.command[1:], _TAKES).rest
        name = base_name(rest[0]) if rest else program_name(first)
        return Match(engine="charliecloud", id="", name=name)
    return None

"""Containers that somebody made with an OCI runtime directly: runc, crun, youki."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, read_options, runs, taking

_RUNTIMES = ("runc", "crun", "youki")
_VERBS = frozenset({"run", "create", "restore"})
_TAKES_BEFORE = taking(
    "--root -r --log -l --log-format --log-level --criu --rootless --cgroup-manager"
)
_TAKES = taking(
    "--bundle -b --console-socket --pid-file --preserve-fds --pidfd-socket --config -f --image-path"
    " --work-path"
)


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """``runc run ID`` in the foreground. Detached, the runtime is gone before we look."""
    runtime = next((name for name in _RUNTIMES if runs(parent, name)), None)
    if runtime is None:
        return None
    verb = read_options(parent.command[1:], _TAKES_BEFORE).rest
    if not verb or verb[0] not in _VERBS:
        return None
    rest = read_options(verb[1:], _TAKES).rest
    name = base_name(rest[0]) if rest else None
    return Match(engine=runtime, id=name, name=name) if name else None

"""How the launch of a sandbox went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.network import Network


@dataclass(slots=True)
class Outcome:
    """How it went."""

    id: str = ""
    name: str = ""
    pid: int | None = None
    """The first process's PID on the host."""
    namespaces: dict[str, int] = field(default_factory=dict)
    """Kind and inode."""
    upper: str | None = None
    """The directory that takes all writes."""
    network: Network | None = None
    """Where it has a veth pair."""
    status: int = 125
    """The command's exit status, 128 + the number of the signal that ended it, 126, or 127."""
    signal: int | None = None
    exec_error: int | None = None
    exec_words: str | None = None
    """Why the command did not start."""
    oom_kills: int = 0
    lacking: list[str] = field(default_factory=list)
    """What the host did not allow, in words."""
    notes: list[str] = field(default_factory=list)
    """What else is worth knowing."""
    detached: bool = False
    """The person left, and so hung up."""
    tie: int | None = None
    """A descriptor: when it is closed, and all copies of it, the sandbox ends."""
    launcher: int | None = None
    """The launching process, our child, of one that goes on."""

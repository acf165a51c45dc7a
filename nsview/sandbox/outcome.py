"""How the launch of a sandbox went."""

from __future__ import annotations

from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.sandbox.network import Network

CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127


class Outcome:
    """How it went."""

    def __init__(self, *, id: str, name: str, upper: str | None, network: Network | None) -> None:
        self.id = id
        self.name = name
        self.upper = upper
        """The directory that takes all writes."""
        self.network = network
        """Where it has a veth pair."""
        self.pid: int | None = None
        """The first process's PID on the host."""
        self.namespaces: dict[str, int] = {}
        """Kind and inode."""
        self.status = 125
        """The command's exit status, 128 + the number of the signal that ended it, 126, or 127."""
        self.signal: int | None = None
        self.exec_error: int | None = None
        self.exec_words: str | None = None
        """Why the command did not start."""
        self.oom_kills = 0
        self.lacking: list[str] = []
        """What the host did not allow, in words."""
        self.notes: list[str] = []
        """What else is worth knowing."""
        self.detached = False
        """The person left, and so hung up."""
        self.tie: int | None = None
        """A descriptor: when it is closed, and all copies of it, the sandbox ends."""
        self.launcher: int | None = None
        """The launching process, our child, of one that goes on."""

"""What a search has found out about one namespace so far."""

from __future__ import annotations

from nsview.host.holders import Sighting
from nsview.host.model import Holder
from nsview.kernel.nsfs import NamespaceFacts
from nsview.typed import Final

_ORDER: Final = ("process", "thread", "fd", "bind", "socket", "child", "owned")
_UNKNOWN: Final = Holder(kind="unknown")
#: Ways to open a namespace that are remembered: the first may have died meanwhile.
_WAYS: Final = 8


class Found:
    """One namespace, and everybody who was seen to hold it."""

    def __init__(self, kind: str, ino: int) -> None:
        self.kind = kind
        self.ino = ino
        self.facts: NamespaceFacts | None = None
        self.netnsid: int | None = None
        self.processes = 0
        self.threads = 0
        self.pid: int | None = None
        """Lowest process in it."""
        self.member: tuple[int, int | None] | None = None
        """(pid, None) of a process that is in it, else (pid, tid) of a thread."""
        self.nsfs: list[str] = []
        """Where it is mounted in our own mount namespace."""
        self.ways: list[Sighting] = []
        """Sightings through which it may be opened."""
        self._holders: dict[object, list[Holder]] = {}

    @property
    def held_by(self) -> tuple[Holder, ...]:
        """Why it is alive; `unknown` when nothing visible explains it."""
        reasons = [_as_one(holders) for holders in self._holders.values()]
        return tuple(sorted(reasons, key=_rank)) or (_UNKNOWN,)

    @property
    def path(self) -> str | None:
        """A path that opens it, of a member where there is one."""
        way = min(self.ways, key=lambda way: way.holder.children, default=None)
        return None if way is None else f"{way.root or ''}{way.path}"

    def add(self, sighting: Sighting) -> None:
        """Remember who holds it, and how to open it."""
        holder = sighting.holder
        if sighting.path is not None and len(self.ways) < _WAYS:
            self.ways.append(sighting)
            if sighting.spare not in (None, sighting.path):
                self.ways.append(sighting._replace(path=sighting.spare))
        if holder.kind == "process" and not holder.children and holder.pid is not None:
            self.processes += holder.count
            self.pid = holder.pid if self.pid is None else min(self.pid, holder.pid)
            self.member = self.pid, None
        if holder.kind == "thread" and not holder.children and holder.pid is not None:
            self.threads += holder.count
            self.member = self.member or (holder.pid, holder.tid)
        self.add_holder(holder)

    def add_holder(self, holder: Holder) -> None:
        """Remember a holder; `held_by` shows those that are one reason as one."""
        self._holders.setdefault((holder.kind, _who(holder)), []).append(holder)


def _as_one(holders: list[Holder]) -> Holder:
    # A thousand descriptors of the same process are one reason.
    first = min(holders, key=_rank)
    count = sum(holder.count for holder in holders)
    return first if count == first.count else first._replace(count=count)


def _rank(holder: Holder) -> tuple[int, bool, int, int]:
    return _ORDER.index(holder.kind), holder.children, holder.pid or 0, holder.fd or 0


def _who(holder: Holder) -> object:
    if holder.kind == "process":
        return holder.children
    if holder.kind == "bind":
        return holder.path
    if holder.kind in ("child", "owned"):
        return holder.namespace_kind
    return holder.pid, holder.children

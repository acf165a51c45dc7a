"""Why a namespace is alive, in words for people."""

from __future__ import annotations

from collections import Counter

from nsview.display import display
from nsview.host.model import Holder, Snapshot
from nsview.typed import Sequence

#: How many holders of one sort a line spells out.
_SPELLED_OUT = 2


def held_by_words(snapshot: Snapshot, holders: Sequence[Holder]) -> str:
    """``5 processes, fd 3 of 4711 (sleep), bind /run/netns/x``; display-safe."""
    words: list[str] = []
    seen: Counter[str] = Counter()
    for holder in holders:
        seen[holder.kind] += 1
        if seen[holder.kind] <= _SPELLED_OUT:
            words.append(holder_words(snapshot, holder))
    words += [
        f"{count - _SPELLED_OUT} more of kind {kind}"
        for kind, count in seen.items()
        if count > _SPELLED_OUT
    ]
    return ", ".join(words) or "–"


def holder_words(snapshot: Snapshot, holder: Holder) -> str:
    """One holder in words, display-safe."""
    by = _process_words(snapshot, holder.pid)
    if holder.kind == "process":
        members = "1 process" if holder.count == 1 else f"{holder.count} processes"
        return f"next child of {by}" if holder.children else members
    if holder.kind == "thread":
        thread = f"thread {holder.tid}"
        return f"next child of {thread}" if holder.children else f"{thread} of {by}"
    if holder.kind == "fd":
        return f"fd {holder.fd} of {by}"
    if holder.kind == "socket":
        return f"socket fd {holder.fd} of {by}"
    if holder.kind == "bind":
        return f"bind {display(holder.path or '?')}"
    if holder.kind == "child":
        return f"child {holder.namespace_kind}:[{holder.ino}]"
    if holder.kind == "owned":
        return f"owns {holder.namespace_kind}:[{holder.ino}]"
    return "something that nothing visible explains"


def _process_words(snapshot: Snapshot, pid: int | None) -> str:
    task = snapshot.tasks.get(pid) if pid is not None else None
    return f"{pid} ({display(task.comm)})" if task else f"{pid}"

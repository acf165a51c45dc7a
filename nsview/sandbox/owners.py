"""Sandboxes by whose they are: each user has some, and root may end those of all."""

from __future__ import annotations

import os
import re

from nsview.engines.nsview_places import state_of
from nsview.engines.nsview_store import NsviewStore
from nsview.engines.untrusted import text
from nsview.errors import Ambiguous, NoSuchObject, NotPermitted, NsviewError
from nsview.host.users import read_users
from nsview.named_tuple import NamedTuple
from nsview.sandbox import control
from nsview.sandbox.deputy import act_as
from nsview.sandbox.state import store
from nsview.typed import Final, Iterator

_REF: Final = re.compile(r"nsview(?:@([0-9]{1,10}))?/(.*)", re.ASCII | re.DOTALL)
_SHORTEST_ID: Final = 4


class Sandbox(NamedTuple):
    """One of them."""

    owner: int
    """The uid of who made it."""
    id: str

    @property
    def is_ours(self) -> bool:
        """Say whether we have made it."""
        return self.owner == os.geteuid()


def find_sandbox(reference: str) -> Sandbox:
    """The sandbox with this name, ref, id, or at least four digits of it; first among our own.

    Raises `NoSuchObject`, `Ambiguous` and `NotPermitted`.
    """
    match = _REF.fullmatch(reference)
    owner, wanted = (match[1], match[2]) if match else (None, reference)
    if owner is not None and os.geteuid() not in (0, int(owner)):
        raise NotPermitted(f"{reference} is another user's", hint="root may (sudo nsview ...)")
    stores = [store()] if owner is None else [NsviewStore("/", state_of(int(owner)), int(owner))]
    found = _find(stores, wanted)
    if not found and owner is None:
        found = _find(list(_others()), wanted)
    if len(found) > 1:
        raise Ambiguous(reference, [f"nsview@{one.owner}/{one.id}" for one in found])
    if not found:
        raise NoSuchObject(
            f"no sandbox {reference!r}", hint="nsview ls --all lists them; engines stop their own"
        )
    return found[0]


def _find(stores: list[NsviewStore], wanted: str) -> list[Sandbox]:
    named, begun = [], []
    for sandboxes in stores:
        for one in sandboxes.read_ids():
            if text(sandboxes.read_config(one), "name") == wanted:
                named.append(Sandbox(sandboxes.user, one))
            elif len(wanted) >= _SHORTEST_ID and one.startswith(wanted):
                begun.append(Sandbox(sandboxes.user, one))
    return named or begun


def _others() -> Iterator[NsviewStore]:
    """Those of all users that have some now; only root looks."""
    for uid in dict.fromkeys(user.uid for user in read_users()) if os.geteuid() == 0 else ():
        if uid and os.path.isdir(state_of(uid)):
            yield NsviewStore("/", state_of(uid), uid)


def stop(sandbox: Sandbox, patience: float) -> None:
    """End it, by force after `patience` seconds; raises `NsviewError`."""
    if sandbox.is_ours:
        control.stop_sandbox(sandbox.id, patience)
    else:
        act_as(sandbox.owner, "stop_sandbox", sandbox.id, patience)


def remove(sandbox: Sandbox, *, force: bool = False) -> None:
    """Remove it with what it wrote; one that runs only by `force`. Raises `NsviewError`."""
    if sandbox.is_ours:
        control.remove_sandbox(sandbox.id, force)
    else:
        act_as(sandbox.owner, "remove_sandbox", sandbox.id, force)


def collect() -> tuple[list[str], list[str]]:
    """What `nsview.sandbox.control.collect` does, as root for every user."""
    removed, left = control.collect()
    for one in _others():
        try:
            found = act_as(one.user, "collect")
        except NsviewError as error:
            left.append(error.message)
        else:
            removed += found.removed
            left += found.left
    return removed, left

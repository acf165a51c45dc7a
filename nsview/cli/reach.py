"""Files of a user's subordinate ids: nobody's to read but root's of a user namespace of that user.

A container that somebody has made without root has such files, often closed to all but their owner.
"""

from __future__ import annotations

import os

from nsview.errors import NotPermitted
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from nsview.host.model import Container
    from nsview.sandbox.subordinate import Ids

    T = TypeVar("T")


def reach(read: Callable[[], T], suffices: Callable[[T], bool] = lambda _: True) -> T:
    """What `read` returns as who we are; where that is refused, or does not suffice, as that root.

    Raises what `read` does.
    """
    return reach_with_ids(read, suffices)[0]


def reach_with_ids(
    read: Callable[[], T], suffices: Callable[[T], bool] = lambda _: True
) -> tuple[T, Ids | None]:
    """The same, and as what that root saw the ids of files; None: as they are."""
    try:
        found = read()
    except PermissionError:
        ids = _become_root()
        if ids is None:
            raise
    else:
        ids = None if suffices(found) else _become_root()
        if ids is None:
            return found, None
    return read(), ids


def become_owner(container: Container | None) -> Ids | None:
    """Become root of a user namespace of ours if the container is ours and we are not root.

    For what cannot be tried first. None: we are who we were.
    """
    return _become_root() if container is not None and container.owner == os.geteuid() else None


def _become_root() -> Ids | None:
    if os.geteuid() == 0:
        return None
    from nsview.sandbox.rootless import become_root

    try:
        return become_root()
    except NotPermitted:  # what was refused says more
        return None

"""Where sandboxes keep their state and layers: root's, and those of every user."""

from __future__ import annotations

import os


def state_of(uid: int) -> str:
    """The directory of a user's sandboxes, which does not outlive the host's uptime.

    Users' is in the runtime directory that pam_systemd(8) makes, or where we are told that ours is.
    """
    if uid == 0:
        return "/run/nsview"
    told = os.environ.get("XDG_RUNTIME_DIR") if uid == os.geteuid() else None
    return f"{told or f'/run/user/{uid}'}/nsview"


def own_layers() -> str:
    """The directory of the layers of our own sandboxes (of users: XDG Base Directory)."""
    if os.geteuid() == 0:
        return "/var/lib/nsview"
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return f"{data}/nsview"

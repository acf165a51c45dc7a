"""Flatpak, and the bubblewrap that it builds its sandboxes with.

Flatpak puts each instance into ``app-flatpak-APP-PID.scope`` of the user's systemd
(flatpak: common/flatpak-run.c); plain ``bwrap`` leaves no trace but its process.
"""

from __future__ import annotations

import re

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, program_name, read_options, runs, taking
from nsview.engines.systemd import unescape

_SCOPE = re.compile(r"app-flatpak-(.+)-([^-]+)\.scope")
_MARK = "/.flatpak-info"
_TAKES = (
    taking(
        "--args --argv0 --userns --userns2 --pidns --uid --gid --hostname --chdir --unsetenv"
        " --lock-file --sync-fd --remount-ro --exec-label --file-label --proc --dev --tmpfs"
        " --mqueue --dir --seccomp --add-seccomp-fd --block-fd --userns-block-fd --info-fd"
        " --json-status-fd --cap-add --cap-drop --perms --size --overlay-src --ro-overlay"
        " --tmp-overlay"
    )
    | taking(
        "--setenv --bind --bind-try --dev-bind --dev-bind-try --ro-bind --ro-bind-try --bind-fd"
        " --ro-bind-fd --file --bind-data --ro-bind-data --symlink --chmod",
        words=2,
    )
    | taking("--overlay", words=3)
)


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A running application; its id keeps the PID that tells two instances apart."""
    found = _SCOPE.fullmatch(components[index])
    if found is None:
        return None
    application = unescape(found[1])
    return Match(engine="flatpak", id=f"{application}-{found[2]}", name=application)


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """A sandbox of ``bwrap``, named after its command; of flatpak, after the application.

    bwrap stays as the parent outside, and with --unshare-pid once more as process 1 inside, where
    only its command line still tells what it was to start.
    """
    if not runs(parent, "bwrap"):
        return None
    options = read_options(parent.command[1:], _TAKES)
    words = parent.command[1 : len(parent.command) - len(options.rest)]
    command = base_name(options.rest[0]) if options.rest else None
    name = command if runs(first, "bwrap") else program_name(first)
    if _MARK in words:
        return Match(engine="flatpak", id="", name=_application(words) or name)
    return Match(engine="bubblewrap", id="", name=name)


def _application(words: tuple[str, ...]) -> str | None:
    for option, variable, value in zip(words, words[1:], words[2:], strict=False):
        if (option, variable) == ("--setenv", "FLATPAK_ID"):
            return base_name(value)
    return None

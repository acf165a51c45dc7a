"""Opening the terminal UI: on a terminal only, and as root where the user agrees."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nsview
from nsview.cli import exit_codes
from nsview.cli.arguments import Arguments
from nsview.cli.output import print_note
from nsview.errors import NsviewError


def open_ui(arguments: Arguments, words: list[str]) -> int:
    """Run the UI until the user leaves it."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NsviewError(
            "the terminal UI needs a terminal", hint="nsview ls, nsview ps, ... print plain text"
        )
    if os.geteuid() != 0 and not arguments.no_sudo:
        _offer_sudo(words)
    from nsview.host.host import Host
    from nsview.host.reference import find_container
    from nsview.kernel.process_events import ProcessEvents

    host = Host(census=arguments.census)
    reference = arguments.ref
    if reference is not None:
        reference = find_container(host.snapshot(stopped=True), reference).ref
    import asyncio

    from nsview.tui.app import NsviewApp
    from nsview.tui.garbage import Garbage
    from nsview.tui.turns import Turns

    app = NsviewApp(
        host,
        reference=reference,
        readonly=arguments.readonly,
        interval=arguments.interval,
        theme=arguments.theme,
        subscribe=ProcessEvents,
    )
    app.scanner.garbage = Garbage()
    with asyncio.Runner(loop_factory=Turns) as runner:
        runner.run(app.run_async())
    return app.return_code or exit_codes.DONE


def _offer_sudo(words: list[str]) -> None:
    # sudo looks for commands on its own secure_path, where a venv's or pipx's nsview is not; the
    # interpreter's own path always works. -I keeps the user's PYTHONPATH and the current
    # directory out of what root imports; -B leaves no bytecode of root's in the user's files.
    package = Path(nsview.__file__).resolve().parent
    if not _found_in_isolation(package.parent):
        print_note(
            "not root: only your own processes can be looked into (this copy of nsview lies "
            f"in {package.parent}, which root does not import from)"
        )
        return
    sys.stderr.write("nsview sees only your own processes without root. Use sudo? [Y/n] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if answer.strip().lower() in ("", "y", "yes") and answer:  # Ctrl-D is no answer
        command = ["sudo", "--", sys.executable, "-I", "-B", "-m", "nsview", *words]
        try:
            os.execvp(command[0], command)  # noqa: S606 - no shell is what we want
        except OSError as error:
            print_note(f"cannot run sudo ({error.strerror}): going on without root")


def _found_in_isolation(place: Path) -> bool:
    """Whether `python -I` imports from `place`: without user site, PYTHONPATH and sys.path[0]."""
    import site

    hidden = [site.getusersitepackages(), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return place in {Path(entry).resolve() for entry in sys.path[1:] if entry not in hidden}

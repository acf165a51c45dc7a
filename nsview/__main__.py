"""Where ``nsview`` and ``python -m nsview`` begin.

Nothing is imported before somebody is there to catch Ctrl-C: loading takes a moment, and Python
would answer with a traceback. (While it starts itself, before this file, it still does.)
"""

from __future__ import annotations

import gc
import os
import sys

#: 128 + SIGINT, as a shell reports it; `nsview.cli.exit_codes` is not loaded yet.
_INTERRUPTED = 130
#: Who has a process of its own, see `nsview.cli.ahead`.
_HELPED = ("enter", "run")


def run() -> int:
    """The exit status of nsview with the arguments of this process."""
    try:
        _leave_no_bytecode_of_root()
        status = _run_helped() if sys.argv[1:2] and sys.argv[1] in _HELPED else _run()
        _end_at_once(status)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _leave_no_bytecode_of_root() -> None:
    # Root running from a user's venv must not leave root-owned __pycache__ in it: the user's next
    # upgrade would fail on them.
    if os.geteuid() != os.stat(__file__).st_uid:
        sys.dont_write_bytecode = True


def _run() -> int:
    from nsview.cli.main import main

    return main()


def _run_helped() -> int:
    from nsview.cli import ahead

    gc.disable()  # much is made once, and a relay makes no circles of objects
    ahead.start(sys.argv[1:])
    try:
        return _run()
    finally:
        ahead.end()


def _end_at_once(status: int) -> None:
    """End the process, unless somebody is still at work or its output cannot be handed over.

    The interpreter would take every object apart first: a tenth of the time of ``nsview ls``.
    """
    try:
        alone = len(os.listdir("/proc/self/task")) == 1
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError:
        return  # the interpreter meets it again, and reports it
    if alone:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(run())

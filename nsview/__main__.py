"""Where ``nsview`` and ``python -m nsview`` begin.

Nothing is imported before somebody is there to catch Ctrl-C: loading takes a moment, and Python
would answer with a traceback. (While it starts itself, before this file, it still does.)
"""

from __future__ import annotations

import sys

#: 128 + SIGINT, as a shell reports it; `nsview.cli.exit_codes` is not loaded yet.
_INTERRUPTED = 130


def run() -> int:
    """The exit status of nsview with the arguments of this process."""
    try:
        from nsview.cli.main import main

        return main()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(run())

"""``nsview demo``: a few sandboxes to look at, gone at the end."""

from __future__ import annotations

import sys

from nsview.cli.arguments import Arguments
from nsview.errors import NsviewError
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

EPILOG = """\
Needs no engine and no image. Three containers are made of the host's own root directory, which
stays as it is, and the terminal UI is opened:

  demo-web      a web server on a loopback device of its own
  demo-tree     processes, some of them in a pid namespace of their own
  demo-changes  a program that changes and deletes files: look at its layers

When the UI is left, or nsview ends in any other way, they are removed."""


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none of its own."""
    parser.add_argument("--theme", metavar="NAME", help="colours of the UI")


def run(arguments: Arguments) -> int:
    """Make them, open the UI, remove them."""
    from nsview.cli.ui import open_ui
    from nsview.sandbox.demo import demo

    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise NsviewError("the terminal UI needs a terminal", hint="see also nsview run")
    words = Arguments(
        ref=None,
        readonly=False,
        interval=2.0,
        theme=arguments.theme,
        census="auto",
        no_sudo=True,
    )
    with demo():
        return open_ui(words, [])

"""``nsview cat``: a file of a container, without a process of the container."""

from __future__ import annotations

import os

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_notes, write_bytes
from nsview.cli.stack_of import DIRS_HELP, open_tree, path_errors
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_CHUNK = 1024 * 1024

EPILOG = """\
The bytes as they are. Symbolic links are followed inside the container, never out of it.

  nsview cat web:/etc/nginx/nginx.conf
  nsview cat --dirs /srv/changes:/srv/base /etc/hosts"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which file."""
    parser.add_argument("place", metavar="REF:PATH", help="a file in a container; PATH with --dirs")
    parser.add_argument("--dirs", metavar="A:B[:C]", help=DIRS_HELP)
    parser.set_defaults(usage_error=parser.error)


def run(arguments: Arguments) -> int:
    """Print it."""
    reference, path = (None, arguments.place)
    if arguments.dirs is None:
        reference, path = split_place(arguments.place)
        if not reference or not path:
            arguments.usage_error("give REF:PATH")
    with open_tree(reference, arguments.dirs) as (tree, partial), path_errors(path):
        print_notes(partial)
        fd = tree.open_file(tree.resolve(path))
        try:
            _copy(fd)
        finally:
            os.close(fd)
    return 0


def split_place(text: str) -> tuple[str, str]:
    """``REF:PATH`` -> REF and PATH; REF may have colons of its own (``pid:1``, ``mnt:[4]``)."""
    reference, colon, path = text.partition(":/")
    if colon:
        return reference, "/" + path
    reference, _, path = text.rpartition(":")
    return reference, path


def _copy(fd: int) -> None:
    while chunk := os.read(fd, _CHUNK):
        write_bytes(chunk)

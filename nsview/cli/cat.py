"""``nsview cat``: a file of a container, without a process of the container."""

from __future__ import annotations

import os

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_notes, write_bytes
from nsview.cli.place import add_file_place, path_errors, reference_and_file
from nsview.cli.reach import reach
from nsview.cli.source import open_source
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
    add_file_place(parser, "a file in a container")


def run(arguments: Arguments) -> int:
    """Print it."""
    reference, path = reference_and_file(arguments)
    with open_source(reference, arguments.dirs) as source, path_errors(path):
        print_notes(source.partial)
        fd = reach(lambda: source.tree.open_file(source.tree.resolve(path)))
        try:
            _copy(fd)
        finally:
            os.close(fd)
    return 0


def _copy(fd: int) -> None:
    while chunk := os.read(fd, _CHUNK):
        write_bytes(chunk)

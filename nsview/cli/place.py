"""How commands are told of whose layers, and of which path in there: REF, PATH, --dirs."""

from __future__ import annotations

import errno

from nsview.cli.arguments import Arguments
from nsview.errors import NoSuchObject, NsviewError
from nsview.light import contextmanager
from nsview.typed import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from argparse import ArgumentParser

DIRS_HELP = "plain directories instead of a container, topmost first"


def add_whose(parser: ArgumentParser) -> None:
    """Declare REF or --dirs."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("ref", metavar="REF", nargs="?", help="a container, running or stopped")
    whose.add_argument("--dirs", metavar="A:B[:C]", help=DIRS_HELP)


def add_place(parser: ArgumentParser, *, path: str | None = "PATH") -> None:
    """Declare REF and PATH, of which REF gives way to --dirs."""
    words = "REF" if path is None else f"REF {path}"
    parser.add_argument(
        "words",
        nargs="+" if path else "*",
        metavar=words.split()[0],
        help="a container, running or stopped" + (f"; then {path}, in there" if path else ""),
    )
    parser.usage = f"%(prog)s [options] ({words} | --dirs A:B[:C]{f' {path}' if path else ''})"
    parser.add_argument("--dirs", metavar="A:B[:C]", help=DIRS_HELP)
    parser.set_defaults(usage_error=parser.error)


def reference_and_path(arguments: Arguments, default: str | None = None) -> tuple[str | None, str]:
    """REF (None with --dirs) and PATH; ends the program where there are too few or too many."""
    words: list[str] = list(arguments.words)
    reference = None if arguments.dirs is not None else words.pop(0)
    if not words and default is not None:
        words.append(default)
    if len(words) != 1:
        arguments.usage_error("give a REF and a PATH, or --dirs and a PATH")
    return reference, words[0]


def only_reference(arguments: Arguments) -> str | None:
    """REF, where no PATH follows; None with --dirs."""
    wanted = 0 if arguments.dirs is not None else 1
    if len(arguments.words) != wanted:
        arguments.usage_error("give one REF, or --dirs")
    return arguments.words[0] if wanted else None


def add_file_place(parser: ArgumentParser, what: str) -> None:
    """Declare REF:PATH, of which REF gives way to --dirs."""
    parser.add_argument("place", metavar="REF:PATH", help=f"{what}; PATH with --dirs")
    parser.add_argument("--dirs", metavar="A:B[:C]", help=DIRS_HELP)
    parser.set_defaults(usage_error=parser.error)


def reference_and_file(arguments: Arguments) -> tuple[str | None, str]:
    """REF (None with --dirs) and PATH."""
    if arguments.dirs is not None:
        return None, arguments.place
    reference, path = split_place(arguments.place)
    if not reference or not path:
        arguments.usage_error("give REF:PATH")
    return reference, path


def split_place(text: str) -> tuple[str, str]:
    """``REF:PATH`` -> REF and PATH; REF may have colons of its own (``pid:1``, ``mnt:[4]``)."""
    reference, colon, path = text.partition(":/")
    if colon:
        return reference, "/" + path
    reference, _, path = text.rpartition(":")
    return reference, path


@contextmanager
def path_errors(path: str) -> Iterator[None]:
    """Turn what is wrong with a path inside into words."""
    try:
        yield
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise NoSuchObject(f"{path}: no such file") from None
        words = {
            errno.EISDIR: "is a directory",
            errno.ENXIO: "is no regular file",
            errno.ELOOP: "too many symbolic links",
        }
        raise NsviewError(f"{path}: {words.get(error.errno or 0, error.strerror)}") from None

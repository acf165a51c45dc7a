"""The stack of layers that a command's REF or --dirs names, as an open tree."""

from __future__ import annotations

import errno

from nsview.cli.arguments import Arguments
from nsview.cli.layers import find_stack
from nsview.cli.words import not_permitted
from nsview.errors import NoSuchObject, NsviewError
from nsview.layers.merge import MergedTree
from nsview.light import contextmanager
from nsview.typed import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from argparse import ArgumentParser

DIRS_HELP = "plain directories instead of a container, topmost first"


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


@contextmanager
def open_tree(reference: str | None, dirs: str | None) -> Iterator[tuple[MergedTree, list[str]]]:
    """The merged tree, and what the view lacks.

    What the kernel does not let us read inside becomes an `NsviewError`.
    """
    stack, partial = find_stack(reference, dirs)
    with MergedTree(stack) as tree:
        if not tree.top:
            raise NsviewError("none of its layers was found", hint="nsview layers says more")
        try:
            yield tree, [*partial, *stack.notes, *tree.partial]
        except PermissionError as error:
            raise not_permitted(error.filename or "a directory of its layers") from None


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

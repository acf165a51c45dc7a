"""What a command's REF or --dirs names: a stack of layers, and the container that it is of."""

from __future__ import annotations

from dataclasses import dataclass

from nsview.errors import NoSuchObject, NsviewError, may_not_be_read
from nsview.host.host import Host
from nsview.host.model import Container
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.layers.layer_tar import Owners
from nsview.layers.merge import MergedTree
from nsview.layers.plain import stack_of_directories
from nsview.layers.stack import Stack
from nsview.light import contextmanager
from nsview.typed import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from nsview.sandbox.subordinate import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open tree and whose it is; neither `host` nor `container` with --dirs."""

    tree: MergedTree
    partial: tuple[str, ...]
    host: Host | None = None
    container: Container | None = None


@contextmanager
def open_source(reference: str | None, dirs: str | None) -> Iterator[Source]:
    """Find it; what may not be read in there becomes an `NsviewError`."""
    stack, partial, host, container = find_stack(reference, dirs)
    with MergedTree(stack) as tree:
        if not tree.top:
            raise NsviewError("none of its layers was found", hint="nsview layers says more")
        partial = (*partial, *stack.notes, *tree.partial)
        try:
            yield Source(tree=tree, partial=partial, host=host, container=container)
        except PermissionError as error:
            raise may_not_be_read(error.filename or "a directory of its layers") from None
        except OSError as error:
            name = f"{error.filename}: " if error.filename is not None else ""
            raise NsviewError(f"{name}{error.strerror}") from None


def owners_inside(source: Source, ids: Ids | None) -> Owners:
    """How ids are called in the container, of those that we see as root of `ids` (None: as us)."""
    if source.host is None or source.container is None:
        return Owners()
    if ids is not None and source.container.pid is None:
        return Owners()  # engines map as that root does
    from nsview.host.images import read_owners

    return read_owners(source.host, source.container)


def find_stack(
    reference: str | None, dirs: str | None
) -> tuple[Stack, tuple[str, ...], Host | None, Container | None]:
    """The stack, what the view lacks, and whose it is."""
    if dirs is not None:
        names = split_directories(dirs)
        if not names:
            raise NoSuchObject("--dirs names no directory")
        return stack_of_directories(names), (), None, None
    assert reference is not None
    host = Host()
    snapshot = host.snapshot(stopped=True)
    container = find_container(snapshot, reference)
    return read_stack(host, snapshot, container), snapshot.partial, host, container


def split_directories(text: str) -> list[str]:
    r"""``A:B`` -> A and B; ``\:`` is a colon in a name and ``\\`` a backslash, as in lowerdir=."""
    names = [""]
    literal = False
    for char in text:
        if literal or char not in ":\\":
            names[-1] += char
            literal = False
        elif char == ":":
            names.append("")
        else:
            literal = True
    return [name for name in names if name]

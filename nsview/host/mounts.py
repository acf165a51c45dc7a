"""A mount table as the tree it is, and which mounts in it nobody can reach.

A mount hangs on a directory of another mount, its parent. Later mounts cover earlier ones: on the
same directory (*in place*), or on a directory above (*higher up*). Covered mounts stay in the table
and keep their file systems busy, but no path leads to them. Which ones those are follows from the
kernel's path walk (fs/namei.c:handle_mounts), which is repeated here on the text of the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from nsview.kernel.mountinfo import Mount, Propagation, read_mountinfo
from nsview.typed import TYPE_CHECKING, Iterable, Iterator, Literal, Sequence

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

Hidden = Literal["in place", "higher up", "over root"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MountNode:
    """One mount in its place in the tree."""

    mount: Mount
    depth: int
    """0 for a root: a mount whose parent is not in the table."""
    hidden: Hidden | None = None
    """Why no path leads to it. ``in place``: another mount lies on the same directory; ``higher
    up``: one lies on a directory above; ``over root``: it lies on ``/`` itself, where the processes
    of the table already were when it came (they never look up ``/``, they start from it)."""
    hidden_by: int | None = None
    """`Mount.id` of the mount that is found instead."""
    children: tuple[int, ...] = ()
    """`Mount.id` of the mounts on it, in the order of the table."""

    @property
    def propagation(self) -> str:
        """``private``, ``shared:7``, ``shared:7, slave of 3``, ``unbindable``."""
        return propagation_in_words(self.mount.propagation)


def read_mounts(procfs: Procfs, pid: int) -> tuple[MountNode, ...] | None:
    """Return the mounts that a process can see, parents first; None when it is gone.

    Raises PermissionError when its mounts may not be read.
    """
    mounts = read_mountinfo(procfs, pid)
    return None if mounts is None else arrange_mounts(mounts)


def read_mounts_of_namespace(mnt_ns_id: int) -> tuple[MountNode, ...] | None:
    """Return the mounts of a mount namespace by its 64-bit id, whether processes are in it or not.

    As somebody sees them who enters it now. None where the kernel lacks statmount(2); raises
    PermissionError where it forbids it, FileNotFoundError when the namespace is gone.
    """
    from nsview.kernel import statmount

    mounts = statmount.read_mounts(mnt_ns_id)
    return None if mounts is None else arrange_mounts(mounts, seen_from_namespace=True)


def arrange_mounts(
    mounts: Iterable[Mount], *, seen_from_namespace: bool = False
) -> tuple[MountNode, ...]:
    """Put a mount table into tree order and find what is hidden.

    Paths are walked from the root of the process that the table belongs to; with
    `seen_from_namespace` as somebody would who enters the mount namespace now, and so starts from
    whatever lies on top of ``/`` (fs/namespace.c:mntns_install).
    """
    listed = {mount.id: mount for mount in mounts}
    children: dict[int, list[Mount]] = {}
    roots: list[Mount] = []
    for mount in listed.values():
        is_root = mount.parent not in listed or mount.parent == mount.id
        (roots if is_root else children.setdefault(mount.parent, [])).append(mount)

    walk = _PathWalk(listed, roots, follow_root=seen_from_namespace)
    return tuple(
        _node(mount, depth, walk, children.get(mount.id, ()))
        for mount, depth in _tree_order(listed, roots, children)
    )


def propagation_in_words(propagation: Propagation) -> str:
    """As mount_namespaces(7) puts it: ``shared:7, slave of 3``; ``private`` when there is none."""
    words = []
    if propagation.shared is not None:
        words.append(f"shared:{propagation.shared}")
    if propagation.master is not None:
        words.append(f"slave of {propagation.master}")
    if propagation.propagate_from is not None:
        words.append(f"through {propagation.propagate_from}")
    if propagation.unbindable:
        words.append("unbindable")
    return ", ".join(words) or "private"


def _tree_order(
    listed: dict[int, Mount], roots: Sequence[Mount], children: dict[int, list[Mount]]
) -> Iterator[tuple[Mount, int]]:
    left = dict(listed)
    # What hangs below no root is a loop, and no table of a kernel: shown all the same.
    for root in (*roots, *listed.values()):
        waiting = [(root, 0)] if root.id in left else []
        while waiting:
            mount, depth = waiting.pop()
            if left.pop(mount.id, None) is None:
                continue
            yield mount, depth
            waiting += [(child, depth + 1) for child in reversed(children.get(mount.id, []))]


def _node(mount: Mount, depth: int, walk: _PathWalk, children: Sequence[Mount]) -> MountNode:
    hidden, hidden_by = walk.find_cover(mount)
    return MountNode(
        mount=mount,
        depth=depth,
        hidden=hidden,
        hidden_by=hidden_by,
        children=tuple(child.id for child in children),
    )


class _PathWalk:
    """The kernel's path walk: from mount to mount along the components of a path."""

    def __init__(
        self, listed: dict[int, Mount], roots: Sequence[Mount], *, follow_root: bool
    ) -> None:
        self._listed = listed
        self._mounted_on = {
            (mount.parent, mount.target): mount.id
            for mount in listed.values()
            if mount.parent != mount.id
        }
        self._follow_root = follow_root
        # The root of a chroot may be a mere directory: then its mount is not in the table, and is
        # known as the parent of those that are.
        self._root = next((root.id for root in roots if root.target == "/"), None)
        if self._root is None:
            self._root = roots[0].parent if roots else 0

    def find_cover(self, mount: Mount) -> tuple[Hidden | None, int | None]:
        """Why and by what a mount is hidden; (None, None) when its path leads to it."""
        passed = list(self._walk(mount.target))
        if passed[-1] == mount.id:
            return None, None
        if mount.id in passed:
            return "in place", passed[-1]
        own = self._with_ancestors(mount)
        cover = next((number for number in passed if number not in own), None)
        if cover is None:
            return "over root", self._root
        return "higher up", cover

    def _walk(self, target: str) -> Iterator[int]:
        # The mounts that a walk to `target` goes through, the one that it ends in last.
        assert self._root is not None
        here = self._root
        yield here
        for path in _prefixes(target):
            if path == "/" and not self._follow_root:
                continue
            for _ in range(len(self._listed)):
                above = self._mounted_on.get((here, path))
                if above is None:
                    break
                here = above
                yield here

    def _with_ancestors(self, mount: Mount) -> set[int]:
        own = {mount.id, mount.parent}
        while mount.parent in self._listed:
            mount = self._listed[mount.parent]
            if mount.parent in own:
                break
            own.add(mount.parent)
        return own


def _prefixes(target: str) -> Iterator[str]:
    yield "/"
    end = target.find("/", 1)
    while end > 0:
        yield target[:end]
        end = target.find("/", end + 1)
    if target != "/":
        yield target

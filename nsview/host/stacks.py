"""From a container, running or not, to the stack of directories that is its root."""

from __future__ import annotations

import os
from dataclasses import replace

from nsview.engines import (
    containerd_images,
    docker_images,
    lxc_rootfs,
    nsview_layers,
    storage_images,
)
from nsview.engines.containerd_store import ContainerdStore
from nsview.engines.containers_storage import ContainersStorage
from nsview.engines.disk import DiskStore
from nsview.engines.docker_store import DockerStore
from nsview.engines.lxc_store import LxcStore
from nsview.engines.nsview_store import NsviewStore
from nsview.engines.stored_stack import StoredStack
from nsview.errors import NoSuchObject, NotPermitted
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.roots import root_mount
from nsview.kernel.aufs import read_branches
from nsview.kernel.cmdline import read_command
from nsview.kernel.mountinfo import Mount, read_mountinfo
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.layers import fuse_overlay
from nsview.layers.plain import resolve_aufs, resolve_plain
from nsview.layers.resolve import resolve_overlay
from nsview.layers.stack import Stack
from nsview.layers.stored import describe, find_places, stack_of_stored
from nsview.layers.views import Directory, View
from nsview.typed import Iterator, Sequence

_MNT = KINDS.index("mnt")


def read_stack(host: Host, snapshot: Snapshot, container: Container) -> Stack:
    """The layers of a container of `snapshot`.

    Raises `NoSuchObject` where it has none that anything tells, or is gone, and `NotPermitted`.
    """
    stored = read_stored(host, container)
    if container.pid is None:
        if stored is None:
            raise _unknown(container)
        return stack_of_stored(stored)
    stack = _Running(host, snapshot, container, stored).read()
    stack = replace(stack, driver=container.driver, image=container.image)
    return stack if stored is None else describe(stack, stored)


def _unknown(container: Container) -> NoSuchObject:
    return NoSuchObject(
        f"{container.ref} does not run, and its engine's files name no layers of it"
    )


def read_stored(host: Host, container: Container) -> StoredStack | None:
    """What the engine's files say about a container's layers; None where they say nothing."""
    stores = [store for store in host.stores if isinstance(store, DiskStore)]
    store = next((one for one in stores if one.home == container.home), None)
    if store is None or container.id is None:
        return None
    if isinstance(store, DockerStore):
        others = [one for one in stores if isinstance(one, ContainerdStore)]
        return docker_images.read_stack(store, container.id, container.driver, others)
    if isinstance(store, ContainersStorage):
        return storage_images.read_stack(store, container.id, container.driver, store.run_root)
    if isinstance(store, ContainerdStore) and container.engine_namespace is not None:
        return containerd_images.read_stack(store, container.engine_namespace, container.id)
    if isinstance(store, LxcStore):
        return lxc_rootfs.read_stack(store, container.id)
    if isinstance(store, NsviewStore):
        return nsview_layers.read_stack(store, container.id)
    return None


class _Running:
    """A container's first process and everything around it that may know its layers."""

    def __init__(
        self, host: Host, snapshot: Snapshot, container: Container, stored: StoredStack | None
    ) -> None:
        assert container.pid is not None
        self._procfs = host.procfs
        self._snapshot = snapshot
        self._container = container
        self._pid = self._host_process() if container.kind == "host" else container.pid
        self._stored = stored

    def _host_process(self) -> int:
        # Number 1 of the host may not be readable; we are.
        own = self._snapshot.tasks.get(os.getpid())
        initial = self._snapshot.initial["mnt"]
        if own is not None and own.namespaces[_MNT] == initial:
            return own.pid
        return self._container.pid or os.getpid()

    def read(self) -> Stack:
        """What its ``/`` is made of."""
        mount = self._root()
        own_root = self._procfs.path(self._pid, "root")
        if mount is None:  # a chroot: a directory of a file system that it does not see as such
            return self._chroot(own_root)
        if (mount.fstype, mount.root) == ("overlay", "/"):
            return self._overlay(mount, own_root)
        if mount.fstype == "aufs":
            return resolve_aufs(mount, read_branches(mount.super_options), next(self._views()))
        if (mount.fstype, mount.subtype) == ("fuse", fuse_overlay.COMMAND):
            return self._fuse(mount, own_root)
        return resolve_plain(mount, self._views(), own_root)

    def _root(self) -> Mount | None:
        return root_mount(self._mounts(self._pid))

    def _mounts(self, pid: int) -> tuple[Mount, ...]:
        try:
            mounts = read_mountinfo(self._procfs, pid)
        except PermissionError:
            hint = "root may (sudo nsview ...)" if os.geteuid() else None
            raise NotPermitted(f"the mounts of process {pid} may not be read", hint=hint) from None
        if mounts is None:
            raise NoSuchObject(f"{self._container.ref} is gone")
        return mounts

    def _overlay(self, mount: Mount, own_root: str) -> Stack:
        merged = _open_merged(own_root, mount)
        try:
            return resolve_overlay(mount, self._views(), merged=merged, stored=self._places)
        finally:
            if merged is not None:
                os.close(merged)

    def _places(self) -> Sequence[Directory | None]:
        return find_places(self._stored) if self._stored else ()

    def _fuse(self, mount: Mount, own_root: str) -> Stack:
        """By the process that serves it, which sees the mount and is none of the container's."""
        for task in self._snapshot.tasks.values():
            if task.comm != fuse_overlay.COMMAND or task.pid in self._container.members:
                continue
            view = self._view(task)
            told = fuse_overlay.parse_fuse_command(read_command(self._procfs, task.pid) or ())
            listed = view.find(mount.device) if view else None
            if view and told and listed and listed.target == os.path.normpath(told.target):
                return fuse_overlay.stack_of_fuse(mount, told, view, user=task.uid)
        if self._stored is not None and self._stored.form == "fuse-overlayfs":
            return replace(stack_of_stored(self._stored), device=mount.device)
        return resolve_plain(mount, (), own_root)

    def _chroot(self, own_root: str) -> Stack:
        """The mount of a directory that is no mount point is not in the table of its user."""
        path = self._procfs.read_link(self._pid, "root") or "/"
        view = next(self._views())
        inside = [one for one in view.mounts if f"{path}/".startswith(f"{one.target.rstrip('/')}/")]
        if not inside:
            raise NoSuchObject(f"nothing tells what the root of {self._container.ref} is")
        mount = max(inside, key=lambda one: len(one.target))
        rest = path[len(mount.target.rstrip("/")) :]
        return resolve_plain(
            mount._replace(root=mount.root.rstrip("/") + rest or "/"), [view], own_root
        )

    def _views(self) -> Iterator[View]:
        """Mount namespaces in which its root may have been mounted, the likeliest first."""
        seen = set()
        for task in self._candidates():
            key = task.namespaces[_MNT], self._root_link(task)
            view = None if key in seen or task.kernel_thread else self._view(task)
            if view is not None:
                seen.add(key)
                yield view

    def _root_link(self, task: Task) -> str | None:
        # In one mount namespace, processes may have different roots.
        try:
            return self._procfs.read_link(task.pid, "root")
        except PermissionError:
            return None

    def _candidates(self) -> Iterator[Task]:
        """A process of each mount namespace: the host's, those around it, its own, all others."""
        tasks = self._snapshot.tasks
        first = tasks.get(self._pid)
        host = self._snapshot.initial["mnt"]
        yield from (one for one in tasks.values() if host and one.namespaces[_MNT] == host)
        outer = self._snapshot.container(self._container.parent or "")
        for _ in range(len(self._snapshot.containers)):
            if outer is None:
                break
            if (inner := tasks.get(outer.pid or 0)) is not None:
                yield inner
            outer = self._snapshot.container(outer.parent or "")
        parent = tasks.get(first.ppid) if first else None
        for _ in range(len(tasks)):
            if parent is None:
                break
            yield parent
            parent = tasks.get(parent.ppid)
        yield from tasks.values()

    def _view(self, task: Task) -> View | None:
        own = os.stat("/proc/self/ns/mnt").st_ino if self._procfs.root == "/proc" else 0
        is_ours = task.namespaces[_MNT] == own
        pid = os.getpid() if is_ours else task.pid
        try:
            mounts = read_mountinfo(self._procfs, pid)
        except PermissionError:
            return None
        if not mounts:
            return None
        return View("/" if is_ours else self._procfs.path(pid, "root"), mounts)


def _open_merged(own_root: str, mount: Mount) -> int | None:
    """The overlay as its container sees it; None when it may not be opened, or is another one."""
    try:
        fd = os.open(own_root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(fd).st_dev == os.makedev(mount.major, mount.minor):
        return fd
    os.close(fd)
    return None

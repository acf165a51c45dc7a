"""A small host by hand: the host itself, two docker containers, one inside, one rootless.

Everything the views say can be worked out from the numbers below. `hostile=True` puts escape
sequences, markup and undecodable bytes into every name.
"""

from __future__ import annotations

from collections.abc import Iterable

from nsview.host.model import Container, Holder, Namespace, NamespaceUse, Rootfs, Snapshot
from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.task import CgroupPath, Task

HOST = tuple(INITIAL_INODES[kind] for kind in KINDS)
TICKS = 100
BOOT = 1_700_000_000.0
NOW = BOOT + 7200.0

#: Terminal commands, markup, a link that acts, a byte that is not UTF-8, a direction override.
HOSTILE = "\x1b]0;owned\x07[/nope] [@click=app.quit]x[/] \x9b2J\udcff\u202egnp"


def inodes(**changed: int) -> tuple[int, ...]:
    """The host's namespaces but for those named: ``inodes(pid=4026532001)``."""
    return tuple(changed.get(kind, HOST[index]) for index, kind in enumerate(KINDS))


WEB = inodes(mnt=4026532001, net=4026532002, pid=4026532003, uts=4026532004, ipc=4026532005)
DIND = inodes(mnt=4026532101, net=4026532102, pid=4026532103, uts=4026532104, ipc=4026532105)
INNER = inodes(mnt=4026532201, net=4026532202, pid=4026532203, uts=4026532204, ipc=4026532205)
WORKER = inodes(
    mnt=4026532301, pid=4026532303, uts=4026532304, ipc=4026532305, user=4026532306,
    cgroup=4026532307,
)  # fmt: skip


def task(
    pid: int,
    ppid: int,
    comm: str,
    namespaces: tuple[int, ...] = HOST,
    pids: tuple[int, ...] = (),
    **more: object,
) -> Task:
    """A process with the boring fields filled in."""
    base = Task(
        pid=pid, start_time=pid * 10, ppid=ppid, pids=pids or (pid,), namespaces=namespaces,
        pid_for_children=namespaces[KINDS.index("pid")],
        time_for_children=namespaces[KINDS.index("time")],
        uid=0, cgroups=(CgroupPath(0, "", "/"),), comm=comm, state="S", threads=1,
        kernel_thread=False,
    )  # fmt: skip
    return base._replace(**more)  # type: ignore[arg-type]


def tasks() -> list[Task]:
    """Every process of the host."""
    web_cgroup = (CgroupPath(0, "", "/system.slice/docker-9f3c0a1b7d2e.scope"),)
    return [
        task(1, 0, "systemd"),
        task(400, 1, "sshd", threads=2),
        task(4711, 1, "nginx", WEB, (4711, 1), cgroups=web_cgroup),
        task(4790, 4711, "nginx", WEB, (4790, 7), uid=101, cgroups=web_cgroup),
        task(4791, 4711, "nginx", WEB, (4791, 8), uid=101, state="R", cgroups=web_cgroup),
        task(5200, 1, "dockerd", DIND, (5200, 1), threads=9),
        task(5210, 5200, "redis", INNER, (5210, 19, 1)),
        task(6000, 1, "worker", WORKER, (6000, 1), uid=100000),
        task(6007, 6000, "sleep", WORKER, (6007, 7), uid=100033),
    ]


COMMANDS = {
    1: ("/sbin/init",),
    400: ("sshd: /usr/sbin/sshd", "-D"),
    4711: ("nginx:", "master", "process"),
    4790: ("nginx:", "worker", "process"),
    4791: ("nginx:", "worker", "process"),
    5200: ("dockerd",),
    5210: ("redis-server", "*:6379"),
    6000: ("python3", "worker.py"),
    6007: ("sleep", "4711"),
}


def use(namespaces: tuple[int, ...]) -> dict[str, NamespaceUse]:
    """Namespaces of a container as the model has them."""
    return {
        kind: NamespaceUse(inode, inode == HOST[index])
        for index, (kind, inode) in enumerate(zip(KINDS, namespaces, strict=True))
    }


def container(name: str, engine: str, namespaces: tuple[int, ...], *pids: int) -> Container:
    """A running container of these processes."""
    return Container(
        ref=f"{engine}/{name}", engine=engine, id=f"{pids[0]:012x}", name=name,
        image=f"example/{name}:2.4", pid=pids[0], start_time=pids[0] * 10, members=pids,
        started=BOOT + pids[0] / 10, uid=0, user="root", cgroup=f"/{engine}/{name}",
        namespaces=use(namespaces), rootfs=Rootfs("overlay", 7), command=(name,),
    )  # fmt: skip


def containers() -> list[Container]:
    """The host and what runs on it."""
    host = container("host", "host", HOST, 1, 400)._replace(
        ref="host", id=None, kind="host", image=None
    )
    return [
        host,
        container("dind", "docker", DIND, 5200),
        container("web", "docker", WEB, 4711, 4790, 4791),
        container("inner", "docker", INNER, 5210)._replace(ref="docker/dind/inner",
                parent="docker/dind"),
        container("worker", "podman", WORKER, 6000, 6007)._replace(uid=100000, user=None),
    ]  # fmt: skip


def snapshot(*, hostile: bool = False, without: Iterable[str] = ()) -> Snapshot:
    """That host; `without` the containers of these refs and their processes."""
    gone = set(without)
    here = [one for one in containers() if one.ref not in gone]
    dead = {pid for one in containers() if one.ref in gone for pid in one.members}
    running = [one for one in tasks() if one.pid not in dead]
    commands = dict(COMMANDS)
    if hostile:
        here = [one._replace(name=one.name + HOSTILE, image=HOSTILE, command=(HOSTILE,))
                for one in here]  # fmt: skip
        running = [one._replace(comm=HOSTILE) for one in running]
        commands = {pid: (*words, HOSTILE) for pid, words in commands.items()}
    return Snapshot(
        tasks={one.pid: one for one in running},
        containers=tuple(here),
        membership={pid: one.ref for one in here if one.kind != "host" for pid in one.members},
        initial=dict(INITIAL_INODES),
        commands=commands,
        pid_parents={WEB[2]: HOST[2], DIND[2]: HOST[2], INNER[2]: DIND[2], WORKER[2]: HOST[2]},
        boot_time=BOOT, ticks=TICKS, taken=NOW,
    )  # fmt: skip


def namespaces(*, hostile: bool = False) -> tuple[Namespace, ...]:
    """The namespaces of that host, one held by nobody's process."""
    path = "/run/netns/" + (HOSTILE if hostile else "blue")
    found: dict[tuple[str, int], Namespace] = {}
    refs = {pid: one.ref for one in containers() for pid in one.members if one.kind != "host"}
    for one in tasks():
        for index, (kind, inode) in enumerate(zip(KINDS, one.namespaces, strict=True)):
            known = found.get((kind, inode))
            if known is None:
                known = Namespace(
                    kind=kind, ino=inode, initial=inode == HOST[index], pid=one.pid,
                    command=one.comm, uid=one.uid, container=refs.get(one.pid),
                    owner=_owner(kind, inode), owner_uid=1000 if inode == WORKER[5] else None,
                    parent=_parent(kind, inode),
                )  # fmt: skip
            count = known.processes + 1
            found[kind, inode] = known._replace(
                processes=count,
                held_by=(Holder(kind="process", pid=known.pid, count=count),),
            )  # fmt: skip
    web_net = found["net", WEB[1]]
    found["net", WEB[1]] = web_net._replace(
        nsfs=(path,), held_by=(*web_net.held_by, Holder(kind="fd", fd=3, pid=400),
                               Holder(kind="bind", path=path)),
    )  # fmt: skip
    found["net", 4026532900] = Namespace(
        kind="net", ino=4026532900, owner=HOST[5], nsfs=(path,),
        held_by=(Holder(kind="bind", path=path),),
    )  # fmt: skip
    return tuple(found.values())


def _owner(kind: str, inode: int) -> int | None:
    if kind == "user":
        return None
    return WORKER[5] if inode in WORKER and inode not in HOST else HOST[5]


def _parent(kind: str, inode: int) -> int | None:
    if kind == "user":
        return HOST[5] if inode == WORKER[5] else None
    return {WEB[2]: HOST[2], DIND[2]: HOST[2], INNER[2]: DIND[2], WORKER[2]: HOST[2]}.get(inode)

"""A believable host: every kind of container, nested, paused, stopped, isolated and hostile ones.

`FakeSource` gives snapshots of it to the app; ``python -m tui.fake`` (in tests/) runs the app on
it, to look at. Nothing here reads the machine it runs on.
"""

from __future__ import annotations

from nsview.engines.base import Pod
from nsview.host.model import Container, NamespaceUse, Rootfs, Snapshot, Traffic
from nsview.host.resources import Cpu, Io, Memory, Pids, Resources
from nsview.kernel.cgroup_memory import MemoryEvents
from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.pressure import Pressure, Stall
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import CgroupPath, Task

BOOT = 1_790_000_000.0
NOW = BOOT + 3 * 86400.0
TICKS = 100
HOST = tuple(INITIAL_INODES[kind] for kind in KINDS)

#: What somebody may call a container to make a terminal or this program obey.
HOSTILE_NAMES = (
    "a) R [/red]\x1b]0;pwned\x07",
    "[@click=app.quit]x[/] \x9b2J",
    "not-utf8-\udcff\udc80",
    "\u202egnp.exe",
)
WIDE_NAME = "数据库-生产"

MIB, GIB = 1 << 20, 1 << 30

_MINUTE, _HOUR = 60.0, 3600.0


class HostBuilder:
    """Collects containers and makes up their processes and namespaces."""

    def __init__(self) -> None:
        self.tasks: dict[int, Task] = {}
        self.commands: dict[int, tuple[str, ...]] = {}
        self.containers: list[Container] = []
        self.membership: dict[int, str] = {}
        self.pid_parents: dict[int, int] = {}
        self.resources = {"host": machine()}
        self.traffic = {HOST[1]: Traffic(rx_bytes=0, tx_bytes=0, rx_rate=1.2e6, tx_rate=3.5e5)}
        self._inode = 4026532100
        for pid, ppid, comm in ((1, 0, "systemd"), (2, 0, "kthreadd"), (512, 1, "sshd"),
                                (640, 1, "dockerd"), (702, 1, "containerd")):  # fmt: skip
            self._task(pid, ppid, comm, HOST, (pid,), "/", pid * 3)
        self.containers.append(Container(
            ref="host", engine="host", id=None, name="host", kind="host", pid=1, start_time=3,
            members=(1, 2, 512, 640, 702), started=BOOT, uid=0, user="root", cgroup="/",
            namespaces=self._use(HOST), rootfs=Rootfs("ext4", 1), command=("/sbin/init",),
        ))  # fmt: skip

    def _use(self, namespaces: tuple[int, ...]) -> dict[str, NamespaceUse]:
        return {
            kind: NamespaceUse(inode, inode == HOST[at])
            for at, (kind, inode) in enumerate(zip(KINDS, namespaces, strict=True))
        }

    def _task(
        self, pid: int, ppid: int, comm: str, namespaces: tuple[int, ...],
        pids: tuple[int, ...], cgroup: str, start: int, uid: int = 0,
    ) -> None:  # fmt: skip
        self.tasks[pid] = Task(
            pid=pid, start_time=start, ppid=ppid, pids=pids, namespaces=namespaces,
            pid_for_children=namespaces[2], time_for_children=namespaces[7], uid=uid,
            cgroups=(CgroupPath(0, "", cgroup),), comm=comm, state="S", threads=1,
            kernel_thread=comm == "kthreadd",
        )  # fmt: skip
        self.commands[pid] = (f"/usr/bin/{comm}",)

    def own(self, letters: str, share: Container | None = None) -> tuple[int, ...]:
        """Namespaces: new ones for ``mnpuiUCt`` in `letters`, else those of `share` or the host."""
        base = tuple(share.namespaces[kind].ino for kind in KINDS) if share else HOST
        inodes = []
        for letter, inode in zip("mnpuiUCt", base, strict=True):
            if letter in letters:
                self._inode += 1
                inode = self._inode
            inodes.append(inode)
        return tuple(inodes)

    def add(
        self, engine: str, name: str, pid: int | None, *, flags: str = "mnpui", processes: int = 1,
        age: float = 2 * _HOUR, share: Container | None = None, inside: Container | None = None,
        uid: int = 0, user: str | None = "root", **more: object,
    ) -> Container:  # fmt: skip
        """One container with `processes` processes."""
        ref = f"{engine}/{name}"
        cgroup = f"/{engine}.slice/{name}"
        namespaces = self.own(flags, share)
        ticks = int((NOW - BOOT - age) * TICKS)
        pids = tuple(range(pid, pid + processes)) if pid else ()
        for number, one in enumerate(pids, start=1):
            above = self.tasks[inside.pid].pids if inside and inside.pid else (one,)
            levels = above if namespaces[2] == HOST[2] else (*above[:-1], one, number)
            if not inside:
                levels = (one,) if namespaces[2] == HOST[2] else (one, number)
            self._task(one, pids[0] if number > 1 else 1, name[:15], namespaces, levels, cgroup,
                       ticks + number, uid)  # fmt: skip
            self.membership[one] = ref
        if namespaces[2] != HOST[2]:
            self.pid_parents[namespaces[2]] = inside.namespaces["pid"].ino if inside else HOST[2]
        container = Container(
            ref=ref, engine=engine, id=f"{abs(hash_of(ref)):064x}"[-64:], name=name,
            image=f"registry.example/{name}:2.4", pid=pid, start_time=ticks + 1 if pid else None,
            members=pids, started=NOW - age, uid=uid, user=user, cgroup=cgroup,
            namespaces=self._use(namespaces) if pid else {}, rootfs=Rootfs("overlay", 7),
            command=(f"/usr/bin/{name}", "--serve"), parent=inside.ref if inside else None,
        )  # fmt: skip
        if pid and namespaces[1] != HOST[1]:
            rates = {"rx_rate": pid * 48.0, "tx_rate": pid * 3.0} if pid < 5000 else {}
            self.traffic[namespaces[1]] = Traffic(rx_bytes=0, tx_bytes=0, **rates)
        container = container._replace(**more)
        self.containers.append(container)
        if pid:
            self.resources[ref] = used(pid, processes, busy=container.status == "running")
        return container

    def snapshot(self, **more: object) -> Snapshot:
        """The whole of it."""
        first, *others = self.containers
        plain = Snapshot(
            tasks=dict(sorted(self.tasks.items())),
            containers=(first, *sorted(others, key=lambda one: (one.engine, one.name))),
            membership=self.membership, initial=dict(INITIAL_INODES), commands=self.commands,
            pid_parents=self.pid_parents, boot_time=BOOT, ticks=TICKS, taken=NOW,
            traffic=self.traffic, resources=self.resources,
        )  # fmt: skip
        return plain._replace(**more)


def machine() -> Resources:
    """Two processors, 24 GiB."""
    return Resources(
        counted="machine",
        cpu=Cpu(usage=9e4, percent=62.4, limit=200.0),
        memory=Memory(used=3 * GIB, working_set=3 * GIB, anon=GIB, cache=4 * GIB, kernel=GIB // 4,
                      limit=24 * GIB),
        io=Io(read_bytes=GIB, written_bytes=GIB, read=0.0, write=1.3e6),
        pids=Pids(current=412, limit=32768),
        pressure={"cpu": pressure(4.2), "memory": pressure(0.0), "io": pressure(0.87)},
    )  # fmt: skip


def pressure(some: float) -> Pressure:
    """With nothing but what the last ten seconds were like."""
    return Pressure(Stall(avg10=some), Stall())


def used(pid: int, processes: int, *, busy: bool) -> Resources:
    """What a container of that number uses: always the same, and of some too much."""
    many = pid % 97 * MIB
    limit = {4711: 256 * MIB, 4802: many + MIB, 5120: 128 * MIB}.get(pid)
    quota = 50.0 if pid == 6120 else None
    return Resources(
        counted="processes" if pid == 7003 else "cgroup",
        cpu=Cpu(usage=pid / 10, percent=pid % 31 * 1.5 if busy else 0.0, limit=quota,
                periods=100 if quota else 0, throttled_periods=40 if quota else 0,
                throttled=40.0 if quota else None),
        memory=Memory(used=many + 2 * MIB, working_set=many, anon=many // 2, cache=many // 2,
                      kernel=MIB, limit=limit,
                      events=MemoryEvents(oom_kill=2 if pid == 5200 else 0)),
        io=Io(read_bytes=pid, written_bytes=pid, read=0.0, write=pid * 7.0 if pid < 5000 else 0.0),
        pids=Pids(current=processes, limit=512 if limit else None),
        pressure={} if pid == 7003 else {"cpu": pressure(pid % 7), "memory": pressure(0.0),
                                         "io": pressure(0.0)},
    )  # fmt: skip


def hash_of(text: str) -> int:
    """The same number in every run, unlike hash()."""
    number = 0x9F3C
    for char in text:
        number = (number * 1_000_003 ^ ord(char)) % (1 << 256)
    return number * 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95 % (1 << 256)


def host(*, hostile: bool = True) -> Snapshot:
    """The whole zoo."""
    build = HostBuilder()
    build.add("docker", "web-1", 4711, processes=5, flags="mnpuiC")
    build.add("docker", "db", 4802, processes=9, flags="mnpuiC", user="999", uid=999)
    dind = build.add("docker", "dind", 5200, processes=4, flags="mnpuiC", age=5 * _HOUR)
    build.add("docker", "inner", 5300, flags="mnpuiC", inside=dind, age=_HOUR)
    build.add("docker", "legacy-host-net", 5400, flags="mpui", rootfs=Rootfs("btrfs", 1))
    build.add("docker", "old-job", None, status="stopped", flags="", age=40 * _HOUR)
    build.add("podman", "worker", 5120, processes=2, flags="mnpuiUC", age=18 * _MINUTE,
              status="paused", owner=1000, uid=100000, user=None)  # fmt: skip
    build.add("podman", "cache", 5140, flags="mnpuiUC", owner=1000, uid=100000, user=None,
              age=17 * _MINUTE)  # fmt: skip
    pod = Pod(uid="7d0f3a5e-4b1c-4f8e-9b11-0c7f5a3d2e10", name="cart-7d9f", namespace="shop")
    pause = build.add("containerd", "pause", 6001, flags="nui", kind="pod", pod=pod, age=6 * _HOUR,
                      rootfs=Rootfs("overlay", 2))  # fmt: skip
    build.add("containerd", "cart", 6120, processes=3, flags="mpC", share=pause, pod=pod,
              age=6 * _HOUR)  # fmt: skip
    build.add("nspawn", "ns1", 6400, processes=11, flags="mnpui", id=None, image=None,
              age=5 * _MINUTE, rootfs=Rootfs("ext4", 1))  # fmt: skip
    build.add("bubblewrap", "bwrap-7003", 7003, processes=2, flags="mnpuiU", id=None, image=None,
              uid=1000, user="anna", age=10.0, rootfs=Rootfs("tmpfs", 1))  # fmt: skip
    for pid, name in ((800, "systemd-timesyncd"), (812, "polkit"), (820, "colord")):
        build.add("systemd", name, pid, flags="m", kind="isolated", id=None, image=None,
                  rootfs=None, age=2.9 * 86400)  # fmt: skip
    if hostile:
        for at, name in enumerate((*HOSTILE_NAMES, WIDE_NAME)):
            build.add("docker", name, 8000 + 10 * at, flags="mnpuiC", image=name, command=(name,),
                      cgroup=f"/docker/{name}", user=name, age=(at + 1) * _MINUTE)  # fmt: skip
    return build.snapshot()


def empty_host() -> Snapshot:
    """A host without a single container."""
    return HostBuilder().snapshot()


def many(count: int) -> Snapshot:
    """A host with that many containers."""
    build = HostBuilder()
    for number in range(count):
        build.add("docker", f"web-{number}", 10_000 + number, flags="mnpuiC", age=number + 60.0)
    return build.snapshot()


class FakeSource:
    """Gives the snapshots that a test puts into it; raises `failure` when there is one."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        # Whoever reads beside the snapshot finds that all processes are gone.
        self.procfs = Procfs("/nonexistent")
        self.current = snapshot or host()
        self.failure: Exception | None = None
        self.looks = 0

    def snapshot(
        self,
        *,
        commands: bool = False,
        stopped: bool = False,
        resources: bool = False,
        traffic: bool = False,
    ) -> Snapshot:
        """What is there now."""
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return self.current


if __name__ == "__main__":
    import sys

    from nsview.tui.app import NsviewApp

    NsviewApp(FakeSource(), theme=sys.argv[1] if len(sys.argv) > 1 else None).run()

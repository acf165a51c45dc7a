"""Docker's containers, from ``<data-root>/containers/<id>/config.v2.json``.

The file is the same for every storage driver, containerd's image store included; dockerd replaces
it atomically at each change of state. moby/moby: daemon/container/container.go.
"""

from __future__ import annotations

from nsview.engines.base import Daemon, Record, User
from nsview.engines.command_line import path_option
from nsview.engines.disk import DiskStore, ParsedFiles, names, open_folder, read_file
from nsview.engines.identifiers import is_container_id
from nsview.engines.kubernetes import pod_member
from nsview.engines.untrusted import (
    flag,
    labels,
    mapping,
    parse_json,
    path,
    process_id,
    text,
    texts,
    timestamp,
)
from nsview.light import partial
from nsview.typed import Callable, Final, Iterator, Sequence

DATA_ROOT: Final = "/var/lib/docker"
CONFIG_FILE: Final = "/etc/docker/daemon.json"


def parse_config(data: bytes, *, home: str, user: int = 0, host_pids: bool = True) -> Record | None:
    """Make a record of a config.v2.json; None when it names no container.

    `host_pids` is False for a dockerd in another pid namespace: its numbers mean nothing to us.
    """
    config = parse_json(data)
    identity = text(config, "ID")
    if identity is None or not is_container_id(identity):
        return None
    its_labels = labels(config, "Config", "Labels")
    member = pod_member(its_labels)
    program = text(config, "Path")
    running = flag(config, "State", "Running")
    return Record(
        engine="docker",
        id=identity,
        name=(text(config, "Name") or "").removeprefix("/") or None,
        image=text(config, "Config", "Image"),
        image_id=(text(config, "Image") or "").removeprefix("sha256:") or None,
        pod=member.pod,
        sandbox=member.sandbox,
        running=running,
        paused=flag(config, "State", "Paused"),
        pid=process_id(config, "State", "Pid") if running and host_pids else None,
        started=timestamp(config, "State", "StartedAt"),
        created=timestamp(config, "Created"),
        command=(program, *texts(config, "Args")) if program else (),
        driver=text(config, "Driver"),
        home=home,
        user=user,
        labels=its_labels,
    )


class DockerStore(DiskStore):
    """One data root of docker."""

    def __init__(self, root: str, path: str, user: int = 0) -> None:
        super().__init__(root, path, user)
        parse: Callable[[bytes], Record | None] = partial(
            parse_config, home=self.home, user=user, host_pids=root == "/"
        )
        self._records = ParsedFiles(parse, user=user)

    def read_records(self) -> list[Record]:
        """All containers, whether they run or not."""
        with open_folder(self.root, self.path + "/containers") as folder:
            if folder is None:
                return []
            found = (name for name in names(folder) if is_container_id(name))
            return self._records.get_all(folder, (f"{name}/config.v2.json" for name in found))


def docker_stores(daemons: Sequence[Daemon], users: Sequence[User]) -> Iterator[DockerStore]:
    """Every place where docker may keep containers; most of them will not exist."""
    for root, data_root, user in _data_roots(daemons, users):
        yield DockerStore(root, data_root, user)
        with open_folder(root, data_root) as folder:
            for name in names(folder) if folder is not None else ():
                if _is_remapped(name):
                    yield DockerStore(root, f"{data_root}/{name}", user)


def _is_remapped(name: str) -> bool:
    """dockerd --userns-remap keeps its things in ``<data-root>/<uid>.<gid>`` of that root."""
    uid, _, gid = name.partition(".")
    return uid.isdecimal() and gid.isdecimal()


def _data_roots(daemons: Sequence[Daemon], users: Sequence[User]) -> Iterator[tuple[str, str, int]]:
    yield "/", DATA_ROOT, 0
    yield from (("/", found, 0) for found in _configured("/", CONFIG_FILE, 0))
    for user in users:
        config = f"{user.home}/.config/docker/daemon.json"
        yield from (("/", found, user.uid) for found in _configured("/", config, user.uid))
        yield "/", f"{user.home}/.local/share/docker", user.uid
    for daemon in daemons:
        if daemon.comm != "dockerd":
            continue
        said = path_option(daemon.command, "--data-root", "--graph", "-g")
        if said:
            yield daemon.root, said, daemon.uid
            continue
        config = path_option(daemon.command, "--config-file") or CONFIG_FILE
        yield from (
            (daemon.root, found, daemon.uid)
            for found in (*_configured(daemon.root, config, daemon.uid), DATA_ROOT)
        )


def _configured(root: str, config_file: str, user: int) -> Iterator[str]:
    """The data root that a daemon.json names."""
    config = mapping(parse_json(read_file(root, config_file, user=user)))
    for key in ("data-root", "graph"):
        if data_root := path(config, key):
            yield data_root

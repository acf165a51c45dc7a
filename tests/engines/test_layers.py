"""The layers of running and of stopped containers, as their own engine describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import engines
from support.command import nsview
from support.engines import Started
from support.requirements import missing
from support.run import Run

from nsview.host.host import Host
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.kernel.mountinfo import read_mountinfo
from nsview.kernel.procfs import Procfs
from nsview.layers.stack import Stack

_IMAGE = [  # of support.images, topmost first
    "RUN rm /one && echo two >/two",
    "RUN echo one >/one && mkdir /d && echo x >/d/x",
    "COPY bb/ / # buildkit",
]


def stack_of(started: Started) -> Stack:
    host = Host()
    snapshot = host.snapshot(stopped=True)
    return read_stack(host, snapshot, find_container(snapshot, started.id))


def directories(stack: Stack) -> list[str | None]:
    return [layer.directory for layer in stack.layers]


def in_graph(driver: Any) -> list[str]:
    """The directories that docker inspect and podman inspect tell, topmost first."""
    data = driver["Data"]
    return [data["UpperDir"], *data["LowerDir"].split(":")]


def check_image(stack: Stack, image_id: str, diff_ids: list[str]) -> None:
    """The lower layers are the image's, with their digests, from the top to the bottom."""
    layers = [layer for layer in stack.layers if layer.role == "lower"]
    assert [layer.created_by for layer in layers] == _IMAGE
    assert [layer.digest for layer in layers] == diff_ids[::-1]
    assert all(layer.chain_id for layer in layers)
    assert layers[-1].chain_id == layers[-1].digest
    assert stack.image_id == image_id.removeprefix("sha256:")
    assert stack.rules.form == "overlay"


def test_docker(docker: engines.Docker) -> None:
    running, stopped = docker.start(), docker.stop(docker.start())
    diff_ids = json.loads(
        docker.docker("image", "inspect", "-f", "{{json .RootFS.Layers}}", docker.image)
    )
    history = docker.docker("history", "--no-trunc", "--format", "{{json .}}", docker.image)
    made = [
        one["CreatedBy"] for one in map(json.loads, history.splitlines()) if one["Size"] != "0B"
    ]
    assert made == _IMAGE
    for started, resolution in ((running, "exact"), (stopped, "store")):
        stack = stack_of(started)
        driver = json.loads(docker.docker("inspect", "-f", "{{json .GraphDriver}}", started.id))
        assert directories(stack) == in_graph(driver)
        assert stack.driver == driver["Name"]
        assert stack.image == docker.image
        assert [layer.role for layer in stack.layers] == ["upper", "init", *["lower"] * 3]
        assert [layer.writable for layer in stack.layers] == [True, *[False] * 4]
        assert {layer.resolution for layer in stack.layers} == {resolution}
        check_image(stack, docker.image_id, diff_ids)
        merged = driver["Data"]["MergedDir"]
        assert stack.target == (merged if started is running else None)


def _build(docker: engines.Docker, name: str, count: int) -> None:
    """An image with `count` more layers."""
    context = docker.directory / f"{name}-context"
    context.mkdir()
    lines = [f"FROM {docker.image}", *(f"COPY f{number} /f{number}" for number in range(count))]
    (context / "Dockerfile").write_text("\n".join(lines))
    for number in range(count):
        (context / f"f{number}").write_text(str(number))
    docker.docker("build", "--quiet", "--network=none", "--tag", name, str(context))


def test_docker_relative_layers(docker: engines.Docker) -> None:
    """More layers than fit into a page of options: docker mounts them from its home."""
    name = docker.unique().lower()
    _build(docker, name, 60)
    command = ("run", "--pull=never", "-d", "--network=none", "--name", name, name)
    docker.docker(*command, "/bin/sleep", "100000")
    started = docker.inspect(name)
    assert started.pid
    (root,) = (one for one in read_mountinfo(Procfs(), started.pid) or () if one.target == "/")
    assert any(one.startswith("lowerdir=l/") for one in root.super_options)
    stack = stack_of(started)
    driver = json.loads(docker.docker("inspect", "-f", "{{json .GraphDriver}}", started.id))
    assert directories(stack) == in_graph(driver)
    assert {layer.resolution for layer in stack.layers} == {"by-device"}
    assert len(stack.layers) == 2 + 60 + 3
    assert all("f59" in (layer.created_by or "") for layer in stack.layers[2:3])
    assert [layer.created_by for layer in stack.layers[-3:]] == _IMAGE
    docker.remove(started)


def test_podman(podman: engines.Podman) -> None:
    running, stopped = podman.start(), podman.stop(podman.start())
    (image,) = json.loads(podman.podman("image", "inspect", podman.image))
    history = json.loads(podman.podman("history", "--format", "json", podman.image))
    assert [one["CreatedBy"] for one in history if one["size"]] == _IMAGE
    for started, resolution in ((running, "exact"), (stopped, "store")):
        stack = stack_of(started)
        (inspected,) = json.loads(podman.podman("inspect", started.id))
        assert directories(stack) == in_graph(inspected["GraphDriver"])
        assert stack.driver == inspected["GraphDriver"]["Name"]
        assert [layer.role for layer in stack.layers] == ["upper", *["lower"] * 3]
        assert {layer.resolution for layer in stack.layers} == {resolution}
        check_image(stack, image["Id"], image["RootFS"]["Layers"])


class _RootlessOnOverlay(engines.RootlessPodman):
    """By itself, an old podman may choose plain copies (vfs) on some hosts."""

    def podman(self, *words: str) -> str:
        return super().podman("--storage-driver", "overlay", *words)


@pytest.fixture
def rootless_on_overlay() -> Iterator[engines.RootlessPodman]:
    with Run() as run:
        try:
            one = _RootlessOnOverlay(run)
        except engines.Missing as lack:
            missing(str(lack))
        yield one


def test_rootless_podman_on_overlay(rootless_on_overlay: engines.RootlessPodman) -> None:
    """Mounted in a user namespace of podman's, where nobody else sees the mount."""
    podman = rootless_on_overlay
    running, stopped = podman.start(), podman.stop(podman.start())
    for started, resolution in ((running, "exact"), (stopped, "store")):
        (inspected,) = json.loads(podman.podman("inspect", started.id))
        stack = stack_of(started)
        assert directories(stack) == in_graph(inspected["GraphDriver"])
        assert {layer.resolution for layer in stack.layers} == {resolution}
        assert [layer.created_by for layer in stack.layers] == [None, *_IMAGE]
        # Its owner may set links in there: no layer is opened by a path that could leave it.
        assert {layer.root for layer in stack.layers} == {
            f"{podman.directory}/home/.local/share/containers/storage"
        }
        assert stack.rules.xattr_prefix == "user.overlay."


def test_podman_with_fuse_overlayfs(fuse_podman: engines.FusePodman) -> None:
    started = fuse_podman.start()
    (inspected,) = json.loads(fuse_podman.podman("inspect", started.id))
    stack = stack_of(started)
    assert stack.fstype == "fuse.fuse-overlayfs"
    assert stack.rules.form == "fuse-overlayfs"
    assert directories(stack) == in_graph(inspected["GraphDriver"])
    assert [layer.created_by for layer in stack.layers] == [None, *_IMAGE]
    assert stack.target == inspected["GraphDriver"]["Data"]["MergedDir"]


def test_containerd(containerd: engines.Containerd) -> None:
    running, stopped = containerd.start(), containerd.stop(containerd.start())
    targets = []
    for started, resolution in ((running, "exact"), (stopped, "store")):
        stack = stack_of(started)
        key = ("snapshots", "mounts", "/nowhere", started.id)
        text = containerd.ctr("default", *key)  # mount -t overlay ... -o ...,lowerdir=A:B
        options = dict(one.partition("=")[::2] for one in text.split()[-1].split(","))
        assert directories(stack) == [options["upperdir"], *options["lowerdir"].split(":")]
        assert [layer.role for layer in stack.layers] == ["upper", *["lower"] * 3]
        assert {layer.resolution for layer in stack.layers} == {resolution}
        assert [layer.created_by for layer in stack.layers[1:]] == _IMAGE
        assert stack.driver == "overlayfs"
        assert stack.image == containerd.image
        targets.append(stack.target)
    assert targets[0] is not None
    assert targets[0].endswith(f"/{running.id}/rootfs")
    assert targets[1] is None


def test_lxc_and_nspawn_have_one_directory(lxc: engines.Lxc, nspawn: engines.Nspawn) -> None:
    one, two = lxc.start(), nspawn.start()
    places = {
        one.id: f"{lxc.directory}/lxc/{one.name}/rootfs",
        two.id: f"{nspawn.directory}/{two.name}",
    }
    for started in (one, two):
        stack = stack_of(started)
        assert directories(stack) == [places[started.id]]
        assert stack.rules.form == "plain"
        assert stack.fstype != "overlay"


def test_containerd_s_relative_layers(
    docker: engines.Docker, containerd: engines.Containerd
) -> None:
    """More layers than fit into a page of options, as docker built them."""
    name = docker.unique().lower()
    _build(docker, name, 60)
    archive = docker.directory / "many.tar"
    docker.docker("save", "--output", str(archive), name)
    containerd.ctr("default", "images", "import", str(archive))
    reference = f"docker.io/library/{name}:latest"
    ident = containerd.unique().removeprefix("nsview-test-")
    where = ("--runc-root", f"{containerd.directory}/runc")
    where += ("--fifo-dir", f"{containerd.directory}/fifo")
    containerd.ctr("default", "run", "--detach", *where, reference, ident)
    rows = (row.split() for row in containerd.ctr("default", "tasks", "list").splitlines())
    pid = next(int(row[1]) for row in rows if row[0] == ident)
    started = Started(engine="containerd", id=ident, name=ident, pid=pid)
    (root,) = (one for one in read_mountinfo(Procfs(), pid) or () if one.target == "/")
    lower = next(one for one in root.super_options if one.startswith("lowerdir="))
    assert not lower.startswith("lowerdir=/")
    stack = stack_of(started)
    text = containerd.ctr("default", "snapshots", "mounts", "/nowhere", ident)
    options = dict(one.partition("=")[::2] for one in text.split()[-1].split(","))
    assert directories(stack) == [options["upperdir"], *options["lowerdir"].split(":")]
    assert {layer.resolution for layer in stack.layers[1:]} == {"relative"}
    assert [layer.created_by for layer in stack.layers[-3:]] == _IMAGE


def test_the_command(docker: engines.Docker) -> None:
    started = docker.start()
    document = nsview("layers", started.id, "--size", "--json").json
    layers = document["layers"]
    assert document["image"] == {
        "name": docker.image,
        "id": docker.image_id.removeprefix("sha256:"),
    }
    assert document["root"]["fstype"] == "overlay"
    assert document["root"]["device"].startswith("0:")
    assert [one["index"] for one in layers] == list(range(5))
    assert layers[4]["size"] > 1 << 20
    assert layers[0]["size"] == 0
    rows = nsview("layers", started.id).lines
    assert rows[0].split()[:3] == ["LAYER", "ROLE", "DIRECTORY"]
    assert rows[5].endswith(_IMAGE[2])
    assert len(rows) == 6

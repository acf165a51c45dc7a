"""What `nsview commit` writes, the engines take: images whose containers show the changes."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import engines
from support.command import nsview
from support.processes import wait_until

#: Everything that leaves its own kind of trace in a writable layer.
CHANGES = """
echo added > /added; mkdir -p /new/deep; echo deep > /new/deep/file
rm /two; rm -r /d; mkdir /d; echo other > /d/other
echo more >> /etc/passwd; chmod 600 /etc/passwd
ln /added /new/linked; ln -s ../added /new/symbolic; touch "/new/odd name $(printf '\\377\\n')"
rm -r /tmp; echo file > /tmp
rm /bin/touch; mkdir /bin/touch; echo 1 > /bin/touch/inside
chown 12:34 /new/deep; chmod 4755 /new/deep/file; busybox mkfifo /new/fifo
touch /done; sleep 100000
"""
#: Read in a container of the image that was made; the same must come from the one it is of.
LOOK = """
for i in /added /new/deep/file /d/other /etc/passwd /tmp /bin/touch/inside; do
  echo $i; cat $i
done
ls -lAn /new /new/deep /bin/touch /d | busybox awk '{print $1,$3,$4,$9,$10,$11}'
ls /two /d/x /one 2>&1
ls -i /added /new/linked | busybox awk '{print $1}' | busybox uniq | busybox wc -l
"""


@pytest.fixture
def in_docker(docker: engines.Docker) -> Iterator[engines.Started]:
    one = docker.start(command=("/bin/sh", "-c", CHANGES))
    wait_until(lambda: docker.docker("exec", one.id, "ls", "/done", check=False) == "/done")
    yield one
    docker.remove(one)


@pytest.fixture
def in_podman(podman: engines.Podman) -> Iterator[engines.Started]:
    other = podman.start()  # by what runs, nsview knows where this podman keeps its files
    one = podman.start(command=("/bin/sh", "-c", CHANGES))
    wait_until(lambda: _exists(podman, one))
    yield one
    podman.remove(one)
    podman.remove(other)


def complaints(partial: list[str]) -> list[str]:
    """What is wrong with the layers; not what the host hides of its process 1."""
    return [note for note in partial if "PID 1" not in note and "process 1:" not in note]


def _exists(podman: engines.Podman, one: engines.Started) -> bool:
    try:
        podman.podman("exec", one.id, "ls", "/done")
    except RuntimeError:
        return False
    return True


def run_docker(docker: engines.Docker, image: str, script: str) -> str:
    words = ("run", "--rm", "--pull=never", "--network=none", image, "/bin/sh", "-c", script)
    return docker.docker(*words, check=False)


def run_podman(podman: engines.Podman, image: str, script: str) -> str:
    words = ("run", "--rm", "--pull=never", "--network=none", image, "/bin/sh", "-c", script)
    return podman.podman(*words)


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_docker_and_back(
    docker: engines.Docker, in_docker: engines.Started, tmp_path: Path, state: str
) -> None:
    seen = docker.docker("exec", in_docker.id, "/bin/sh", "-c", LOOK, check=False)
    assert "No such file" in seen
    if state == "stopped":
        docker.stop(in_docker)
    archive, name = tmp_path / "image.tar", f"{in_docker.name}:{state}"
    done = nsview("commit", in_docker.name, "-o", str(archive), "-t", name, "--json").json
    assert complaints(done["partial"]) == []
    docker.docker("load", "--input", str(archive))
    try:
        assert run_docker(docker, name, LOOK) == seen
        identity = docker.docker("inspect", "--type", "image", "-f", "{{.Id}}", name)
        assert identity == done["image"]["id"]
        history = docker.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", name)
        assert history.splitlines()[0] == "nsview commit"
        assert history.splitlines()[-1].startswith("COPY bb/")
        # The layers below are the image's own, to the byte: docker stores nothing twice.
        form = "{{json .RootFS.Layers}}"
        ours = json.loads(docker.docker("inspect", "--type", "image", "-f", form, name))
        theirs = json.loads(docker.docker("inspect", "--type", "image", "-f", form, docker.image))
        assert ours[:-1] == theirs
        assert ours[-1] == done["layers"][0]["digest"]
    finally:
        docker.docker("rmi", name)


@pytest.mark.parametrize("state", ["running", "stopped"])
@pytest.mark.parametrize("form", ["docker", "oci"])
def test_podman_and_back(
    podman: engines.Podman, in_podman: engines.Started, tmp_path: Path, state: str, form: str
) -> None:
    seen = podman.podman("exec", in_podman.id, "/bin/sh", "-c", LOOK)
    if state == "stopped":
        podman.stop(in_podman)
    archive, name = tmp_path / "image.tar", f"localhost/{in_podman.name}:{state}-{form}"
    done = nsview(
        *("commit", f"podman/{in_podman.name}", "-o", str(archive), "-t", name),
        *("--format", form, "--json"),
    ).json
    assert complaints(done["partial"]) == []
    podman.podman("load", "--input", str(archive))
    try:
        assert run_podman(podman, name, LOOK) == seen
        history = podman.podman("history", "--no-trunc", "--format", "{{.CreatedBy}}", name)
        assert history.splitlines()[0] == "nsview commit"
    finally:
        podman.podman("rmi", name)


def test_docker_s_image_runs_in_podman(
    docker: engines.Docker, podman: engines.Podman, in_docker: engines.Started, tmp_path: Path
) -> None:
    seen = docker.docker("exec", in_docker.id, "/bin/sh", "-c", LOOK, check=False)
    archive, name = tmp_path / "image.tar", f"localhost/{in_docker.name}:both"
    assert nsview("commit", in_docker.name, "-o", str(archive), "-t", name).status == 0
    podman.podman("load", "--input", str(archive))
    assert run_podman(podman, name, LOOK) == seen
    podman.podman("rmi", name)


def test_a_layer_of_docker_s(in_docker: engines.Started, tmp_path: Path) -> None:
    archive = tmp_path / "layer.tar"
    done = nsview("commit", in_docker.name, "--format", "layer", "-o", str(archive))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert done.out.decode() == f"sha256:{digest}\n"
    with tarfile.open(archive) as layer:
        names = layer.getnames()
    assert {".wh.two", "d/.wh.x", "d/other", "added", "bin/touch/inside"} <= set(names)
    assert not {".wh.one", ".dockerenv", "d/.wh..wh..opq"} & set(names)


def test_containerd(containerd: engines.Containerd, docker: engines.Docker, tmp_path: Path) -> None:
    one = containerd.start()
    archive = tmp_path / "image.tar"
    done = nsview("commit", f"containerd/{one.name}", "-o", str(archive), "-t", f"{one.name}:c")
    assert done.status == 0, done.err
    assert "digests" not in done.err  # its content store has the layers as they came
    for form in ("docker", "oci"):
        target = tmp_path / f"{form}.tar"
        words = ("-o", str(target), "-t", f"localhost/{one.name}:{form}", "--format", form)
        assert nsview("commit", f"containerd/{one.name}", *words).status == 0
        containerd.ctr("default", "images", "import", str(target))
        listed = containerd.ctr("default", "images", "list", "-q")
        assert f"localhost/{one.name}:{form}" in listed.split()
    docker.docker("load", "--input", str(archive))
    assert run_docker(docker, f"{one.name}:c", "cat /two") == "two"
    docker.docker("rmi", f"{one.name}:c")


def test_cp_from_docker(in_docker: engines.Started, docker: engines.Docker, tmp_path: Path) -> None:
    for state in ("running", "stopped"):
        if state == "stopped":
            docker.stop(in_docker)
        target = tmp_path / state
        assert nsview("cp", f"{in_docker.name}:/new", str(target)).status == 0
        assert (target / "deep/file").read_text() == "deep\n"
        assert (target / "deep").stat().st_uid == 12
        assert (target / "deep/file").stat().st_mode & 0o7777 == 0o4755
        assert (target / "symbolic").is_symlink()
        etc = nsview("cp", f"{in_docker.name}:/etc", str(tmp_path / f"etc-{state}"))
        # Docker mounts its own files over these.
        assert ("what they show is not copied: /etc/" in etc.err) == (state == "running")
        done = nsview("cp", f"{in_docker.name}:/two", str(tmp_path))
        assert (done.status, done.out) == (3, b"")


def test_rootless_ids_are_the_container_s(
    rootless_podman: engines.RootlessPodman, podman: engines.Podman, tmp_path: Path
) -> None:
    script = "echo mine > /mine; echo yours > /yours; chown 12:34 /yours; touch /done; sleep 100000"
    other = rootless_podman.start()
    one = rootless_podman.start(command=("/bin/sh", "-c", script))
    wait_until(lambda: _exists(rootless_podman, one))
    for state in ("running", "stopped"):
        if state == "stopped":
            rootless_podman.stop(one)
        archive, name = tmp_path / f"{state}.tar", f"localhost/{one.name}:{state}"
        done = nsview("commit", one.id, "-o", str(archive), "-t", name)
        assert done.status == 0, done.err
        assert "digests" not in done.err
        podman.podman("load", "--input", str(archive))
        shown = run_podman(podman, name, "ls -ln /mine /yours")
        assert [line.split()[2:4] for line in shown.splitlines()] == [["0", "0"], ["12", "34"]]
        podman.podman("rmi", name)
        target = tmp_path / f"yours-{state}"
        assert nsview("cp", "--map-owner", f"{one.id}:/yours", str(target)).status == 0
        assert (target.stat().st_uid, target.stat().st_gid) == (12, 34)
    rootless_podman.remove(one)
    rootless_podman.remove(other)

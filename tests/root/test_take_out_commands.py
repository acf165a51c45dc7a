"""`cp` and `commit` as people run them: what they make, and how they end when they cannot."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import (
    ENVIRONMENT,
    NOBODY,
    command,
    nsview,
    nsview_on_a_terminal,
    python_for_everybody,
)
from support.processes import sandbox, wait_until

from nsview.cli import exit_codes


@pytest.fixture
def dirs(tmp_path: Path) -> str:
    """Two directories as layers; a link out of them."""
    for path, text in (
        ("upper/etc/new", "new"),
        ("upper/etc/hosts", "changed"),
        ("lower/etc/hosts", "old"),
        ("lower/etc/passwd", "lower"),
        ("lower/usr/bin/tool", "tool"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "lower/bin").symlink_to("/usr/bin")
    (tmp_path / "lower/etc/shadow").symlink_to("/etc/gshadow")
    (tmp_path / "lower/usr/bin/tool").chmod(0o6755)
    os.chown(tmp_path / "lower/etc/passwd", 12, 34)
    return f"{tmp_path}/upper:{tmp_path}/lower"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    target = tmp_path / "tiny"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", target], check=True)
    yield target
    subprocess.run(["umount", "-l", target], check=True)


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def error(status: int, *words: str) -> str:
    done = nsview(*words)
    assert done.out == b""
    assert done.status == status, done.err
    lines = [line for line in done.err.splitlines() if "partial:" not in line]
    assert lines[0].startswith("nsview: error: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("nsview: hint: "))
    return lines[0].removeprefix("nsview: error: ")


def test_cp_a_directory(dirs: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert nsview("cp", "--dirs", dirs, "/etc", str(out)).status == 0
    assert (out / "etc/hosts").read_text() == "changed"
    assert names(out / "etc") == ["hosts", "new", "passwd", "shadow"]
    assert os.readlink(out / "etc/shadow") == "/etc/gshadow"
    assert (out / "etc/passwd").stat().st_uid == 12
    assert nsview("cp", "--dirs", dirs, "/", str(out / "all")).status == 0
    assert (out / "all/usr/bin/tool").stat().st_mode & 0o7777 == 0o6755
    assert nsview("cp", "--no-owner", "--dirs", dirs, "/", str(out)).status == 0
    assert (out / "rootfs/usr/bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (out / "rootfs/etc/passwd").stat().st_uid == 0


def test_cp_a_file_and_links(dirs: str, tmp_path: Path) -> None:
    assert nsview("cp", "--dirs", dirs, "/bin/tool", str(tmp_path / "t")).status == 0
    assert (tmp_path / "t").read_text() == "tool"
    assert nsview("cp", "--dirs", dirs, "/bin", str(tmp_path / "link")).status == 0
    assert os.readlink(tmp_path / "link") == "/usr/bin"
    assert nsview("cp", "--dirs", dirs, "/bin/", str(tmp_path / "binaries")).status == 0
    assert names(tmp_path / "binaries") == ["tool"]
    # Inside, that link leads nowhere; outside it would lead to the host's own file.
    assert "no such file" in error(3, "cp", "--dirs", dirs, "/etc/shadow/", str(tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_cp_to_stdout(dirs: str, tmp_path: Path) -> None:
    done = nsview("cp", "--dirs", dirs, "/etc", "-")
    with tarfile.open(fileobj=io.BytesIO(done.out)) as archive:
        assert archive.getnames() == ["etc", "etc/hosts", "etc/new", "etc/passwd", "etc/shadow"]
        assert archive.getmember("etc/passwd").uid == 12
    done = nsview("cp", "--dirs", dirs, "/etc/hosts", "-")
    with tarfile.open(fileobj=io.BytesIO(done.out)) as archive:
        assert archive.getnames() == ["hosts"]


def test_cp_overwrites_nothing(dirs: str, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("mine")
    words = ("cp", "--dirs", dirs, "/etc/new", str(target))
    assert error(1, *words) == f"{target} exists"
    assert target.read_text() == "mine"
    assert nsview(*words, "--force").status == 0
    assert target.read_text() == "new"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/mine").write_text("mine")
    before = names(tmp_path)
    for more in ((), ("--force",)):
        message = error(1, "cp", "--dirs", dirs, "/etc", str(tmp_path), *more)
        assert message.startswith(f"{tmp_path}/etc ")
    assert names(tmp_path / "etc") == ["mine"]
    assert names(tmp_path) == before


def test_a_link_at_the_target_is_not_followed(dirs: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "target").symlink_to("precious")
    words = ("cp", "--dirs", dirs, "/etc/new", str(tmp_path / "target"))
    error(1, *words)
    assert nsview(*words, "--force").status == 0
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "target").is_symlink()


def test_what_is_not_there(dirs: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    assert error(3, "cp", "--dirs", dirs, "/no", out) == "/no: no such file"
    assert "no container" in error(3, "cp", "nobody-has-this-name:/etc", out)
    assert "no container" in error(3, "commit", "nobody-has-this-name", "-o", out)
    error(3, "commit", "--dirs", f"{tmp_path}/no", "-o", out)
    message = error(1, "cp", "--dirs", dirs, "/etc", f"{out}/deeper/still")
    assert message == f"cannot write {out}/deeper/still: No such file or directory"
    message = error(1, "commit", "--dirs", dirs, "-o", f"{out}/deeper")
    assert message == f"cannot write {out}/deeper: No such file or directory"
    assert nsview("commit", "--dirs", dirs, "-o", out, "-t", "Upper:case").status == 2
    assert nsview("commit", "--dirs", dirs, "-o", out, "-t", "x", "--format", "layer").status == 2
    assert nsview("commit", "--dirs", dirs, "-o", f"{out}/").status == 2
    assert nsview("cp", "/etc", out).status == 2
    assert not os.path.exists(out)


@pytest.mark.parametrize("form", ["docker", "oci", "layer", "directory"])
def test_commit_on_a_full_disk(tiny: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big/file").write_bytes(os.urandom(2 << 20))
    target = f"{tiny}/image"
    words = ("--format", "oci" if form == "directory" else form)
    where = f"{target}/" if form == "directory" else target
    message = error(1, "commit", "--dirs", f"{tmp_path}/big", "-o", where, *words)
    assert message == f"cannot write {target}: No space left on device"
    assert names(tiny) == []


def test_cp_to_a_full_disk(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "big/deep").mkdir(parents=True)
    (tmp_path / "big/deep/file").write_bytes(os.urandom(2 << 20))
    for path in ("/", "/deep/file"):
        message = error(1, "cp", "--dirs", f"{tmp_path}/big", path, f"{tiny}/out")
        assert message == f"cannot write {tiny}/out: No space left on device"
        assert names(tiny) == []


def test_stdout_on_a_full_disk(dirs: str) -> None:
    for words in (("cp", "--dirs", dirs, "/", "-"), ("commit", "--dirs", dirs, "-o", "-")):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                command(*words), stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False
            )
        assert done.returncode == exit_codes.FAILED
        assert done.stderr == b"nsview: error: cannot write to stdout: No space left on device\n"


def test_archives_are_not_for_terminals(dirs: str) -> None:
    for words in (("cp", "--dirs", dirs, "/", "-"), ("commit", "--dirs", dirs, "-o", "-")):
        done = nsview_on_a_terminal(*words)
        assert done.status == exit_codes.FAILED
        assert b"nothing for a terminal" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("what", ["commit", "cp"])
def test_interrupted(tmp_path: Path, number: signal.Signals, what: str) -> None:
    (tmp_path / "big").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "big/file").touch()
    os.truncate(tmp_path / "big/file", 1 << 40)  # a terabyte of nothing: it would take an hour
    dirs = f"{tmp_path}/big"
    words = ("commit", "--dirs", dirs, "-o", f"{out}/image")
    if what == "cp":
        words = ("cp", "--dirs", dirs, "/", f"{out}/image")
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, env=ENVIRONMENT)

    def is_at_it() -> bool:
        folder = f"/proc/{process.pid}/fd"
        try:
            links = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
        except FileNotFoundError:  # closed meanwhile
            return False
        return f"{tmp_path}/big/file" in links

    wait_until(is_at_it)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert complaint == b""
    assert names(out) == []


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big/\x1b[31mfile").write_bytes(bytes(1 << 20))
    done = nsview_on_a_terminal("commit", "--dirs", f"{tmp_path}/big", "-o", f"{tmp_path}/image")
    assert done.status == 0
    assert b"layer 1 of 1" in done.out
    assert b"\x1b[31m" not in done.out
    last = done.out.rpartition(b"\x1b[K")[2]
    assert last.startswith(b"sha256:")


def test_progress_for_who_shows_it(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big/\nfile").write_bytes(bytes(1 << 20))
    words = ("commit", "--dirs", f"{tmp_path}/big", "--json")
    assert nsview(*words, "-o", f"{tmp_path}/one").err == ""
    said = nsview(*words, "-o", f"{tmp_path}/two", "--progress").err.splitlines()
    assert said
    assert all(line.startswith("nsview: progress: layer 1 of 1  ") for line in said)


def test_dates_are_clamped(dirs: str, tmp_path: Path) -> None:
    images = []
    for number in "12":
        target = tmp_path / f"image{number}"
        done = subprocess.run(
            command("commit", "--dirs", dirs, "-o", str(target), "-t", "x"),
            env={**ENVIRONMENT, "SOURCE_DATE_EPOCH": "1000000000"},
            capture_output=True,
            check=True,
        )
        images.append((target.read_bytes(), done.stdout))
        (Path(dirs.partition(":")[0]) / "etc/hosts").touch()
    assert images[0] == images[1]
    assert b"2001-09-09T01:46:40Z" in images[0][0]
    assert stat.S_IMODE((tmp_path / "image1").stat().st_mode) == 0o600


def test_json(dirs: str, tmp_path: Path) -> None:
    target = str(tmp_path / "image")
    made = nsview("commit", "--dirs", dirs, "-o", target, "-t", "some/name", "--json").json
    assert (made["output"], made["format"]) == (target, "docker")
    assert made["image"]["name"] == "some/name:latest"
    assert [set(layer) for layer in made["layers"]] == [{"digest", "size"}] * 2
    assert made["partial"] == []


def test_without_rights(dirs: str, tmp_path: Path) -> None:
    secret = tmp_path / "lower/secret"
    secret.mkdir(mode=0o700)
    (secret / "key").write_text("key")
    (tmp_path / "lower/private").write_text("x")
    (tmp_path / "lower/private").chmod(0o600)
    folder = tmp_path
    while folder != Path("/"):
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    python = python_for_everybody()
    for words in (
        ("cp", "--dirs", dirs, "/secret", f"{out}/x"),
        ("cp", "--dirs", dirs, "/private", f"{out}/x"),
        ("cp", "--dirs", dirs, "/", "-"),
        ("commit", "--dirs", dirs, "-o", f"{out}/x"),
    ):
        done = nsview(*words, launcher=NOBODY, python=python)
        assert done.status == exit_codes.NOT_PERMITTED, done.err
        assert "may not be read" in done.err
        assert names(out) == []
    done = nsview("cp", "--dirs", dirs, "/usr", f"{out}/usr", launcher=NOBODY, python=python)
    assert done.status == 0, done.err
    assert (out / "usr/bin/tool").stat().st_uid == 65534
    assert (out / "usr/bin/tool").stat().st_mode & 0o7777 == 0o755


def test_the_host_s_root_is_no_image(tmp_path: Path) -> None:
    with sandbox("--pid") as pid:
        for ref in ("host", f"{pid}"):
            message = error(1, "commit", ref, "-o", str(tmp_path / "image"))
            assert message.endswith("is the host's own: no image")


def test_a_directory_as_root(tmp_path: Path) -> None:
    """It becomes an image of one layer, with the command that runs in it."""
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (root / "bin/busybox").chmod(0o755)
    box = subprocess.Popen(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={root}"),
            *("/bin/busybox", "sleep", "1000"),
        ],
        env={"KEY": "value"},
    )
    try:

        def inner() -> int | None:
            with open(f"/proc/{box.pid}/task/{box.pid}/children") as file:
                found = file.read().split()
            return int(found[0]) if found else None

        wait_until(lambda: inner() is not None)
        pid = inner()
        wait_until(lambda: os.readlink(f"/proc/{pid}/exe").endswith("busybox"))
        image = tmp_path / "image"
        done = nsview("commit", str(pid), "-o", str(image))
        assert done.status == 0, done.err
        with tarfile.open(image) as archive:
            table = json.load(archive.extractfile("manifest.json"))[0]  # type: ignore[arg-type]
            config = json.load(archive.extractfile(table["Config"]))  # type: ignore[arg-type]
            layer = archive.extractfile(table["Layers"][0])
            with tarfile.open(fileobj=layer) as inside:
                assert {".", "bin", "bin/busybox"} <= set(inside.getnames())
        assert config["config"] == {
            "Cmd": ["/bin/busybox", "sleep", "1000"],
            "Env": ["KEY=value"],
        }
        assert nsview("cp", f"{pid}:/bin/busybox", str(tmp_path / "bb")).status == 0
        assert (tmp_path / "bb").stat().st_size == Path("/bin/busybox").stat().st_size
    finally:
        box.kill()
        box.wait()

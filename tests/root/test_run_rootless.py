"""Sandboxes of a user who has subordinate ids, as podman's users do, and of one who lost them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import nsview
from support.processes import wait_until
from support.requirements import need_programs, need_root
from support.run import Run
from support.sandboxes import make_root
from support.user import User, account, command_for_users

#: What leaves files behind that are not the user's own on the host, nor for the user to look into.
_WRITE = "mkdir -m 700 /w /w/d; echo x >/w/d/f; busybox chown -R 33:34 /w; ls -ldn /w /w/d/f"
_OWN = "mkdir -m 700 /open/w; echo x >/open/w/f"


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    need_root()
    need_programs("busybox", "setpriv", "useradd", "userdel", "newuidmap")
    with Run() as run:
        one = account(run)
        if one.inside("exit 3").returncode != 3:
            pytest.skip("no user namespaces for users")
        (one.root / "open").mkdir()
        one.own(one.root / "open").chmod(0o1777)
        yield one
        assert one.left == []


@pytest.fixture
def name(user: User) -> Iterator[str]:
    """Of a sandbox, which is gone afterwards."""
    yield "box"
    user.nsview("rm", "-f", "box")
    assert user.left == []


def first_id(user: User) -> int:
    """The first of its subordinate ids."""
    words = [line.split(":") for line in Path("/etc/subuid").read_text().splitlines()]
    return next(int(one[1]) for one in words if one[0] == user.run("id", "-un").stdout.strip())


def start(user: User, name: str, script: str, *options: str) -> int:
    """A sandbox in the background that has written something; the PID of its number 1."""
    done = user.nsview("run", "-d", "--name", name, "--rootfs", str(user.root), *options, "--json",
                       "--", "sh", "-c", f"{script}; exec sleep 1000")  # fmt: skip
    assert done.returncode == 0, done.stderr
    pid = int(json.loads(done.stdout)["pid"])
    children = Path(f"/proc/{pid}/task/{pid}/children")

    def sleeps() -> bool:
        with contextlib.suppress(OSError):  # what the script has started ends
            for one in children.read_text().split():
                if Path(f"/proc/{one}/comm").read_text() == "sleep\n":
                    return True
        return False

    wait_until(sleeps)
    return pid


def test_the_user_is_root_and_others_are_subordinate(user: User) -> None:
    done = user.inside("id -u; cat /proc/self/uid_map; stat -c %u:%g /dev/pts; id -G")
    ids = ["0", "0", str(user.uid), "1", "1", str(first_id(user)), "65536"]
    assert done.stdout.split() == [*ids, "0:0", "0"]
    assert "user namespace" not in done.stderr
    web = user.inside("id; touch /tmp/x; ls -ln /tmp", "--user", "web", "--tmpfs", "/tmp")
    assert web.stdout.startswith("uid=1000(web) gid=1001(web) groups=1001(web),1002(log)\n")
    assert " 1000     1001 " in web.stdout
    nobody = user.inside("id -u", "--user", "65534:65534")
    assert nobody.stdout == "65534\n"
    assert user.left == []


def test_the_doctor_counts_them(user: User) -> None:
    def counted(done: tuple[int, str, str]) -> tuple[bool, str]:
        findings = json.loads(done[1])["findings"]
        found = next(one for one in findings if one["name"] == "subordinate ids")
        return found["ok"], found["found"]

    assert counted(with_files(user, {}, "doctor", "--json")) == (True, "65536")
    files: dict[str, str | Path] = {"/etc/subgid": ""}
    assert counted(with_files(user, files, "doctor", "--json")) == (False, "0")


def test_files_of_others_are_removed_with_it(user: User, name: str) -> None:
    assert user.inside(_WRITE).stdout.count(" 33       34 ") == 2
    assert user.left == []
    user.nsview("run", "--name", name, "--rootfs", str(user.root), "--", "sh", "-c", _WRITE)
    (kept,) = [one for one in user.left if len(one) == 32][:1]
    assert (user.layers / kept / "upper/w/d/f").stat().st_uid == first_id(user) + 32
    assert user.run("ls", f"{user.layers}/{kept}/upper/w").returncode
    paths = [
        one["path"] for one in json.loads(user.nsview("diff", name, "--json").stdout)["changes"]
    ]
    assert paths == ["/w", "/w/d", "/w/d/f"]
    layer = user.home / "layer.tar"
    done = user.nsview("commit", name, "--format", "layer", "-o", str(layer))
    assert done.returncode == 0, done.stderr
    with tarfile.open(layer) as file:
        owners = {(one.name, one.uid, one.gid) for one in file}
    assert owners == {("w", 33, 34), ("w/d", 33, 34), ("w/d/f", 33, 34)}
    assert layer.stat().st_uid == user.uid
    removed = user.nsview("rm", name)
    assert (removed.returncode, removed.stderr) == (0, "")
    assert user.left == []


def test_files_of_others_are_the_users_to_read(user: User, name: str) -> None:
    user.nsview("run", "--name", name, "--rootfs", str(user.root), "--", "sh", "-c", _WRITE)
    owner = first_id(user) + 32, first_id(user) + 33
    (file,) = json.loads(user.nsview("files", name, "/w/d", "--json").stdout)["entries"]
    assert (file["name"], file["uid"], file["gid"]) == ("f", *owner)  # as they are on disk
    assert user.nsview("cat", f"{name}:/w/d/f").stdout == "x\n"
    blamed = json.loads(user.nsview("blame", name, "/w/d/f", "--json").stdout)["layers"]
    assert blamed[0]["state"] == "provides"
    measured = json.loads(user.nsview("layers", "--size", name, "--json").stdout)
    assert (measured["layers"][0]["files"], measured["layers"][0]["size"]) == (1, 2)
    style = user.nsview("diff", name, "--style", "podman", "--json").stdout
    assert [one["path"] for one in json.loads(style)["changes"]] == ["/w", "/w/d", "/w/d/f"]
    upper = json.loads(user.nsview("layers", name, "--json").stdout)["layers"][0]["path"]
    (user.home / "deletes").mkdir()
    os.mknod(user.home / "deletes/w", stat.S_IFCHR)  # a whiteout
    wasted = user.nsview("waste", "--dirs", f"{user.home}/deletes:{upper}", "--json").stdout
    assert json.loads(wasted)["items"][0]["how"] == "deleted"


@pytest.mark.parametrize("options", [(), ("--map-owner",)], ids=["disk", "inside"])
def test_files_of_others_are_copied(user: User, name: str, options: tuple[str, ...]) -> None:
    script = f"{_WRITE}; ln -s f /w/d/l"
    user.nsview("run", "--name", name, "--rootfs", str(user.root), "--", "sh", "-c", script)
    as_user = user.nsview("cp", *options, f"{name}:/w", str(user.home / "copy"))
    assert as_user.returncode == 0, as_user.stderr
    assert (user.home / "copy/d/f").read_text() == "x\n"
    copied = [user.home / "copy", *(user.home / "copy").rglob("*")]
    assert {one.lstat().st_uid for one in copied} == {user.uid}
    shutil.rmtree(user.home / "copy")
    archive = user.nsview("cp", *options, f"{name}:/w", "-").stdout.encode()
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        owners = {one.name: (one.uid, one.gid) for one in file}
    first = first_id(user)
    its, own = ((33, 34), (0, 0)) if options else ((first + 32, first + 33), (user.uid, user.gid))
    assert owners == {"w": its, "w/d": its, "w/d/f": its, "w/d/l": own}


@pytest.mark.parametrize("as_root", [False, True])
def test_gc_removes_files_of_others(user: User, name: str, as_root: bool) -> None:
    pid = start(user, name, _WRITE)
    os.kill(int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]), 9)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    if as_root:
        nsview("gc")  # which may meet what others' killed ones left
    else:
        assert user.nsview("gc").returncode == 0
    assert user.left == []


def test_it_is_looked_at_and_entered_by_its_user(user: User, name: str) -> None:
    pid = start(user, name, _OWN, "--user", "web", "--env", "A=b")
    ref = f"nsview@{user.uid}/{name}"
    listed = json.loads(user.nsview("ls", "--json").stdout)["containers"]
    (one,) = [one for one in listed if one["pid"] == pid]
    assert (one["ref"], one["user"]["uid"], one["processes"]) == (ref, user.uid, 2)
    assert one["namespaces"]["pid"]["ino"]
    layers = json.loads(user.nsview("layers", name, "--json").stdout)["layers"]
    assert [layer["role"] for layer in layers] == ["upper", "init", "lower"]
    entered = user.nsview("enter", name, "--", "sh", "-c", "id -u; echo $A; cat /file; ps")
    assert entered.stdout.splitlines()[:3] == ["1000", "b", "lower"]
    assert "nsview-init" in entered.stdout
    root = user.nsview("enter", ref, "--user", "0", "--", "sh", "-c", "id -u; id -G; echo >/new")
    assert root.stdout.split() == ["0", "0"]
    filtered = user.nsview("enter", name, "--", "grep", "Seccomp", "/proc/self/status")
    assert filtered.stdout.split() == ["Seccomp:", "2", "Seccomp_filters:", "1"]
    assert filtered.stderr == ""
    numbers = user.nsview("pid", "2", "--in", name, "--json")
    assert json.loads(numbers.stdout)["container"] == ref
    assert user.nsview("stop", "-t", "0", ref).returncode == 0
    assert user.nsview("rm", ref).returncode == 0


def test_it_is_looked_at_and_ended_by_root(user: User, name: str) -> None:
    pid = start(user, name, _OWN, "--user", "web")
    ref = f"nsview@{user.uid}/{name}"
    (one,) = [one for one in nsview("ls", "--json").json["containers"] if one["ref"] == ref]
    assert (one["pid"], one["user"]["uid"], one["processes"]) == (pid, user.uid, 2)
    assert nsview("enter", ref, "--", "id", "-u").out == b"1000\n"
    paths = [change["path"] for change in nsview("diff", ref, "--json").json["changes"]]
    assert paths == ["/open", "/open/w", "/open/w/f"]
    assert nsview("stop", "-t", "5", ref).status == 0
    stopped = nsview("ls", "--all", "--json").json["containers"]
    assert next(one for one in stopped if one["ref"] == ref)["status"] == "stopped"
    assert nsview("rm", ref).status == 0
    assert user.left == []


def test_others_sandboxes_are_not_a_users_to_end(user: User) -> None:
    done = user.nsview("stop", "nsview@0/web")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        4, "nsview: error: nsview@0/web is another user's",
    )  # fmt: skip


def test_root_ends_nobody_elses_process_for_a_user(user: User, name: str) -> None:
    """Whoever forges the state of a sandbox has root do no more than the user could."""
    start(user, name, _WRITE)
    sleeper = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    try:
        ticks = Path(f"/proc/{sleeper}/stat").read_text().rpartition(")")[2].split()[19]
        (state,) = [one for one in user.state.iterdir() if len(one.name) == 32]
        true = (state / "process").read_text()
        (state / "process").write_text(f"{sleeper} {ticks}\n")
        nsview("stop", "-t", "0", f"nsview@{user.uid}/{name}")
        assert os.waitpid(sleeper, os.WNOHANG) == (0, 0)
        (state / "process").write_text(true)
    finally:
        os.kill(sleeper, 9)
        os.waitpid(sleeper, 0)


# --- what may be wrong with subordinate ids


def table(*lines: str) -> str:
    """A file of subordinate ids, to be mounted over the real one."""
    return "".join(f"{line}\n" for line in lines)


_BOTH = ("/etc/subuid", "/etc/subgid")


def with_files(user: User, files: dict[str, str | Path], *words: str) -> tuple[int, str, str]:
    """Our command with files mounted over the host's, for it alone."""
    binds = []
    for at, (path, content) in enumerate(files.items()):
        source = user.home / f"file{at}"
        if isinstance(content, Path):
            shutil.copy(content, source)
        else:
            source.write_text(content)
        source.chmod({b"\x7fE": 0o755, b"#!": 0o4755}.get(source.read_bytes()[:2], 0o644))
        binds.append(f"mount --bind {source} {path}; ")
    script = "".join(binds) + 'exec "$@"'
    done = user.nsview(*words, launcher=("unshare", "-m", "sh", "-ec", script, "sh"))
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (dict.fromkeys(_BOTH, table("somebody:100000:65536", "x", "{name}:1")), "has no ids for"),
        ({"/etc/subgid": ""}, "/etc/subgid has no ids for"),
        ({"/etc/subuid": table("{name}:4294967295:10")}, "no ids that there are"),
        ({"/usr/bin/newgidmap": ""}, "newgidmap is not installed"),
        ({"/usr/bin/newuidmap": Path("/usr/bin/newuidmap")}, "/usr/bin/newuidmap is not setuid"),
        ({"/usr/bin/newuidmap": "#!/bin/sh\necho newuidmap: no luck; exit 1\n"}, "no luck"),
    ],
)  # fmt: skip
def test_without_them_there_is_one_user_and_it_is_said(
    user: User, files: dict[str, str | Path], reason: str
) -> None:
    words = ("run", "--rm", "--rootfs", str(user.root))
    named: dict[str, str | Path] = {}
    account_name = user.run("id", "-un").stdout.strip()
    for path, content in files.items():
        is_file = isinstance(content, Path)
        named[path] = content if is_file else str(content).replace("{name}", account_name)
    status, out, said = with_files(user, named, *words, "--", "cat", "/proc/self/uid_map")
    assert (status, out.split()) == (0, ["0", str(user.uid), "1"])
    (note,) = [line for line in said.splitlines() if "user namespace" in line]
    assert reason in note
    status, _, said = with_files(user, named, *words, "--user", "web", "--", "true")
    assert (status, said.count("nsview: error: ")) == (125, 1)
    assert "stand for nobody" in said
    assert user.left == []


def test_ranges_by_number_in_parts_overlapping_and_short(user: User) -> None:
    mine = first_id(user)
    lines = (f"{user.uid}:{mine}:10", f"{user.uid}:{mine + 5}:10", "x:1:1")
    words = ("run", "--rm", "--rootfs", str(user.root), "--")
    files = dict.fromkeys(_BOTH, table(*lines))
    status, out, said = with_files(user, files, *words, "cat", "/proc/self/uid_map")
    assert (status, [line.split() for line in out.splitlines()]) == (
        0,
        [
            ["0", str(user.uid), "1"],
            ["1", str(mine), "10"],
            ["11", str(mine + 10), "5"],
        ],
    )
    assert "ids 0 to 15 only" in said
    status, _, said = with_files(user, files, *words[:-1], "--user", "16", "--", "true")
    assert status == 125
    assert "ids 0 to 15" in said


def test_ids_that_are_taken_away_keep_their_files(user: User, name: str) -> None:
    user.nsview("run", "--name", name, "--rootfs", str(user.root), "--", "sh", "-c", _WRITE)
    status, _, said = with_files(user, dict.fromkeys(_BOTH, ""), "rm", name)
    assert status == 1
    assert said.startswith("nsview: error: cannot be removed: ")
    assert "/etc/subuid" in said
    assert user.nsview("rm", name).returncode == 0


@pytest.mark.parametrize(
    ("place", "words", "reason"),
    [
        ("XDG_RUNTIME_DIR=/nowhere", (), "/nowhere/nsview cannot be made: Permission denied"),
        ("XDG_DATA_HOME=/etc/passwd", (), "/etc/passwd/nsview cannot be made: Not a directory"),
        ("A=b", ("--rootfs", "/root"), "layer /root: Permission denied"),
        ("A=b", ("--image", "/etc/passwd"), "image /etc/passwd: no archive of tar(1)"),
        ("A=b", ("--like", "host"), "no twin of host"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(
    user: User, place: str, words: tuple[str, ...], reason: str
) -> None:
    root = words or ("--rootfs", str(user.root))
    done = user.run("env", place, *command_for_users(), "run", "--rm", *root, "--", "true")
    assert done.returncode == 125
    assert done.stderr.startswith(f"nsview: error: {reason}")
    assert done.stderr.count("nsview: error") == 1
    assert user.left == []


def test_what_is_another_users_is_said(user: User) -> None:
    top = make_root(user.home / "others")
    done = user.nsview("run", "--rm", "--rootfs", str(top), "--", "sh", "-c", "cat /file; >/file")
    assert done.stdout == "lower\n"
    assert f"{top} is another user's" in done.stderr
    inside = user.nsview("run", "--rm", "--rootfs", str(user.home), "--", "true")
    assert inside.returncode == 125
    assert "XDG_DATA_HOME names another directory" in inside.stderr
    assert user.left == []


# --- images


def image(path: Path, *members: tuple[str, bytes, bytes, dict[str, object]]) -> Path:
    """An image of busybox, in a layer of its own, and another one of these members."""
    base = [("bin/busybox", tarfile.REGTYPE, Path("/bin/busybox").read_bytes(), {})]
    base += [(f"bin/{applet}", tarfile.SYMTYPE, b"", {"linkname": "busybox"})
             for applet in ("sh", "ls", "stat", "cat", "id")]  # fmt: skip
    base += [("d/", tarfile.DIRTYPE, b"", {}), ("d/low", tarfile.REGTYPE, b"", {}),
             ("gone", tarfile.REGTYPE, b"", {})]  # fmt: skip
    layers = [tar(base), tar(list(members))]
    config = {
        "config": {"Cmd": ["/bin/sh", "-c", "id -u"], "User": "33:33"},
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in layers]},
    }
    manifest = [{"Config": "c.json", "Layers": ["0", "1"]}]
    files = {"manifest.json": manifest, "c.json": config}
    whole = [(name, tarfile.REGTYPE, json.dumps(one).encode(), {}) for name, one in files.items()]
    path.write_bytes(
        tar([*whole, *((str(at), tarfile.REGTYPE, one, {}) for at, one in enumerate(layers))])
    )
    path.chmod(0o644)
    return path


def tar(members: list[tuple[str, bytes, bytes, dict[str, object]]]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as file:
        for name, kind, data, more in members:
            one = tarfile.TarInfo(name)
            one.type, one.size, one.mode = kind, len(data), 0o755
            for key, value in more.items():
                setattr(one, key, value)
            file.addfile(one, io.BytesIO(data))
    return whole.getvalue()


_OVERLAY = {"SCHILY.xattr.user.overlay.opaque": "y", "SCHILY.xattr.user.kept": "z"}


@pytest.fixture(scope="module")
def archive(user: User) -> Path:
    return image(
        user.home / "image.tar",
        ("web", tarfile.REGTYPE, b"x", {"uid": 33, "gid": 34, "mode": 0o6755}),
        ("own", tarfile.REGTYPE, b"x", {"mode": 0o4711}),
        ("far", tarfile.REGTYPE, b"x", {"uid": 1 << 20}),
        (".wh.gone", tarfile.REGTYPE, b"", {}),
        ("d/.wh..wh..opq", tarfile.REGTYPE, b"", {}),
        ("disk", tarfile.BLKTYPE, b"", {"devmajor": 8, "devminor": 0}),
        ("forged/", tarfile.DIRTYPE, b"", {"pax_headers": _OVERLAY}),
    )


_LOOK = "id -u; stat -c %u:%g:%a /web /own /far; ls -d /gone /d/low /disk; ls -d /forged"


def test_an_image_keeps_its_owners_and_its_deletions(user: User, archive: Path, name: str) -> None:
    done = user.nsview("run", "--image", str(archive), "--name", name, "--", "sh", "-c", _LOOK)
    assert done.stdout.split() == ["33", "33:34:6755", "0:0:4711", "0:0:755", "/forged"]
    assert "1 device nodes" in done.stderr
    assert "1 files" in done.stderr
    (kept,) = {one for one in user.left if len(one) == 32}
    forged = user.layers / kept / "layer-1/forged"
    assert os.listxattr(forged) == ["user.kept"]
    assert stat.S_ISCHR((user.layers / kept / "layer-1/gone").stat().st_mode)
    shown = json.loads(user.nsview("files", name, "/", "--json").stdout)["entries"]
    assert {"gone", "disk"}.isdisjoint(entry["name"] for entry in shown)
    inner = json.loads(nsview("files", f"nsview@{user.uid}/{name}", "/d", "--json").out)["entries"]
    assert inner == []
    assert user.nsview("rm", name).returncode == 0
    strict = user.nsview("run", "--rm", "--strict", "--image", str(archive))
    assert strict.returncode == 125
    assert user.left == []


def test_an_image_of_one_user(user: User, archive: Path) -> None:
    files: dict[str, str | Path] = dict.fromkeys(_BOTH, "")
    words = ("run", "--rm", "--image", str(archive), "--", "sh", "-c", _LOOK)
    status, out, said = with_files(user, files, *words)
    assert (status, out.split()) == (0, ["0", "0:0:755", "0:0:4711", "0:0:755", "/forged"])
    assert "2 files" in said
    assert "the command is run as root: user 33:33" in said
    status, _, said = with_files(user, files, *words[:1], "--strict", *words[1:])
    assert (status, said.count("nsview: error: not allowed by this host: ")) == (125, 1)
    assert user.left == []


@pytest.mark.parametrize(
    "bad",
    [
        ("../x", tarfile.REGTYPE, b"", {}),
        ("x", tarfile.CHRTYPE, b"", {"devmajor": 0, "devminor": 0}),
        ("x", tarfile.LNKTYPE, b"", {"linkname": "nowhere"}),
    ],
)  # fmt: skip
def test_a_harmful_image_leaves_nothing(
    user: User, bad: tuple[str, bytes, bytes, dict[str, object]]
) -> None:
    path = image(user.home / "bad.tar", ("web", tarfile.REGTYPE, b"", {"uid": 33}), bad)
    done = user.nsview("run", "--rm", "--image", str(path))
    assert done.returncode == 125
    assert done.stderr.startswith(f"nsview: error: image {path}: ")
    assert done.stderr.count("\n") == 1
    assert user.left == []

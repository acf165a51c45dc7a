"""Sandboxes from image archives: what is unpacked, and what is not."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from support.command import nsview
from support.images import REFERENCE, make_archive
from support.sandboxes import fingerprint, nothing_left, sandboxes


@pytest.fixture(scope="module")
def image(place: Path) -> Path:
    path = place / "image.tar"
    make_archive(path)
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **more: object
) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.type, found.size, found.mode = kind, len(data), 0o755
    for key, value in more.items():
        setattr(found, key, value)
    return found, data


def tar(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as file:
        for one, data in members:
            file.addfile(one, io.BytesIO(data))
    return whole.getvalue()


def archive(path: Path, *layers: list[tuple[tarfile.TarInfo, bytes]], **process: object) -> Path:
    """An image in docker's format; `process` is what its config says of that."""
    blobs = [tar(one) for one in layers]
    config = {
        "config": {"Cmd": ["/bin/sh"], **process},
        "rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in blobs]},
    }
    names = [f"{at}.tar" for at in range(len(blobs))]
    manifest = [{"Config": "config.json", "Layers": names}]
    path.write_bytes(
        tar(
            [
                member("manifest.json", data=json.dumps(manifest).encode()),
                member("config.json", data=json.dumps(config).encode()),
                *(member(name, data=blob) for name, blob in zip(names, blobs, strict=True)),
            ]
        )
    )
    return path


def busybox() -> list[tuple[tarfile.TarInfo, bytes]]:
    applets = [member(f"bin/{name}", tarfile.SYMTYPE, linkname="busybox")
               for name in ("sh", "ls", "cat", "stat", "find")]  # fmt: skip
    return [
        member("bin", tarfile.DIRTYPE),
        member("bin/busybox", data=Path("/bin/busybox").read_bytes()),
        *applets,
    ]


def look(path: Path, script: str) -> bytes:
    done = nsview("run", "--image", str(path), "--rm", "--", "sh", "-c", script)
    assert done.status == 0, done.err
    return done.out


def test_layers_whiteouts_and_the_images_own_command(image: Path) -> None:
    assert look(image, "ls -d /one /two /d/x 2>/dev/null; true") == b"/d/x\n/two\n"
    done = nsview("run", "--image", str(image), "-d", "--json")
    found = done.json
    try:
        listed = nsview("ls", "--json").json["containers"]
        mine = next(one for one in listed if one["ref"] == found["ref"])
        assert mine["image"] == REFERENCE
        layers = nsview("layers", found["id"][:12], "--json").json["layers"]
        assert [one["role"] for one in layers] == ["upper", "init", *["lower"] * 3]
        assert layers[2]["created_by"].startswith("RUN rm /one")
        assert all(one["digest"].startswith("sha256:") for one in layers[2:])
        assert b"sleep" in nsview("ps", found["id"][:12]).out
    finally:
        assert nsview("rm", "-f", found["id"]).status == 0


def test_what_a_layer_can_hold(place: Path) -> None:
    path = archive(
        place / "rich.tar",
        [
            *busybox(),
            member("d", tarfile.DIRTYPE), member("d/old", data=b"old"),
            member("suid", data=b"x", mode=0o4755, uid=5, gid=6, mtime=1_000_000_000),
            member("hard", tarfile.LNKTYPE, linkname="suid"),
            member("pipe", tarfile.FIFOTYPE),
            member("device", tarfile.CHRTYPE, devmajor=1, devminor=3),
        ],
        [member("d/.wh..wh..opq"), member("d/new", data=b"new"), member("./.wh.pipe")],
    )  # fmt: skip
    script = "stat -c '%n %a %u:%g %h %Y %F' /suid /device; ls /d; ls /pipe 2>&1"
    lines = look(path, script + "; true").decode().splitlines()
    assert lines[0] == "/suid 4755 5:6 2 1000000000 regular file"
    assert lines[1].endswith("character special file")
    assert lines[2] == "new"
    assert "No such file" in lines[3]


@pytest.mark.parametrize(
    "hostile",
    [
        [member("../escaped", data=b"x")],
        [member("a/../../escaped", data=b"x")],
        [
            member("link", tarfile.SYMTYPE, linkname="/etc"),
            member("hard", tarfile.LNKTYPE, linkname="link/passwd"),
        ],
        [member("hard", tarfile.LNKTYPE, linkname="../../../../etc/passwd")],
        [member("hard", tarfile.LNKTYPE, linkname="/etc/passwd")],
        [member("white", tarfile.CHRTYPE, devmajor=0, devminor=0)],
        [member(".wh...", data=b"")],
        [member(".wh.", data=b"")],
        [member("nobody", data=b"x", uid=-2)],
    ],
    ids=["dots", "inner", "link", "hard link", "absolute", "forged", "parent", "nothing", "owner"],
)
def test_archives_that_mean_harm_are_refused(
    place: Path, hostile: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    known = sandboxes()
    path = archive(place / "hostile.tar", busybox(), hostile)
    done = nsview("run", "--image", str(path), "--rm", "--", "true")
    assert (done.status, done.err.count("\n")) == (125, 1), done.err
    nothing_left(known)
    assert not list(place.rglob("escaped"))


@pytest.mark.parametrize(
    "process",
    [
        {"WorkingDir": "/a\0b"},
        {"Cmd": ["/bin/sh", "\0"]},
        {"Env": ["A=\0", "\ud800=x"]},
        {"Entrypoint": "/bin/sh", "Cmd": [5], "User": {}},
    ],
    ids=["directory", "command", "environment", "types"],
)
def test_what_an_image_says_not_well_is_left_out(place: Path, process: dict[str, object]) -> None:
    path = archive(place / "odd.tar", busybox(), **process)
    done = nsview("run", "--image", str(path), "--rm")
    assert (done.status, done.err) == (0, "")


def test_links_on_the_way_stay_inside(place: Path) -> None:
    victim = place / "victim"
    victim.mkdir()
    before = fingerprint(victim)
    path = archive(
        place / "links.tar",
        [
            *busybox(),
            member("out", tarfile.SYMTYPE, linkname=f"../../../../../..{victim}"),
            member("inside", tarfile.DIRTYPE),
            member("in", tarfile.SYMTYPE, linkname="/inside"),
            member("in/file", data=b"x"),
        ],
    )
    assert look(path, "ls /inside") == b"file\n"
    through = archive(
        place / "through.tar",
        [
            *busybox(),
            member("out", tarfile.SYMTYPE, linkname=str(victim)),
            member("out/x", data=b"x"),
        ],
    )
    assert nsview("run", "--image", str(through), "--rm", "--", "true").status == 125
    assert fingerprint(victim) == before


def test_damaged_archives(image: Path, place: Path) -> None:
    known = sandboxes()
    whole = image.read_bytes()
    broken = place / "broken.tar"
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for data in (b"", b"no archive", whole[: len(whole) // 3], whole[:-20480], bytes(flipped)):
        broken.write_bytes(data)
        done = nsview("run", "--image", str(broken), "--rm", "--", "true")
        assert (done.status, done.err.count("\n")) == (125, 1), done.err
    assert nsview("run", "--image", "/nowhere", "--", "true").status == 125
    nothing_left(known)


def test_a_compressed_archive_and_an_oci_layout(image: Path, place: Path) -> None:
    import gzip

    packed = place / "image.tar.gz"
    packed.write_bytes(gzip.compress(image.read_bytes(), 1))
    assert look(packed, "cat /two") == b"two\n"
    kept = nsview("run", "--image", str(image), "--json", "--", "sh", "-c", "echo x >/mine")
    name = kept.json["id"][:12]
    try:
        for form in ("docker", "oci"):
            out = place / f"committed.{form}"
            assert nsview("commit", name, "-o", str(out), "--format", form).status == 0
            assert look(out, "cat /mine /two") == b"x\ntwo\n"
    finally:
        nsview("rm", name)


def test_a_twin_has_the_layers_and_not_the_changes(image: Path) -> None:
    first = nsview("run", "--image", str(image), "-d", "--json", "--", "/bin/sh", "-c",
                   "touch /mine; rm /two; touch /ready; exec sleep 1000")  # fmt: skip
    name = first.json["id"][:12]
    upper = Path(first.json["upper"])
    try:
        from support.processes import wait_until

        wait_until((upper / "ready").exists)
        before = fingerprint(upper.parent)
        done = nsview("run", "--like", name, "--rm", "--", "sh", "-c", "ls /mine /two; touch /new")
        assert done.out == b"/two\n"
        assert fingerprint(upper.parent) == before
        assert nsview("run", "--like", "nobody-knows", "--", "true").status == 3
    finally:
        nsview("rm", "-f", name)


def test_a_twin_of_what_is_no_overlay(place: Path) -> None:
    done = nsview("run", "--like", str(os.getpid()), "--", "true")
    assert done.status in (3, 125)
    assert done.err.startswith("nsview: error: ")

"""An image from nothing: busybox in layers that add, replace and delete files.

No registry is asked. ``docker load``, ``podman load`` and ``ctr images import`` take the archive.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "ls", "ps", "cat", "sleep", "rm", "mkdir", "touch", "id", "mount", "ip", "nc")
REFERENCE = "docker.io/library/nsview-test:latest"
COMMAND = ("/bin/sleep", "100000")
_EPOCH = "2001-09-09T01:46:40Z"

#: What each layer holds: path -> contents. A directory ends in ``/``, a whiteout begins with .wh.
_LAYERS: tuple[tuple[str, dict[str, bytes]], ...] = (
    ("RUN echo one >/one && mkdir /d && echo x >/d/x", {"one": b"one\n", "d/": b"", "d/x": b"x\n"}),
    ("RUN rm /one && echo two >/two", {".wh.one": b"", "two": b"two\n"}),
)


def make_archive(path: Path) -> str:
    """Write the image as ``docker save`` does and return its id (the digest of its config)."""
    history = [("COPY bb/ / # buildkit", _base())]
    history += [(created_by, _tar(_small(files))) for created_by, files in _LAYERS]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": _EPOCH,
        "config": {"Cmd": list(COMMAND), "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for _, layer in history]},
        "history": [{"created": _EPOCH, "created_by": words} for words, _ in history]
        + [{"created": _EPOCH, "created_by": f"CMD {list(COMMAND)}", "empty_layer": True}],
    }
    text = json.dumps(config).encode()
    name = hashlib.sha256(text).hexdigest()
    entries = {f"{name}.json": text}
    entries |= {f"{index}/layer.tar": layer for index, (_, layer) in enumerate(history)}
    manifest = {
        "Config": f"{name}.json",
        "RepoTags": [REFERENCE],
        "Layers": [entry for entry in entries if entry.endswith("layer.tar")],
    }
    entries["manifest.json"] = json.dumps([manifest]).encode()
    path.write_bytes(_tar([(_member(name, data), data) for name, data in entries.items()]))
    return f"sha256:{name}"


def make_rootfs(directory: Path) -> Path:
    """A directory tree with busybox that LXC, nspawn and bubblewrap can take as ``/``."""
    for name in ("bin", "proc", "sys", "dev/pts", "dev/shm", "usr", "etc", "tmp", "run", "root"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, directory / "bin/busybox")
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    (directory / "etc/os-release").write_text("ID=nsview-test\nVERSION_ID=1\n")
    return directory


_Entry = tuple[tarfile.TarInfo, bytes]


def _member(name: str, data: bytes, mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name.rstrip("/"))
    member.size = len(data)
    member.mode = mode
    if name.endswith("/"):
        member.type = tarfile.DIRTYPE
        member.mode = 0o755
    return member


def _small(files: dict[str, bytes]) -> list[_Entry]:
    return [(_member(name, data), data) for name, data in files.items()]


def _base() -> bytes:
    busybox = Path(BUSYBOX).read_bytes()
    entries = _small(
        {"bin/": b"", "etc/": b"", "etc/passwd": b"root:x:0:0::/:/bin/sh\n", "tmp/": b""}
    )
    entries.append((_member("bin/busybox", busybox, 0o755), busybox))
    for applet in APPLETS:
        link = _member(f"bin/{applet}", b"")
        link.type = tarfile.SYMTYPE
        link.linkname = "busybox"
        entries.append((link, b""))
    return _tar(entries)


def _tar(entries: list[_Entry]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, data in entries:
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

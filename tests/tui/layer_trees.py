"""A small stack of real directories: whiteouts, an opaque directory, hostile names and contents."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from nsview.layers.stack import Layer, OverlayRules, Stack

#: What somebody may call a file to make a terminal or this program obey.
HOSTILE_FILE = "\x1b]0;owned\x07[red]x[@click=app.quit] \x9b2J\udcff\u202egnp"
HOSTILE_TEXT = b"\x1b]0;owned\x07[/nope]\tx \xc2\x9b2J\n\xff\xfe end\n"


def write(root: Path, path: str, content: bytes | str = b"", mode: int = 0o644) -> None:
    """A file with its directories."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    target.chmod(mode)


def whiteout(root: Path, path: str) -> None:
    """What the overlay makes of a deletion; anybody may make such a device (Linux 5.8)."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(target, stat.S_IFCHR, os.makedev(0, 0))


def opaque(root: Path, path: str) -> None:
    """A directory that hides what is below."""
    target = root / path
    target.mkdir(parents=True, exist_ok=True)
    os.setxattr(target, "user.overlay.opaque", b"y")


def make_layers(where: Path, *, hostile: bool = False) -> list[Path]:
    """Topmost first: writable, init, and two of an image."""
    upper, init, site, base = (where / name for name in ("upper", "init", "site", "base"))
    for one in (upper, init, site, base):
        one.mkdir(parents=True)
    write(base, "etc/hosts", "127.0.0.1 localhost\n")
    write(base, "etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    write(base, "etc/old.conf", b"#" * 120_000)
    write(base, "usr/bin/tool", b"\x7fELF\0" * 500, 0o755)
    write(base, "var/cache/apt/index", b"i" * 3_000_000)
    (base / "bin").symlink_to("usr/bin")
    write(site, "srv/site/index.html", "<h1>hello</h1>\n")
    write(site, "etc/passwd", "root:x:0:0::/root:/bin/sh\nwww:x:101:101::/:/bin/false\n")
    write(init, "etc/hosts")
    write(upper, "etc/app.conf", "listen\t80\n" * 5)
    write(upper, "etc/passwd", "root::0:0::/root:/bin/sh\n")
    whiteout(upper, "etc/old.conf")
    opaque(upper, "var/cache/apt")
    if hostile:
        write(upper, f"etc/{HOSTILE_FILE}", HOSTILE_TEXT)
        write(base, f"{HOSTILE_FILE}/{HOSTILE_FILE}", HOSTILE_TEXT)
        (upper / "link").symlink_to(HOSTILE_FILE)
        whiteout(upper, f"{HOSTILE_FILE}/{HOSTILE_FILE}")
    return [upper, init, site, base]


def stack_of(layers: list[Path], **more: object) -> Stack:
    """The stack as an engine with docker's way of doing it would have it."""
    roles = ["upper", "init", *["lower"] * (len(layers) - 2)]
    made_by = {2: "COPY site/ /srv/site", len(layers) - 1: "/bin/sh -c apt-get install -y nginx"}
    return Stack(
        layers=tuple(
            Layer(
                index=index, role=role, writable=index == 0, path=str(path), shown_as=str(path),
                resolution="exact", created_by=made_by.get(index) if role == "lower" else None,
                digest=f"sha256:{index:064x}" if role == "lower" else None,
            )
            for index, (path, role) in enumerate(zip(layers, roles, strict=True))
        ),
        rules=OverlayRules(xattr_prefix="user.overlay."),
        **more,
    )  # fmt: skip

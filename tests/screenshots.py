"""Make the pictures of the README: the real program, looking at real containers.

sudo python -m tests.screenshots          (from the checkout; needs the engines of .ci/run)
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # as pytest's pythonpath does

from support.engines import (
    BridgedDocker,
    Bubblewrap,
    Containerd,
    Engine,
    Lxc,
    Nspawn,
    Podman,
    engine,
)
from textual.pilot import Pilot

from nsview.host.host import Host
from nsview.tui.app import NsviewApp

_PICTURES = Path(__file__).parent.parent / "screenshots"
_SIZE = (120, 30)
#: Looks at the host before a picture is taken: the charts show as many.
_LOOKS = 30
_INTERVAL = 0.5

#: A small web shop: a nested pid namespace and some children, for the process tree; and some work.
_SERVER = """\
busybox httpd -f -p 8080 & busybox unshare -fp sh -c 'sleep 900 & sleep 901' &
while :; do busybox sha256sum /bin/busybox >/dev/null; busybox usleep 30000; done"""
_LIMITS = ("--cpus=0.5", "--memory=64m", "--pids-limit=100")

#: What it did since: added, changed, deleted.
_CHANGES = "mkdir -p /srv/site; echo hello >/srv/site/index.html; echo 2 >>/two; rm /d/x"

#: picture -> keys from the home page, on the container `web`.
_PAGES = {
    "home": (),
    "summary": ("enter",),
    "processes": ("enter", "2"),
    "layers": ("enter", "3"),
    "changes": ("enter", "4"),
    "files": ("enter", "5"),
    "mounts": ("enter", "6"),
    "namespaces": ("enter", "7"),
    "net": ("enter", "8"),
    "limits": ("enter", "9"),
    "pulse": ("colon", *"pulse", "enter"),
    "wiring": ("colon", *"wiring", "enter"),
    "new": ("n",),
}


def _start_containers(engines: dict[type[Engine], Engine]) -> None:
    docker = engines[BridgedDocker]
    assert isinstance(docker, BridgedDocker)
    run = ("run", "--pull=never", "--detach")
    web = ("--name=web", "--network=bridge", "--publish=8080:8080", "--cap-add=SYS_ADMIN", *_LIMITS)
    docker.docker(*run, *web, docker.image, "sh", "-c", _SERVER)
    docker.docker("exec", "web", "sh", "-c", _CHANGES)
    docker.docker(*run, "--name=db", "--network=bridge", docker.image)
    docker.docker(*run, "--name=worker", "--network=none", docker.image)
    docker.docker("pause", "worker")
    host = ("--network=host", "--pid=host")
    docker.docker(*run, "--name=agent", *host, docker.image)
    podman = engines[Podman]
    assert isinstance(podman, Podman)
    podman.podman("run", "--detach", "--name", "cache", "--network=none", podman.image)
    containerd = engines[Containerd]
    assert isinstance(containerd, Containerd)
    containerd.start_pod("cart", "proxy")
    for kind in (Lxc, Nspawn, Bubblewrap):
        engines[kind].start()  # type: ignore[attr-defined]  # each of these three has it


async def _take(name: str, keys: tuple[str, ...]) -> None:
    app = NsviewApp(Host(), interval=_INTERVAL, theme="textual-dark", keymap={})
    async with app.run_test(size=_SIZE) as pilot:
        await _scanned(app, pilot, _LOOKS)
        await _go_to_web(app, pilot)
        for key in keys:
            await pilot.press(key)
            await _settled(app, pilot)
        app.action_freeze()
        app.screen.refresh()
        await pilot.pause()
        (_PICTURES / f"{name}.svg").write_text(app.export_screenshot(title="sudo nsview"))


async def _scanned(app: NsviewApp, pilot: Pilot[None], times: int) -> None:
    last = None
    while times:
        await pilot.pause(0.05)
        if app.snapshot is not last:
            last, times = app.snapshot, times - 1
    app.action_freeze()  # figures that move would never let a page settle
    await _settled(app, pilot)


async def _settled(app: NsviewApp, pilot: Pilot[None]) -> None:
    # What a page asked of the scanner has arrived when nothing has changed for some looks.
    before = None
    for _ in range(100):
        await pilot.pause(0.1)
        now = app.export_screenshot(simplify=True)
        if now == before:
            return
        before = now


async def _go_to_web(app: NsviewApp, pilot: Pilot[None]) -> None:
    for key in ("slash", *"web", "enter"):
        await pilot.press(key)
    await _settled(app, pilot)
    await pilot.press("escape")
    await _settled(app, pilot)


def main() -> None:
    """Start containers of every engine, take all pictures, and leave nothing behind."""
    _PICTURES.mkdir(exist_ok=True)
    kinds: tuple[type[Engine], ...] = (BridgedDocker, Podman, Containerd, Lxc, Nspawn, Bubblewrap)
    with contextlib.ExitStack() as stack:
        engines = {kind: stack.enter_context(engine(kind)) for kind in kinds}
        _start_containers(engines)
        for name, keys in _PAGES.items():
            asyncio.run(_take(name, keys))
            print(_PICTURES / f"{name}.svg")


if __name__ == "__main__":
    main()

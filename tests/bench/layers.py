"""How fast layers are read here and now: ``sudo python tests/bench/layers.py``.

A real docker with an image of 100,000 files, of which a container changes 2,700. It never fails by
time: the ratios, measured in turns, say more than the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bench import report
from programs import NSVIEW, medians
from support.engines import Docker, Missing
from support.run import Run

from nsview.host.host import Host
from nsview.tui.app import NsviewApp
from nsview.tui.container import ContainerScreen
from nsview.tui.file_tree import FileTree
from nsview.tui.settings import Settings
from nsview.tui.stack_pane import StackPane

_SMALL, _FILES = 50, 1000
_LARGE = 50_000
_DELETED, _MODIFIED, _ADDED = 1000, 1000, 700
_SIZE = (160, 45)
_ROUNDS = 5


def make_image(docker: Docker, where: Path) -> str:
    """Fifty directories of 1,000 files and one of 50,000."""
    archive = where / "large.tar"
    with tarfile.open(archive, "w") as tar:
        for number in range(_SMALL):
            _add_files(tar, f"data/{number:02}", _FILES)
        _add_files(tar, "data/large", _LARGE)
        tar.add("/bin/busybox", "bin/busybox")
    docker.docker("import", "--change", 'CMD ["/bin/busybox", "sleep", "100000"]',
                  str(archive), "large-test:latest")  # fmt: skip
    archive.unlink()
    return "large-test:latest"


def _add_files(tar: tarfile.TarFile, directory: str, count: int) -> None:
    for number in range(count):
        content = f"{directory} {number}\n".encode()
        one = tarfile.TarInfo(f"{directory}/file-{number:05}")
        one.size = len(content)
        tar.addfile(one, io.BytesIO(content))


def mutate(root: Path) -> None:
    """2,700 files, in every directory some."""
    paths = [root / f"data/{number % _SMALL:02}/file-{number:05}" for number in range(_FILES)]
    for path in paths[:_DELETED]:
        path.unlink()
    for number in range(_MODIFIED):
        with (root / f"data/large/file-{number * 49:05}").open("a") as file:
            file.write("more\n")
    for number in range(_ADDED):
        (root / f"data/{number % _SMALL:02}/new-{number}").write_text("new\n")


def diffs(docker: Docker, container: Any) -> None:
    """End to end: both are processes that are started for it, and print the same."""
    theirs = (*docker.client, "diff", container.id)
    ours = (*NSVIEW, "diff", str(container.pid))
    wanted = set(
        subprocess.check_output(theirs, text=True, env=docker.run.environment).splitlines()
    )
    found = {
        f"{line.split()[0]} {line.split()[-1]}"
        for line in subprocess.check_output(ours, text=True).splitlines()[1:]
    }
    report("changes of docker diff, of nsview diff", f"{len(wanted)}, {len(found)}",
           "the same" if wanted == found else "NOT THE SAME")  # fmt: skip
    times = medians({"docker": theirs, "nsview": ours}, _ROUNDS)
    their_time, our_time = times["docker"], times["nsview"]
    report("docker diff", f"{their_time:.0f} ms")
    report("nsview diff", f"{our_time:.0f} ms")
    report("docker diff : nsview diff", f"{their_time / our_time:.1f}", "at least 10")


async def open_tabs(pid: int) -> None:
    """The Layers tab of the container, then directories in its Files tab, in the UI itself."""
    app = NsviewApp(Host(), settings=Settings())
    async with app.run_test(size=_SIZE):
        await _until(lambda: app.snapshot is not None)
        ref = app.find_container(str(pid)).ref
        took: dict[str, list[float]] = {}
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            page = ContainerScreen(ref, "layers")
            app.push_screen(page)
            await _until(lambda page=page: [one for one in page.query(StackPane) if one.table.rows])
            took.setdefault("the stack", []).append(time.perf_counter() - began)
            app.pop_screen()
            page = ContainerScreen(ref, "files")
            app.push_screen(page)
            for path in ("/data", "/data/07", "/data/large"):
                await _until(lambda page=page, path=path: _has(page, path))
                began = time.perf_counter()
                page.query_one("#tab-4 FileTree", FileTree).toggle_row(path)
                await _until(lambda page=page, path=path: _has(page, f"{path}/"))
                took.setdefault(path, []).append(time.perf_counter() - began)
            app.pop_screen()
    for what, target in (("the stack", 200), ("/data/07", 100), ("/data/large", 100)):
        figure = statistics.median(took[what]) * 1000
        report(f"until the UI shows {what}", f"{figure:.0f} ms", f"at most {target} ms")


def _has(page: ContainerScreen, beginning: str) -> bool:
    trees = page.query("#tab-4 FileTree").results(FileTree)
    return any(str(row.key).startswith(beginning) for tree in trees for row in tree.table.rows)


async def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.002)


def walk_a_million(where: Path) -> None:
    """The sizes of a layer of 1,000,000 files."""
    for number in range(1000):
        directory = where / f"many/{number:03}"
        directory.mkdir(parents=True)
        fd = os.open(directory, os.O_RDONLY)
        for file in range(1000):
            os.mknod(f"{file:03}", dir_fd=fd)
        os.close(fd)
    (where / "upper").mkdir()
    began = time.perf_counter()
    words = (*NSVIEW, "layers", "--size", "--dirs", f"{where}/upper:{where}/many")
    pid = os.posix_spawn(words[0], list(words), os.environ)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    report("sizes of 1,000,000 files", f"{time.perf_counter() - began:.1f} s")
    report("... memory", f"{_peak_mb(usage):.0f} MB", "at most 150 MB")


def _peak_mb(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the million files")
    arguments = parser.parse_args()
    if os.geteuid() or not shutil.which("busybox"):
        sys.exit("needs root and busybox")
    load = os.getloadavg()[0]
    report("load average, CPUs", f"{load:.1f}, {os.cpu_count()}", "measured alone? then below 0.5")
    with Run() as run:
        try:
            docker = Docker(run)
        except Missing as lack:
            sys.exit(f"docker: {lack}")
        docker.image = make_image(docker, run.directory)
        container = docker.start()
        mutate(Path(f"/proc/{container.pid}/root"))
        diffs(docker, container)
        asyncio.run(open_tabs(container.pid))
        docker.remove(container)
        if not arguments.quick:
            walk_a_million(run.directory)


if __name__ == "__main__":
    main()

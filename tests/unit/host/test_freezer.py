"""Who is paused, look by look."""

from __future__ import annotations

import os
from pathlib import Path

from nsview.host.freezer import Freezer
from nsview.kernel.cgroup_files import KeptFiles
from nsview.kernel.cgroupfs import Cgroupfs, Hierarchy
from nsview.kernel.task import CgroupPath

WEB, DB = ((CgroupPath(0, "", path),) for path in ("/web", "/db"))


def freeze(directory: Path, frozen: bool) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "cgroup.freeze").write_text(f"{frozen:d}\n")


def test_each_look_asks_again_and_once_for_each(tmp_path: Path) -> None:
    hierarchy = Hierarchy(version=2, options=frozenset(), root="/", target=str(tmp_path))
    asked: list[str] = []
    files = KeptFiles()

    def read(path: str) -> bytes | None:
        asked.append(os.path.relpath(path, tmp_path))
        return files.read(path)

    freezer = Freezer(Cgroupfs((hierarchy,)), read)
    freeze(tmp_path / "web", False)
    freeze(tmp_path / "db", True)
    for frozen in (False, True, False):
        freeze(tmp_path / "web", frozen)
        is_frozen = freezer.look()
        assert [is_frozen(one) for one in (WEB, DB, WEB, DB)] == [frozen, True] * 2
        files.sweep()
    assert asked[:4] == ["web/cgroup.events", "web/cgroup.freeze",
                         "db/cgroup.events", "db/cgroup.freeze"]  # fmt: skip
    assert len(asked) == 12
    assert freezer.look()(WEB) is False
    assert len(files) == 2
    files.sweep()
    assert len(files) == 1
    files.close()


def test_a_group_that_is_made_again_is_another_one(tmp_path: Path) -> None:
    hierarchy = Hierarchy(version=2, options=frozenset(), root="/", target=str(tmp_path))
    freezer = Freezer(Cgroupfs((hierarchy,)), KeptFiles().read)
    assert not freezer.look()(WEB)
    freeze(tmp_path / "web", True)
    assert freezer.look()(WEB)

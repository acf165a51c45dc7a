"""What all tests share: the directories of root tests ask for root by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from support.requirements import need_root

# A busy or emulated machine is no reason to fail: what a property needs is an answer, not its time.
settings.register_profile("nsview", deadline=None)
settings.load_profile("nsview")

_AS_ROOT = {Path(__file__).parent / name for name in ("root", "engines")}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail what needs root, before its fixtures start anything."""
    if not _AS_ROOT.isdisjoint(item.path.parents):
        need_root()

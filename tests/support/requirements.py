"""What a machine must have for a test, and what happens when it has not."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

#: Set to 1, a missing engine or missing rights fail the test instead of skipping it.
REQUIRE = "NSVIEW_REQUIRE_ENGINES"


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be missing."""
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{reason} ({REQUIRE}=1)", pytrace=False)
    pytest.skip(reason)


def need_root() -> None:
    """Namespaces of one's own and other people's processes take root."""
    if os.geteuid():
        missing("needs root")


def need_programs(*names: str) -> None:
    """The test runs these."""
    for name in names:
        if not shutil.which(name):
            missing(f"{name} is not installed")

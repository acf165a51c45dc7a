"""Ctrl-C while nsview is still being loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("start", [("-m", "nsview"), ("-c", "import nsview.__main__ as it, sys; "
                                                            "sys.exit(it.run())")])  # fmt: skip
def test_an_interrupt_while_loading_is_no_traceback(tmp_path: Path, start: tuple[str, ...]) -> None:
    # It comes while the first module of the command line is imported, always.
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, *start, "ls"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")

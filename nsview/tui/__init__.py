"""The terminal UI: one screen or widget a file."""

from __future__ import annotations

import os

#: Textual obeys these: code to load, files to write, keys to press. Root does not take them from
#: an environment that may be somebody else's. They are read when textual is imported.
_NOT_FOR_ROOT = (
    "TEXTUAL_DRIVER",
    "TEXTUAL_LOG",
    "TEXTUAL_PRESS",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_SCREENSHOT_LOCATION",
    "TEXTUAL_SCREENSHOT_FILENAME",
    "TEXTUAL_DEBUG",
)

if os.geteuid() == 0:
    for _name in _NOT_FOR_ROOT:
        os.environ.pop(_name, None)

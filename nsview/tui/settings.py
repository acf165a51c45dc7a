"""``$XDG_CONFIG_HOME/nsview/config.toml``: the theme, and keys by the id of what they do.

::

    theme = "ansi-dark"

    [keys]
    "app.freeze" = "f7,Z"
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Nobody writes so many keys by hand.
_LARGEST_FILE = 256 * 1024
_THEME_LINE = re.compile(r"^theme[ \t]*=.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user has chosen; `problems` is what could not be used, in words."""

    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    path: Path | None = None
    """Where a choice is remembered; None: nowhere."""


def settings_path() -> Path:
    """The file, whether it is there or not."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the XDG specification says to ignore relative ones
        base = os.path.expanduser("~/.config")
    return Path(base, "nsview", "config.toml")


def read_settings(path: Path | None = None) -> Settings:
    """Read the file. Never raises: what is wrong with it is in `problems`."""
    path = path or settings_path()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(_LARGEST_FILE)
    except FileNotFoundError:
        return Settings(path=path)
    except OSError as error:
        return Settings(problems=(f"{path}: {error.strerror}",))
    # sudo may keep HOME: root neither obeys nor writes into what belongs to somebody else.
    if status.st_uid != os.geteuid():
        return Settings()
    return parse_settings(data, path)


def parse_settings(data: bytes, path: Path | None = None) -> Settings:
    """The content of the file."""
    try:
        values = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Settings(problems=(f"{path}: {error}",))
    theme, keys = values.get("theme"), values.get("keys", {})
    problems = []
    if theme is not None and not isinstance(theme, str):
        problems.append(f"{path}: theme is no string")
        theme = None
    if not isinstance(keys, dict):
        problems.append(f"{path}: [keys] is no table")
        keys = {}
    good = {name: value for name, value in keys.items() if isinstance(value, str) and value}
    problems += [f"{path}: {name} is no string" for name in keys if name not in good]
    return Settings(theme=theme, keys=good, problems=tuple(problems), path=path)


def remember_theme(settings: Settings, name: str) -> None:
    """Write the theme into the file, and leave the rest of it alone. Raises OSError."""
    path = settings.path
    if path is None:
        return
    line = f'theme = "{name}"'
    try:
        text = path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ""
    # Top-level keys stand before the first table.
    top, bracket, tables = re.split(r"(^\[|\Z)", text, maxsplit=1, flags=re.MULTILINE)
    top = _THEME_LINE.sub(line, top) if _THEME_LINE.search(top) else f"{line}\n{top}"
    path.write_text(top + bracket + tables)

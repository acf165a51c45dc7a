"""Browsers and Electron applications, which put their own helpers into namespaces.

Chromium's zygote and renderers carry ``--type=``; Firefox's content processes ``-contentproc``.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, program_name, runs

#: After a process of Chromium renamed itself, its command line is one word.
_CHROMIUM = r"(?:^|\s)--type=(?:zygote|renderer|gpu-process|utility|ppapi|broker)\b"
_FIREFOX = "-contentproc"
_WORDS_LOOKED_AT = 64
_LETTERS_LOOKED_AT = 4096


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """A helper whose parent is the same program, or Chromium's setuid sandbox."""
    words = [word[:_LETTERS_LOOKED_AT] for word in first.command[:_WORDS_LOOKED_AT]]
    if _is_of_chromium(words):
        engine = "chromium"
    elif _FIREFOX in words:
        engine = "firefox"
    else:
        return None
    program = base_name(words[0].partition(" --")[0])
    if program is None or not (program == program_name(parent) or runs(parent, "chrome-sandbox")):
        return None
    return Match(engine=engine, id="", name=program, kind="isolated")


def _is_of_chromium(words: list[str]) -> bool:
    candidates = [word for word in words if "--type=" in word]
    if not candidates:
        return False
    import re  # 8 ms, where somebody says --type=

    return any(re.search(_CHROMIUM, word) for word in candidates)

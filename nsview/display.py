"""The one road from what a container wrote to what a person sees.

Process names, command lines, paths, host names, labels: all of it was written by somebody whom we
do not trust, and terminals obey escape sequences wherever they come from. Exact bytes are for
``--json``; people get this.
"""

from __future__ import annotations

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def display(text: str) -> str:
    r"""Return `text` with every character that a terminal might obey made visible.

    C0 and C1 controls, DEL, bidirectional and other format characters, unassigned code points and
    undecodable bytes (surrogates of ``os.fsdecode``) become ``\n``, ``\x1b``, ``\u202e``. A
    backslash stays as it is: unit names such as ``dev\x2dsda`` are to be read and pasted.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's stand-in for the undecodable byte 0x80-0xff
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

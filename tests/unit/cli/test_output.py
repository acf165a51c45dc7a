"""What the commands print: JSON without surrogates, tables without surprises."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.cli.output import clip, print_error, print_json, print_table, text_width
from nsview.errors import NsviewError

_HOSTILE = "a) R [/red]\x1b]0;x\x07\n\x9b31m\u202e\udcff"
_INERT = "a) R [/red]\\x1b]0;x\\x07\\n\\x9b31m\\u202e\\xff"


def _json(capsys: pytest.CaptureFixture[str], document: dict[str, object]) -> dict[str, object]:
    print_json(document)
    text = capsys.readouterr().out
    assert text.isascii()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    parsed: dict[str, object] = json.loads(text)
    json.dumps(parsed, ensure_ascii=False).encode()  # raises for a surrogate
    return parsed


def test_json_is_one_ascii_line_with_schema_and_partial(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "wäb\x7f", "image": None}, ["no root"])
    text = capsys.readouterr().out
    assert text.isascii()
    assert "\x7f" not in text
    assert json.loads(text) == {
        "schema": 1,
        "name": "wäb\x7f",
        "image": None,
        "partial": ["no root"],
    }


def test_json_of_plain_text_has_no_raw_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, {"a": "ü", "b": ["x", "😀"], "c": {"d": "\x1b"}, "e": [1, None]}) == {
        "schema": 1,
        "a": "ü",
        "b": ["x", "😀"],
        "c": {"d": "\x1b"},
        "e": [1, None],
        "partial": [],
    }


def test_json_has_the_exact_bytes_at_every_depth(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"w\xffb\xc3")
    parsed = _json(capsys, {"list": [{"name": name, "argv": ["ok", name, "é"], "pid": 1}]})
    assert parsed["list"] == [
        {
            "name": "w\ufffdb\ufffd",
            "name_raw": base64.b64encode(b"w\xffb\xc3").decode(),
            "argv": ["ok", "w\ufffdb\ufffd", "é"],
            "argv_raw": [
                base64.b64encode(one).decode() for one in (b"ok", b"w\xffb\xc3", "é".encode())
            ],
            "pid": 1,
        }
    ]


def test_json_of_text_that_never_was_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    # json.loads makes a lone surrogate of "\ud800" in a file that a user wrote.
    parsed = _json(capsys, {"label": "x\ud800", "names": ["\udfff", "ok"]})
    assert parsed["label"] == "x\ufffd"
    assert parsed["names"] == ["\ufffd", "ok"]


@given(st.binary(), st.lists(st.binary(), max_size=4))
def test_json_round_trip_of_any_bytes(one: bytes, several: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr(sys, "stdout", _Paper(written))
        print_json({"one": os.fsdecode(one), "several": [os.fsdecode(item) for item in several]})
    parsed = json.loads("".join(written))
    assert _exact(parsed, "one") == one
    raw = parsed.get("several_raw")
    assert (
        [base64.b64decode(item) for item in raw]
        if raw
        else [item.encode() for item in parsed["several"]] == several
    )


def _exact(parsed: dict[str, str], key: str) -> bytes:
    raw = parsed.get(f"{key}_raw")
    return parsed[key].encode() if raw is None else base64.b64decode(raw)


class _Paper:
    encoding = "utf-8"

    def __init__(self, written: list[str]) -> None:
        self.write = written.append

    def isatty(self) -> bool:
        return False


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "PID", "WHAT"), [("web", "7", "x"), ("db", "4711", "")], right={"PID"})
    assert capsys.readouterr().out == "NAME   PID  WHAT\nweb      7  x\ndb    4711\n"


def test_columns_are_aligned_by_cells_not_characters(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["漢字", "e\u0301te\u0301", "ﾊﾝ", "❤\ufe0f", "กำ\u0e34", "abcdefgh"]
    print_table(("NAME", "PID"), [(name, "7") for name in names])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(names) + 1
    assert {text_width(line.removesuffix("7").removesuffix("PID")) for line in lines} == {10}


@pytest.mark.parametrize(
    ("text", "cells"),
    [("", 0), ("abc", 3), ("漢", 2), ("e\u0301", 1), ("\ufe0f", 0), ("ﾊ", 1), ("😀", 2), ("é", 1)],
)
def test_width(text: str, cells: int) -> None:
    assert text_width(text) == cells


def test_hostile_text_stays_in_its_line_and_asleep(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [(_HOSTILE, "b"), ("x", _HOSTILE)])
    wide = len(_INERT)
    assert capsys.readouterr().out.splitlines() == [
        f"{'A':{wide}}  B",
        f"{_INERT}  b",
        f"{'x':{wide}}  {_INERT}",
    ]


def test_hostile_errors_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(NsviewError(_HOSTILE, hint=_HOSTILE))
    assert capsys.readouterr().err.splitlines() == [
        f"nsview: error: {_INERT}",
        f"nsview: hint: {_INERT}",
    ]


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_clip_fits_and_says_that_it_cut(text: str, width: int) -> None:
    shown = clip(text, width)
    assert text_width(shown) <= width
    assert shown == text or (shown[-1] in "…>" and text.startswith(shown[:-1]))


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢字", 4, "漢字"),
        ("漢字", 3, "漢…"),
        ("漢", 1, "…"),
    ],
)
def test_clip(text: str, width: int, shown: str) -> None:
    assert clip(text, width) == shown


_PRINT = r"""
from nsview.cli.output import *
print_table(("NAME", "PID", "WHAT"), [("w\xe4b \u6f22\udcff", "7", "x" * 200), ("db", "8", "y")])
print_note("\u6f22")
flush()
"""


def _environment(**settings: str) -> dict[str, str]:
    cleared = {
        key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))
    }
    return {**cleared, **settings}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"LC_ALL": "C"}, "wäb 漢\\xff"),  # Python makes UTF-8 of it (PEP 540)
        (
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
            "w\\xe4b \\u6f22\\xff",
        ),
        ({"PYTHONIOENCODING": "ascii"}, "w\\xe4b \\u6f22\\xff"),
        ({"PYTHONIOENCODING": "latin-1"}, "wäb \\u6f22\\xff"),
    ],
)
def test_any_encoding_of_stdout_is_served_and_aligned(settings: dict[str, str], name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PRINT],
        env=_environment(**settings),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    encoding = "latin-1" if settings.get("PYTHONIOENCODING") == "latin-1" else "utf-8"
    titles, first, second = done.stdout.decode(encoding).splitlines()
    assert first == f"{name}  7    {'x' * 200}"
    assert second == f"{'db':{text_width(name)}}  8    y"
    assert titles == f"{'NAME':{text_width(name)}}  PID  WHAT"


def _on_a_terminal(columns: int) -> list[str]:
    ours, theirs = pty.openpty()
    try:
        termios.tcsetwinsize(theirs, (24, columns))
        process = subprocess.Popen(
            [sys.executable, "-c", _PRINT],
            env=_environment(LC_ALL="C.UTF-8"),
            stdout=theirs,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        read = b""
        try:
            while chunk := os.read(ours, 65536):
                read += chunk
        except OSError:  # EIO: nobody has the other end any more
            pass
        assert process.wait(20) == 0
    finally:
        os.close(ours)
    return read.decode().splitlines()


def test_a_terminal_gets_lines_cut_visibly() -> None:
    titles, first, second = _on_a_terminal(40)
    assert titles == "NAME        PID  WHAT"
    assert first == "wäb 漢\\xff  7    " + "x" * 22 + "…"
    assert text_width(first) == 40
    assert second.endswith("y")


def test_a_terminal_of_unknown_size_gets_whole_lines() -> None:
    assert _on_a_terminal(0)[1].endswith("x" * 200)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error_in_words() -> None:
    code = "import sys; from nsview.cli.main import main; sys.exit(main(['doctor']))"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "nsview: error: cannot write to stdout: No space left on device"
    )


@pytest.mark.parametrize(("closed", "status"), [(">&-", 1), ("2>&-", 0)])
def test_closed_outputs_are_no_traceback(closed: str, status: int) -> None:
    code = "import sys; from nsview.cli.main import main; sys.exit(main(['doctor']))"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert ("stdout is closed" in done.stderr) == (status == 1)

"""Values in words."""

from __future__ import annotations

import os

import pytest

from nsview.cli.words import command_line, dash, image_name, user_of
from nsview.errors import may_not_be_read
from nsview.units import duration, duration_ends


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (86400, "1d"),
        (400 * 86400, "400d"),
    ],
)
def test_age_in_its_largest_unit(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("seconds", [-3, 0, 0.5, 59, 59.9, 60, 3599, 3600.5, 86399, 86400, 2e7])
def test_age_says_so_until_it_ends(seconds: float) -> None:
    end = duration_ends(seconds)
    assert end > seconds
    assert duration(end - 0.01) == duration(seconds) != duration(end)


def test_dash_is_for_nothing_alone() -> None:
    assert dash(None) == "-"
    assert dash(0) == "0"
    assert dash("") == ""


def test_user_is_a_name_or_a_number() -> None:
    assert user_of(0, "root") == "root"
    assert user_of(100000, None) == "100000"
    assert user_of(None, None) == "-"


def test_only_a_digest_is_shortened() -> None:
    assert image_name("sha256:0123456789abcdef") == "0123456789ab"
    assert image_name("docker.io/library/nginx:1.27") == "docker.io/library/nginx:1.27"
    assert image_name("web@sha256:0123456789abcdef") == "web@sha256:0123456789abcdef"
    assert image_name(None) is None


def test_command_line_or_name_in_brackets() -> None:
    assert command_line(("sleep", "9"), "sleep") == "sleep 9"
    assert command_line((), "kthreadd") == "[kthreadd]"


@pytest.mark.parametrize(("uid", "hint"), [(0, None), (65534, "root may (sudo nsview ...)")])
def test_root_is_not_told_to_become_root(
    monkeypatch: pytest.MonkeyPatch, uid: int, hint: str | None
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    error = may_not_be_read("this")
    assert (error.message, error.hint) == ("this may not be read", hint)

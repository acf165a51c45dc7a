"""The configuration file: read, never obeyed when it is somebody else's, written without loss."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.tui.settings import parse_settings, read_settings, remember_theme, settings_path


def test_theme_and_keys() -> None:
    settings = parse_settings(b'theme = "nord"\n[keys]\n"app.freeze" = "f7,Z"\n')

    assert (settings.theme, settings.keys) == ("nord", {"app.freeze": "f7,Z"})
    assert settings.problems == ()


@given(st.binary() | st.text().map(str.encode))
def test_nothing_in_the_file_raises(data: bytes) -> None:
    parse_settings(data)


def test_what_is_wrong_is_said_and_the_rest_is_used() -> None:
    settings = parse_settings(b'theme = 3\n[keys]\na = 1\n"home.group" = "g"\n')

    assert settings.theme is None
    assert settings.keys == {"home.group": "g"}
    assert len(settings.problems) == 2


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none").problems == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_file_of_somebody_else_is_not_obeyed_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('theme = "nord"\n')
    os.chown(path, 12345, 12345)

    settings = read_settings(path)
    remember_theme(settings, "dracula")

    assert settings.theme is None
    assert path.read_text() == 'theme = "nord"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "nord"\n'),
        ('theme = "old"\n', 'theme = "nord"\n'),
        ('# mine\n[keys]\ntheme = "x"\n', 'theme = "nord"\n# mine\n[keys]\ntheme = "x"\n'),
    ],
)
def test_remembered_theme_leaves_the_rest_alone(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(before)

    remember_theme(read_settings(path), "nord")

    assert path.read_text() == after


def test_relative_xdg_directory_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/anna")

    assert settings_path() == Path("/home/anna/.config/nsview/config.toml")

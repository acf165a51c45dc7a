from __future__ import annotations

import threading

import pytest

from nsview.host.aside import call_aside


def test_the_result_comes_back_from_another_thread() -> None:
    here = threading.get_ident()
    assert call_aside(lambda: threading.get_ident()) != here


def test_an_error_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        call_aside(lambda: 1 // 0)


def test_a_bad_namespace_is_an_os_error_and_nothing_is_called() -> None:
    called: list[int] = []
    with pytest.raises(OSError, match="Bad file descriptor"):
        call_aside(lambda: called.append(1), join=[("net", -1)])
    assert not called


def test_who_hangs_is_left_behind() -> None:
    release = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            call_aside(release.wait, patience=0.05)
    finally:
        release.set()

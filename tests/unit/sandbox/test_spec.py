"""What a sandbox may be asked to be, and what is refused before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.errors import NsviewError
from nsview.kernel.capabilities import ENGINE_DEFAULT, capability_names
from nsview.sandbox.spec import (
    Bind,
    Lower,
    Spec,
    capability_mask,
    check_limits,
    check_spec,
    parse_bind,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1024", 1024), ("64m", 64 << 20), ("1.5G", 3 << 29), ("2 GiB", 2 << 30)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.text())
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        assert parse_size(text) >= 0
    except ValueError:
        return


@given(st.integers(0, 1 << 60))
def test_bytes_are_themselves(size: int) -> None:
    assert abs(parse_size(str(size)) - size) <= size >> 50


@given(st.text())
def test_any_text_is_a_bind_or_a_value_error(text: str) -> None:
    try:
        found = parse_bind(text)
    except ValueError:
        return
    assert found.source.startswith("/")
    assert found.target


def test_binds() -> None:
    assert parse_bind("/a:/b:ro") == Bind(source="/a", target="/b", read_only=True)
    assert parse_bind("/a:/b:rw") == parse_bind("/a:/b") == Bind(source="/a", target="/b")
    assert parse_bind("a:/b").source == f"{os.getcwd()}/a"
    for text in ("", ":", "/a", "/a:", ":/b", "/a:/b:no", "a:b:c:d"):
        with pytest.raises(ValueError, match="is not SRC:DST"):
            parse_bind(text)


def test_capabilities() -> None:
    assert set(capability_names(capability_mask((), ()))) == ENGINE_DEFAULT
    assert capability_mask((), ("all",)) == 0
    assert capability_names(capability_mask(("CAP_SYS_ADMIN",), ("ALL",))) == ("sys_admin",)
    assert capability_mask(("all",), ()).bit_count() == 41
    for word in ("", "cap_", "cap_41", "sysadmin"):
        with pytest.raises(NsviewError, match="no capability"):
            capability_mask((word,), ())


def test_limits() -> None:
    assert check_limits(None, None, 0).pids is None
    for memory, cpus, pids in (
        (1, None, None),
        (None, 0.0, None),
        (None, float("nan"), None),
        (None, float("inf"), None),
        (None, None, -1),
        (None, None, 1 << 40),
    ):
        with pytest.raises(NsviewError):
            check_limits(memory, cpus, pids)


@pytest.fixture
def good(tmp_path: Path) -> Spec:
    for name in ("a", "b", "c/inner"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "plain").write_text("")
    (tmp_path / "link").symlink_to("a")
    return Spec(lower=(Lower(path=f"{tmp_path}/a"), Lower(path=f"{tmp_path}/b")))


def test_what_is_good(good: Spec, tmp_path: Path) -> None:
    check_spec(good)
    check_spec(good._replace(upper=f"{tmp_path}/c", name="web-1.x_y", hostname="a.b-c"))
    check_spec(good._replace(binds=(Bind(source=f"{tmp_path}/plain", target="/x"),)))


def test_what_is_refused(good: Spec, tmp_path: Path) -> None:
    def layers(*names: str) -> tuple[Lower, ...]:
        return tuple(Lower(path=f"{tmp_path}/{name}") for name in names)

    for bad in (
        good._replace(lower=()),
        good._replace(lower=layers("missing")),
        good._replace(lower=layers("plain")),
        good._replace(lower=layers("a", "a")),
        good._replace(lower=layers("a", "link")),
        good._replace(lower=layers("c", "c/inner")),
        good._replace(lower=(Lower(path="/a\0b"),)),
        good._replace(lower=(Lower(path="/"),) * 500),
        good._replace(upper=f"{tmp_path}/a"),
        good._replace(upper=f"{tmp_path}/link"),
        good._replace(lower=layers("c"), upper=f"{tmp_path}/c/inner"),
        good._replace(lower=layers("c/inner"), upper=f"{tmp_path}/c"),
        good._replace(upper=f"{tmp_path}/c", read_only=True),
        good._replace(upper="/proc"),
        good._replace(name=""),
        good._replace(name="-x"),
        good._replace(name="x" * 64),
        good._replace(name="a\n"),
        good._replace(hostname="a_b"),
        good._replace(hostname="-a"),
        good._replace(hostname="x" * 65),
        good._replace(detached=True, terminal=True),
        *(good._replace(tmpfs=(one,)) for one in ("", "x", "/", "//", "/proc", "/sys/x", "/dev/",
                                                  "/a/../proc", "/a\0")),
        *(good._replace(binds=(Bind(source=one, target="/x"),)) for one in ("/none", "/dev/null")),
    ):  # fmt: skip
        with pytest.raises(NsviewError) as caught:
            check_spec(bad)
        assert "\n" not in caught.value.message

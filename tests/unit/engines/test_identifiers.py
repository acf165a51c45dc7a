"""Names that runc and crun give to cgroups."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.identifiers import RuntimeName, runtime_name

_ID = "0123456789abcdef" * 4
#: The same as a regular expression, which would take 8 ms to load.
_NAME = (
    r"(?:(?P<slice>[^:]+\.slice):(?P<driver>[a-z-]+):|(?P<prefix>[a-z-]+)-)"
    r"(?P<id>[0-9a-f]{64})(?:\.scope)?"
)
_PARTS = st.sampled_from(
    [_ID, _ID[1:], "a", "F", "-", ":", ".slice", ".scope", ".mount", "docker", "cri-o", "\n", "1"]
)


@given(st.lists(_PARTS, max_size=7).map("".join))
def test_a_name_is_taken_apart_as_its_pattern_says(name: str) -> None:
    found = re.fullmatch(_NAME, name)
    expected = found and RuntimeName(
        found["driver"] or found["prefix"], found["id"], found["slice"]
    )
    assert runtime_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"docker-{_ID}.scope", ("docker", _ID, None)),
        (f"libpod-conmon-{_ID}", ("libpod-conmon", _ID, None)),
        (f"a.slice:cri-containerd:{_ID}", ("cri-containerd", _ID, "a.slice")),
        (f".slice:docker:{_ID}", None),
        (f"a:b.slice:docker:{_ID}", None),
        (f"-{_ID}", None),
        (f"docker-{_ID}0", None),
        (_ID, None),
    ],
)
def test_names(name: str, expected: object) -> None:
    assert runtime_name(name) == expected

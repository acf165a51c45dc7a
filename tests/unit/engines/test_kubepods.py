"""Names of pods' cgroups."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.kubepods import _DIRECTORY, _SLICE, pod_uid_of

_UID = "01234567-89ab-cdef-0123-456789abcdef"
_WORDS = ("pod", "kubepods", "burstable", "libpod", "kubelet", "-", ".slice", ".scope", "\n")
_PARTS = st.sampled_from([_UID, _UID.replace("-", "_"), _UID.replace("-", ""), *_WORDS])


@given(st.lists(_PARTS, max_size=8).map("".join))
def test_the_quick_look_lets_every_pod_through(name: str) -> None:
    found = re.fullmatch(_DIRECTORY, name) or re.fullmatch(_SLICE, name)

    assert pod_uid_of((name, ""), 1) == (found and found[1].replace("_", "-"))

"""listns: our own namespaces are listed, or the kernel has no such call."""

from __future__ import annotations

import os

import pytest

from nsview.kernel.listns import list_namespaces
from nsview.kernel.namespaces import KINDS
from nsview.kernel.nsfs import get_id

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_SYS_ADMIN")


def test_our_own_are_listed() -> None:
    listed = list_namespaces()
    if listed is None:
        pytest.skip("no listns (Linux 6.19)")
    for kind in KINDS:
        fd = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
        try:
            assert get_id(fd) in listed
        finally:
            os.close(fd)
    assert listed == sorted(set(listed))

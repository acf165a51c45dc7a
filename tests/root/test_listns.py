"""listns: our own namespaces are listed, or the kernel has no such call."""

from __future__ import annotations

import os

import pytest

from nsview.kernel.listns import list_namespaces
from nsview.kernel.namespaces import KINDS
from nsview.kernel.nsfs import get_id

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs CAP_SYS_ADMIN")


def test_none_is_said_for_every_kind_alike() -> None:
    lacking = list_namespaces() is None
    assert all((list_namespaces(kind) is None) == lacking for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_are_listed(kind: str) -> None:
    listed = list_namespaces(kind)
    if listed is None:
        pytest.skip("no listns (Linux 6.19)")
    fd = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
    try:
        assert get_id(fd) in listed
    finally:
        os.close(fd)
    assert listed == sorted(set(listed))
    assert set(listed) <= set(list_namespaces() or ())

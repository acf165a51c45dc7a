"""Whose ids the files of a stopped container bear."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nsview.engines.base import User
from nsview.host import images
from nsview.host.host import Host
from nsview.host.images import read_owners
from nsview.host.model import Container


def container(home: str, owner: int) -> Container:
    return Container(ref="docker/x", engine="docker", id="x", name="x", home=home, owner=owner)


def test_a_rootless_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {
        "/etc/subuid": b"other:1:1\nme:100000:65536\n4711:500000:10\nme:x:1\nme:1\n",
        "/etc/subgid": b"me:200000:65536\n",
    }
    monkeypatch.setattr(images, "read_below", lambda _root, path: tables[path])
    user = User(uid=4711, name="me", home="/home/me")
    monkeypatch.setattr(images, "read_users", lambda: (user,))
    owners = read_owners(Host(), container(str(tmp_path), 4711))
    gid = os.stat(tmp_path).st_gid
    assert owners.inside(4711, gid) == (0, 0)
    assert owners.inside(100000, 200000) == (1, 1)
    assert owners.inside(165535, 200033) == (65536, 34)
    assert owners.inside(500000, 200033) == (65537, 34)


def test_remapped_docker() -> None:
    owners = read_owners(Host(), container("/var/lib/docker/100000.200000", 0))
    assert owners.inside(100012, 200034) == (12, 34)
    owners = read_owners(Host(), container("/var/lib/docker", 0))
    assert owners.inside(100012, 34) == (100012, 34)

"""Ids of network namespaces against iproute2, in a network namespace of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.descriptors import open_descriptors
from support.oracles import lsns
from unshared import Unshared

from nsview.kernel.netnsid import UNASSIGNED, NetnsidReader, read_netnsid

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("ip"), reason="makes network namespaces with ip"
)

#: Ask from inside the namespace that we are run in: two PIDs, their ids.
ASK = """
import os, sys
from nsview.kernel.netnsid import NetnsidReader
with NetnsidReader() as reader:
    for pid in sys.argv[1:]:
        print(reader.read(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)))
"""


@pytest.fixture(autouse=True)
def _no_descriptor_is_left() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() == before


def test_a_peer_makes_an_id() -> None:
    with Unshared("unshare", "--net") as here, Unshared("unshare", "--net") as there:
        enter = ["nsenter", f"--net=/proc/{here}/ns/net"]
        ask = [*enter, sys.executable, "-c", ASK, str(there), str(here)]
        assert subprocess.check_output(ask, text=True).split() == ["-1", "-1"]
        link = f"ip link add name ours type veth peer name theirs netns {there}"
        subprocess.run([*enter, *link.split()], check=True)
        subprocess.run([*enter, "ip", "link"], check=True, stdout=subprocess.DEVNULL)
        told = subprocess.check_output(ask, text=True).split()
        links = json.loads(subprocess.check_output([*enter, "ip", "-json", "link"]))
        (veth,) = (one for one in links if one["ifname"] == "ours")
        assert told == [str(veth["link_netnsid"]), "-1"]


def test_unassigned_and_nonsense() -> None:
    with Unshared("unshare", "--net") as pid, NetnsidReader() as reader:
        net = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        mnt = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        try:
            assert reader.read(net) == read_netnsid(net) == UNASSIGNED
            assert reader.read(mnt) is None
            assert reader.read(1 << 20) is None
            assert reader.read(net) == UNASSIGNED
        finally:
            os.close(net)
            os.close(mnt)


def test_lsns_agrees() -> None:
    if not shutil.which("lsns"):
        pytest.skip("lsns is the oracle")
    with NetnsidReader() as reader:
        for row in lsns("-t", "net", "-o", "NS,NETNSID,PID"):
            try:
                fd = os.open(f"/proc/{row['pid']}/ns/net", os.O_RDONLY)
            except OSError:
                continue  # gone meanwhile
            try:
                if os.fstat(fd).st_ino == row["ns"] and row["netnsid"]:
                    text = row["netnsid"]
                    assert reader.read(fd) == (UNASSIGNED if text == "unassigned" else int(text))
            finally:
                os.close(fd)

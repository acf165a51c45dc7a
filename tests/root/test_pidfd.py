"""Processes held by descriptors, and what is taken out of them."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.descriptors import open_descriptors

from nsview.kernel.pidfd import duplicate_descriptor, open_process, send_signal, socket_netns
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes descriptors of processes")

#: A process with a name that is hard to parse, and a socket of a netns that nobody is in.
SOCKET = """
import os, socket, sys
from nsview.kernel.syscalls import setns, unshare
here = os.open("/proc/self/ns/net", os.O_RDONLY)
unshare(0x40000000)
there = os.stat("/proc/self/ns/net").st_ino
s = socket.socket()
setns(here)
open("/proc/self/comm", "w").write(") 1 2 (x")
print(s.fileno(), there, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def child() -> Iterator[tuple[int, int, int]]:
    """PID, number of its socket, inode of that socket's network namespace."""
    process = subprocess.Popen(
        [sys.executable, "-c", SOCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        fd, netns = process.stdout.readline().split()
        before = open_descriptors()
        yield process.pid, int(fd), int(netns)
        assert open_descriptors() == before


def start_time(pid: int) -> int:
    """Field 22 of proc_pid_stat(5), the 20th after the name."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_identity(child: tuple[int, int, int]) -> None:
    pid = child[0]
    pidfd = open_process(pid, start_time(pid), Procfs())
    assert not os.get_inheritable(pidfd)
    os.close(pidfd)
    with pytest.raises(ProcessLookupError):
        open_process(pid, start_time(pid) + 1, Procfs())


def test_signal_reaches_it_and_nobody_after(child: tuple[int, int, int]) -> None:
    pid = child[0]
    pidfd = open_process(pid, start_time(pid), Procfs())
    try:
        send_signal(pidfd, 0)
        send_signal(pidfd, signal.SIGTERM)
        os.waitid(os.P_PID, pid, os.WEXITED)
        with pytest.raises(ProcessLookupError):
            send_signal(pidfd, signal.SIGTERM)
    finally:
        os.close(pidfd)
    with pytest.raises(ProcessLookupError):
        open_process(pid, 1, Procfs())


def test_netns_that_only_a_socket_keeps(child: tuple[int, int, int]) -> None:
    pid, number, netns = child
    pidfd = open_process(pid, start_time(pid), Procfs())
    try:
        taken = duplicate_descriptor(pidfd, number)
        namespace = socket_netns(taken)
        try:
            assert os.fstat(namespace).st_ino == netns
            assert os.stat("/proc/self/ns/net").st_ino != netns
            assert not os.get_inheritable(namespace)
        finally:
            os.close(taken)
            os.close(namespace)
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            duplicate_descriptor(pidfd, 9999)
        with pytest.raises(OSError, match=os.strerror(errno.ENOTTY)):
            socket_netns(pidfd)
    finally:
        os.close(pidfd)


def test_own_socket() -> None:
    with socket.socket() as ours:
        namespace = socket_netns(ours.fileno())
        try:
            assert os.fstat(namespace).st_ino == os.stat("/proc/self/ns/net").st_ino
        finally:
            os.close(namespace)

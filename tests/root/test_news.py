"""Which events of real processes are news: containers that start and end, and nothing else."""

from __future__ import annotations

import os

import pytest
from support.processes import SLEEP, joined_by_setns, sandbox, started

from nsview.host.host import Host
from nsview.host.news import News
from nsview.kernel.process_events import Event
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


@pytest.fixture
def news() -> News:
    return News(Procfs())


def test_before_the_first_look_nothing_is_news(news: News) -> None:
    assert not news.are_among([Event("exec", os.getpid())])


def test_a_process_of_the_host_is_none(news: News) -> None:
    news.looked(Host().snapshot())
    with started(*SLEEP) as process:
        assert not news.are_among([Event("fork", process.pid), Event("exec", process.pid)])
        assert not news.are_among([Event("exit", process.pid)])


def test_a_process_that_is_gone_is_none(news: News) -> None:
    news.looked(Host().snapshot())
    with started(*SLEEP) as process:
        pass
    assert not news.are_among([Event("exec", process.pid)])


@pytest.mark.parametrize("option", ["--mount", "--pid"])
def test_one_in_a_new_namespace_is(news: News, option: str) -> None:
    news.looked(Host().snapshot())
    with sandbox(option) as pid:
        assert news.are_among([Event("exec", os.getpid()), Event("exec", pid)])


def test_one_that_joins_a_container_is_none(news: News) -> None:
    with sandbox("--mount", "--pid") as pid:
        news.looked(Host().snapshot())
        with joined_by_setns(pid, "--mount", "--pid") as inside:
            assert not news.are_among([Event("fork", inside), Event("exec", inside)])


def test_what_happens_to_the_first_process_of_a_container_is(news: News) -> None:
    with sandbox("--mount", "--pid") as pid:
        news.looked(Host().snapshot())
        assert news.are_among([Event("exec", pid)])
    assert news.are_among([Event("exit", pid)])

"""`nsview top` on the real host: what it prints, in which form, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.command import command, nsview, nsview_on_a_terminal
from support.processes import PATIENCE, running, sandbox, started, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

_ISOLATION = ("--mount-proc", "--pid", "--net")
_FAST = ("--interval", "0.5")


@pytest.fixture(scope="module")
def ref() -> Iterator[str]:
    with sandbox(*_ISOLATION) as pid:
        yield f"unshare/{pid}"


def readings(*words: str) -> list[Any]:
    return [json.loads(line) for line in nsview("top", "--json", *_FAST, *words).lines]


def test_one_object_a_line_and_reading(ref: str) -> None:
    # So that the machine does something that ticks of a clock can count.
    with started("sh", "-c", "while :; do :; done"):
        found = readings("--count", "2")

    assert len(found) == 2
    assert found[0]["time"] < found[1]["time"]
    for one in found:
        assert one["host"]["counted"] == "machine"
        assert one["host"]["cpu_percent"] > 0
        assert one["host"]["memory"]["limit"] > one["host"]["memory"]["working_set"] > 0
        assert ref in {box["ref"] for box in one["containers"]}


def test_keys_that_others_rely_on(ref: str) -> None:
    (reading,) = readings(ref, "--count", "1")
    (one,) = reading["containers"]

    assert one["ref"] == ref
    assert reading["host"] is None
    assert set(one) >= {
        "ref", "cpu_percent", "cpu_limit", "throttled", "memory", "io", "pids", "pressure", "net",
        "oom_kills",
    }  # fmt: skip
    assert {"anon", "cache", "limit"} <= set(one["memory"])
    assert {"read", "write"} <= set(one["io"])
    assert {"current", "limit"} == set(one["pids"])
    assert {"cpu", "memory", "io"} == set(one["pressure"])
    assert {"rx", "tx"} == set(one["net"])


def printed(*words: str) -> list[str]:
    """What a terminal shows, without what is told of the view."""
    shown = nsview_on_a_terminal("top", *_FAST, *words).lines
    return [line for line in shown if not line.startswith("nsview: ")]


def test_terminal_gets_a_table_and_one_line_a_reading_of_json(ref: str) -> None:
    table = printed("--count", "1")
    assert table[0].split()[:4] == ["REF", "CPU%", "MEMORY", "LIMIT"]
    assert table[1].startswith("host ")
    lines = printed(ref, "--json", "--count", "2")
    assert [json.loads(line)["containers"][0]["ref"] for line in lines] == [ref, ref]


def test_openmetrics_is_what_a_strict_parser_takes(ref: str) -> None:
    text = nsview("top", "--openmetrics").out.decode()
    families = {one.name: one for one in text_string_to_metric_families(text)}

    assert ref in {one.labels["container"] for one in families["nsview_container"].samples}
    (host,) = families["nsview_host_memory_limit_bytes"].samples
    assert host.value == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert families["nsview_host_cpu_seconds"].type == "counter"


@pytest.mark.parametrize(
    "words",
    [
        ("--count", "0"),
        ("--count", "x"),
        ("--interval", "0.1"),
        ("--interval", "nan"),
        ("--interval", "inf"),
        ("--json", "--openmetrics"),
        ("--openmetrics", "--count", "1"),
        ("--openmetrics", "--interval", "1"),
    ],
)
def test_usage(words: tuple[str, ...]) -> None:
    done = nsview("top", *words)
    assert done.status == 2
    assert done.err.startswith("nsview: error: ")


def test_unknown_container() -> None:
    assert nsview("top", "no-such-container").status == 3


def test_container_that_ends_meanwhile_is_no_error(tmp_path: Path) -> None:
    with started("unshare", "--fork", "--kill-child", *_ISOLATION, "cat") as box:
        pid = wait_until(lambda: running(box.pid))
        words = command("top", f"unshare/{pid}", "--json", *_FAST)
        with (
            open(tmp_path / "log", "wb") as log,
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log) as top,
        ):
            assert top.stdout is not None
            assert json.loads(top.stdout.readline())["containers"][0]["ref"] == f"unshare/{pid}"
            box.kill()
            assert top.wait(PATIENCE) == 0
        assert f"unshare/{pid} has ended" in (tmp_path / "log").read_text()


def test_interrupt_is_clean() -> None:
    with subprocess.Popen(
        command("top", "--json", *_FAST), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as top:
        assert top.stdout is not None
        assert top.stderr is not None
        assert json.loads(top.stdout.readline())
        top.send_signal(signal.SIGINT)
        assert top.wait(PATIENCE) == 130
        assert b"Traceback" not in top.stderr.read()

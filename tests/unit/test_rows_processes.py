"""Processes as rows, and the columns of their numbers."""

from __future__ import annotations

import pytest
from tui import fake_details as fake

from nsview.host.process_users import ProcessUsers
from nsview.tui.rows.levels import level_cells, level_titles
from nsview.tui.rows.pids import pid_rows
from nsview.tui.rows.processes import (
    ProcessRow,
    command_line,
    process_lines,
    process_row,
    user_of,
)

SNAPSHOT = fake.snapshot()


def rows_of(ref: str, **options: object) -> list[ProcessRow]:
    found = SNAPSHOT.container(ref)
    assert found is not None
    tasks = [SNAPSHOT.tasks[pid] for pid in found.members]
    lines = process_lines(tasks, **options)  # type: ignore[arg-type]
    return [
        process_row(SNAPSHOT, line, 2, user_of(SNAPSHOT, line.item, ProcessUsers()))
        for line in lines
    ]


def titles_of(*pids: int) -> tuple[str, ...]:
    return level_titles(SNAPSHOT, [SNAPSHOT.tasks[pid] for pid in pids])


def test_a_level_is_named_after_its_container() -> None:
    assert titles_of(4711, 4790) == ("HOST", "IN web")
    assert titles_of(5200, 5210) == ("HOST", "IN dind", "IN inner")


def test_a_level_with_several_namespaces_is_named_in_general() -> None:
    assert titles_of(4711, 5210, 1) == ("HOST", "INSIDE", "IN inner")


def test_processes_of_the_host_have_one_number() -> None:
    assert titles_of(1, 400) == ("HOST",)
    assert level_cells(SNAPSHOT.tasks[1], 3) == ("1", "–", "–")


def test_workers_hang_below_their_master() -> None:
    assert [(*row.pids, row.line.guide + row.command) for row in rows_of("docker/web")] == [
        ("4711", "1", "nginx: master process"),
        ("4790", "7", "├ nginx: worker process"),
        ("4791", "8", "└ nginx: worker process"),
    ]


def test_folded_master_hides_its_workers() -> None:
    rows = rows_of("docker/web", folded={(4711, 47110)})

    assert [(row.line.folded, row.line.below) for row in rows] == [(True, 2)]


def test_flat_has_no_guides() -> None:
    assert rows_of("docker/web", flat=True)[2].command == "nginx: worker process"


def test_uptime_counts_from_the_start_of_the_process() -> None:
    assert pytest.approx(7200.0 - 471.1) == rows_of("docker/web")[0].uptime


def test_command_lines_are_safe_and_bounded() -> None:
    hostile = fake.snapshot(hostile=True)
    shown = command_line(hostile, hostile.tasks[4711])

    assert shown.isprintable()
    assert "\\x1b]0;owned" in shown


def test_without_a_command_line_the_name_stands_in_brackets() -> None:
    assert command_line(SNAPSHOT, SNAPSHOT.tasks[4711]._replace(pid=31337)) == "[nginx]"


def test_number_on_the_host_comes_before_numbers_inside() -> None:
    rows = pid_rows(SNAPSHOT, 1)

    assert [row.fits for row in rows] == ["host", "web", "dind", "inner", "worker"]
    assert rows[3].levels == "5210 host › 19 dind › 1 inner"


def test_a_number_that_nobody_has() -> None:
    assert pid_rows(SNAPSHOT, 31337) == []

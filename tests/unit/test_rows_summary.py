"""The Summary of a container, as far as the snapshot knows."""

from __future__ import annotations

from tui import fake_details as fake

from nsview.tui.rows.grid import lay_out
from nsview.tui.rows.summary import identity_grid, matrix_grid

SNAPSHOT = fake.snapshot()


def page_of(ref: str, width: int = 100) -> str:
    one = SNAPSHOT.container(ref)
    assert one is not None
    grids = [identity_grid(SNAPSHOT, one), matrix_grid(SNAPSHOT, one)]
    lines = ("".join(text for text, _ in line) for line in lay_out(grids, width))
    return "\n".join(" ".join(line.split()) for line in lines)


def test_identity_names_the_first_process_in_both_worlds() -> None:
    page = page_of("docker/web")

    assert "ref docker/web" in page
    assert "image example/web:2.4" in page
    assert "first process 4711 on the host = 1 inside (of 3)" in page
    assert "root file system overlay, 7 layers" in page


def test_nested_container_tells_where_it_runs() -> None:
    assert "runs inside docker/dind" in page_of("docker/dind/inner")


def test_shared_with_the_host_is_said_in_words() -> None:
    page = page_of("docker/web")

    assert f"user {fake.HOST[5]} = host (shared) host, dind, inner" in page
    assert f"net {fake.WEB[1]} {fake.HOST[1]} nobody 3 processes" in page


def test_shared_with_the_host_is_red() -> None:
    one = SNAPSHOT.container("docker/web")
    assert one is not None
    rows = {row[0].text: row for row in matrix_grid(SNAPSHOT, one).rows}

    assert [cell.style for cell in rows["user"][1:4]] == ["alert"] * 3
    assert [cell.style for cell in rows["net"][1:4]] == ["", "dim", "dim"]


def test_host_page_has_no_alarm() -> None:
    one = SNAPSHOT.container("host")
    assert one is not None
    tones = {cell.style for row in matrix_grid(SNAPSHOT, one).rows for cell in row}

    assert "alert" not in tones


def test_stopped_container_without_processes() -> None:
    one = SNAPSHOT.container("docker/web")
    assert one is not None
    stopped = one._replace(status="stopped", pid=None, members=(), namespaces={}, started=None)
    grids = [identity_grid(SNAPSHOT, stopped), matrix_grid(SNAPSHOT, stopped)]

    text = "\n".join("".join(text for text, _ in line) for line in lay_out(grids, 80))

    assert "status            stopped" in text
    assert "not readable" in text


def test_matrix_fits_a_small_screen() -> None:
    one = SNAPSHOT.container("docker/web")
    assert one is not None
    for line in lay_out([matrix_grid(SNAPSHOT, one)], 78):
        assert len("".join(text for text, _ in line)) <= 78

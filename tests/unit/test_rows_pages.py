"""The object pages of a process and of a namespace."""

from __future__ import annotations

from tui import fake_details as fake

from nsview.host.process_details import ProcessDetails
from nsview.host.process_users import ProcessUsers
from nsview.kernel.idmap import IdRange
from nsview.tui.rows.grid import Grid, lay_out
from nsview.tui.rows.pages import namespace_grids, process_grids

SNAPSHOT = fake.snapshot()
DETAILS = ProcessDetails(
    pid=6000,
    start_time=60000,
    command=("python3", "worker.py", fake.HOSTILE),
    uid_map=(IdRange(0, 100000, 65536),),
)
USERS = ProcessUsers(maps={fake.WORKER[5]: DETAILS.uid_map})


def text_of(grids: list[Grid]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lay_out(grids, 100))


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def test_process_page_shows_every_number_and_whose_it_is() -> None:
    page = squeezed(text_of(process_grids(SNAPSHOT, SNAPSHOT.tasks[5210], None, USERS)))

    assert f"5210 pid:[{fake.HOST[2]}] the host" in page
    assert f"19 pid:[{fake.DIND[2]}] dind" in page
    assert f"1 pid:[{fake.INNER[2]}] inner" in page


def test_process_page_marks_the_hosts_namespaces() -> None:
    page = squeezed(text_of(process_grids(SNAPSHOT, SNAPSHOT.tasks[4711], None, USERS)))

    assert f"net {fake.WEB[1]} own" in page
    assert f"user {fake.HOST[5]} the host's" in page


def test_process_page_tells_where_the_next_child_will_be() -> None:
    task = SNAPSHOT.tasks[400]._replace(pid_for_children=4026539999)
    page = squeezed(text_of(process_grids(SNAPSHOT, task, None, USERS)))

    assert f"pid {fake.HOST[2]} the host's; its next child will be in 4026539999" in page


def test_details_add_the_user_inside_and_the_map() -> None:
    page = squeezed(text_of(process_grids(SNAPSHOT, SNAPSHOT.tasks[6000], DETAILS, USERS)))

    assert "user 0 inside = 100000 outside" in page
    assert "0 100000 65536" in page
    assert "python3 worker.py \\x1b]0;owned" in page


def test_namespace_page_lists_all_holders_and_members() -> None:
    net = next(one for one in fake.namespaces() if one.ino == fake.WEB[1])
    page = squeezed(text_of(namespace_grids(SNAPSHOT, net)))

    assert "3 processes\nfd 3 of 400 (sshd)\nbind /run/netns/blue" in page
    assert "4790 7 docker/web nginx: worker process" in page


def test_namespace_without_members() -> None:
    lone = next(one for one in fake.namespaces() if one.ino == 4026532900)
    page = text_of(namespace_grids(SNAPSHOT, lone))

    assert "members: 0" in page


def test_hostile_names_stay_text() -> None:
    hostile = fake.snapshot(hostile=True)
    for task in hostile.tasks.values():
        assert text_of(process_grids(hostile, task, DETAILS, USERS)).replace("\n", "").isprintable()
    for one in fake.namespaces(hostile=True):
        assert text_of(namespace_grids(hostile, one)).replace("\n", "").isprintable()

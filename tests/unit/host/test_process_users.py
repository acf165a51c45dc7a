"""Who a process runs as, in numbers and names, inside and outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui import fake_details as fake

from nsview.host.process_users import (
    NamesInside,
    ProcessUsers,
    read_process_users,
    user_words,
)
from nsview.kernel.idmap import IdRange
from nsview.kernel.procfs import Procfs

SNAPSHOT = fake.snapshot()
MAPS = {fake.WORKER[5]: (IdRange(0, 100000, 33), IdRange(33, 100033, 1))}
NAMES = ProcessUsers(
    maps=MAPS,
    outside={0: "root", 101: "messagebus", 1000: "anna"},
    inside={
        "docker/web": NamesInside((4711, 47110), {0: "root", 101: "nginx"}),
        "podman/worker": NamesInside((6000, 60000), {0: "root", 33: "www-data"}),
    },
)


def words(pid: int, users: ProcessUsers, **changed: object) -> str:
    task = SNAPSHOT.tasks[pid]._replace(**changed)  # type: ignore[arg-type]
    return str(user_words(SNAPSHOT, task, users))


def test_user_of_a_rootless_container_has_two_numbers() -> None:
    assert words(6000, ProcessUsers(maps=MAPS)) == "0 = 100000"
    assert words(6007, ProcessUsers(maps=MAPS)) == "33 = 100033"


def test_user_outside_the_map_is_unmapped() -> None:
    assert words(6000, ProcessUsers(maps=MAPS), uid=7) == "unmapped = 7"


def test_user_is_not_guessed_without_a_map() -> None:
    assert words(6000, ProcessUsers()) == "? = 100000"


def test_user_in_the_hosts_user_namespace_is_one_number() -> None:
    assert words(4790, ProcessUsers()) == "101"


def test_a_container_has_names_of_its_own() -> None:
    assert words(4790, NAMES) == "nginx"
    assert words(6007, NAMES) == "www-data = 100033"
    assert words(1, NAMES, uid=101) == "messagebus"


def test_root_inside_may_be_somebody_outside() -> None:
    maps = {fake.WORKER[5]: (IdRange(0, 1000, 1),)}
    assert words(6000, replace(NAMES, maps=maps), uid=1000) == "root = anna"


def test_root_of_a_user_namespace_that_maps_it_to_itself_is_said_once() -> None:
    maps = {fake.WORKER[5]: (IdRange(0, 0, 1),)}
    assert words(6000, replace(NAMES, maps=maps), uid=0) == "root"


def test_accounts_of_a_container_are_read_once(tmp_path: Path) -> None:
    passwd = tmp_path / "4711" / "root" / "etc" / "passwd"
    passwd.parent.mkdir(parents=True)
    passwd.write_text("nginx:x:101:101::/:/sbin/nologin\n\x1b]0;x:x:102:::/:\n")
    procfs = Procfs(str(tmp_path))
    read = read_process_users(procfs, SNAPSHOT, [1, 4711, 4790, 31337])
    assert read.inside == {
        "docker/web": NamesInside((4711, 47110), read.inside["docker/web"].users)
    }
    assert read.inside["docker/web"].users[101] == "nginx"
    assert read.outside[0] == "root"

    passwd.write_text("other:x:101:101::/:/sbin/nologin\n")
    again = read_process_users(procfs, SNAPSHOT, [4711], read)
    assert again.inside["docker/web"].users[101] == "nginx"
    fresh = read_process_users(procfs, SNAPSHOT, [4711])
    assert fresh.inside["docker/web"].users[101] == "other"

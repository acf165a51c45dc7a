"""A mount table as rows."""

from __future__ import annotations

from nsview.host.mounts import arrange_mounts
from nsview.kernel.mountinfo import parse_mountinfo
from nsview.tui.rows.mounts import mount_facts, mount_rows

TABLE = b"""\
20 1 0:30 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/u
21 20 0:31 / /proc rw,nosuid - proc proc rw
22 21 0:32 /sys /proc/sys ro - proc proc rw
23 20 8:1 /srv/data /data rw shared:7 - ext4 /dev/sda1 ro,errors=remount-ro
24 21 0:33 / /proc rw - tmpfs e\x1b]0;x\x07\xffvil rw
"""
NODES = arrange_mounts(parse_mountinfo(TABLE))


def row_of(number: int) -> dict[str, str]:
    row = next(row for row in mount_rows(NODES) if row.key == number)
    return {name: getattr(row, name) for name in ("source", "options", "propagation", "hidden")}


def test_mounts_hang_on_their_parents() -> None:
    assert [row.line.guide + row.target for row in mount_rows(NODES)] == [
        "/",
        "├ /proc",
        "│ ├ /proc/sys",
        "│ └ /proc",
        "└ /data",
    ]


def test_bind_mount_shows_which_directory_it_is_of() -> None:
    assert row_of(23) == {
        "source": "/dev/sda1[/srv/data]",
        "options": "rw,fs ro",
        "propagation": "shared:7",
        "hidden": "",
    }


def test_covered_mounts_say_so_in_words() -> None:
    assert row_of(21)["hidden"] == "hidden in place"
    assert row_of(22)["hidden"].startswith("hidden ")


def test_text_is_safe() -> None:
    assert row_of(24)["source"] == "e\\x1b]0;x\\x07\\xffvil"
    for node in NODES:
        for _, text in mount_facts(node):
            assert text.isprintable()


def test_facts_list_every_option_of_the_file_system() -> None:
    texts = [text for _, text in mount_facts(NODES[0])]
    assert texts[-3:] == ["rw", "lowerdir=/a:/b", "upperdir=/u"]

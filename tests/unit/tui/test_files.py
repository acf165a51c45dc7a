"""Rows of a file tree: what is kept, in which order, and what is missing."""

from __future__ import annotations

from nsview.layers.entry import Entry
from nsview.tui.rows.file_options import FileOptions
from nsview.tui.rows.files import Hidden, Listing, file_rows, mode_text
from nsview.units import byte_size


def entry(name: str, kind: str = "file", size: int = 0, **more: object) -> Entry:
    return Entry(
        name=name, type=kind, size=size, mode=0o644, uid=0, gid=0, mtime_ns=0,
        **{"layer": 1, **more},
    )  # fmt: skip


ROOT = Listing(entries=(entry("a", "directory"), entry("big", size=5000, change="A"), entry("c")))
BELOW = Listing(entries=(entry("x", size=9000), entry("y", change="C"), entry("z", "directory")))


def keys(options: FileOptions = FileOptions(), **more: object) -> list[object]:  # noqa: B008 - it is frozen
    listings = {"/": ROOT, "/a": BELOW, **more.pop("listings", {})}
    found = file_rows(listings, {"/a", *more.pop("unfolded", ())}, options, more, merged=True)
    return [row.key for row in found.rows]


def test_a_tree_is_drawn_depth_first() -> None:
    found = file_rows({"/": ROOT, "/a": BELOW}, {"/a"}, FileOptions(), {}, merged=True)
    lines = [row.prefix + row.cells[-1].text for row in found.rows]
    assert lines == ["a", "├ x", "├ y", "└ z", "big", "c"]
    assert found.missing == []


def test_what_is_unfolded_and_not_listed_is_missing() -> None:
    found = file_rows({"/": ROOT}, {"/a"}, FileOptions(), {}, merged=True)
    assert found.missing == ["/a"]
    assert [row.key for row in found.rows] == ["/a", ("/a", "reading"), "/big", "/c"]


def test_a_filter_keeps_what_leads_to_what_fits() -> None:
    assert keys(FileOptions(filter="x$")) == ["/a", "/a/x"]
    assert keys(FileOptions(filter="/a/")) == ["/a", "/a/x", "/a/y", "/a/z"]


def test_changed_only() -> None:
    assert keys(FileOptions().changed_only()) == ["/a", "/a/y", "/big"]
    assert keys(FileOptions().changed_only().changed_only()) == keys()


def test_each_kind_of_change_can_be_left_out() -> None:
    assert keys(FileOptions().toggled("A")) == ["/a", "/a/x", "/a/y", "/a/z", "/c"]
    assert keys(FileOptions().toggled("C")) == ["/a", "/a/x", "/a/z", "/big", "/c"]
    assert keys(FileOptions().toggled("C").toggled(None)) == ["/big"]
    assert keys(FileOptions().toggled("C").toggled("C")) == keys()
    assert FileOptions().toggled("D").toggled("A").words == "without added, deleted"


def test_large_only_leaves_directories_to_look_into() -> None:
    assert keys(FileOptions(least=6000)) == ["/a", "/a/x", "/a/z"]


def test_by_size_the_largest_first_and_directories_last() -> None:
    assert keys(FileOptions(by_size=True)) == ["/big", "/c", "/a", "/a/x", "/a/y", "/a/z"]


def test_problems_and_emptiness_are_said() -> None:
    listings = {"/a/z": Listing(problem="permission denied")}
    assert ("/a/z", "problem") in keys(listings=listings, unfolded=["/a/z"])
    assert ("/a/z", "empty") in keys(listings={"/a/z": Listing()}, unfolded=["/a/z"])


def test_a_limit_leaves_a_line_for_the_rest() -> None:
    found = file_rows({"/": ROOT}, set(), FileOptions(), {"/": 1}, merged=True)
    assert [row.key for row in found.rows] == ["/a", ("/", "more")]
    assert "2 more" in found.rows[-1].cells[-1].text


def test_a_tree_may_be_thousands_of_levels_deep() -> None:
    paths = ["/" + "/".join(["d"] * depth) for depth in range(1, 3001)]
    one = Listing(entries=(entry("d", "directory"),))
    found = file_rows(dict.fromkeys(["/", *paths], one), set(paths), FileOptions(), {}, merged=True)
    assert len(found.rows) == 3001


def test_whiteouts_say_what_they_hide() -> None:
    gone = entry("old", "whiteout", change="D")
    listing = Listing(entries=(gone,), hides={"old": Hidden((3, 5), 2048)})
    row = file_rows({"/": listing}, set(), FileOptions(), {}, merged=False).rows[0]
    assert [cell.text for cell in row.cells] == ["D", "whiteout", "–", "2.0K", "3, 5", "✗ old"]


def test_modes_are_as_ls_writes_them() -> None:
    assert mode_text(entry("x")) == "-rw-r--r--"
    assert mode_text(entry("x", "directory")) == "drw-r--r--"
    assert mode_text(entry("x", "whiteout")) == "whiteout"


def test_sizes_take_six_cells() -> None:
    sizes = [0, 1023, 1024, 10 * 1024 - 1, 1 << 20, (1 << 20) - 1, 1 << 40, (1 << 63) - 1]
    assert [byte_size(size) for size in sizes] == [
        "0 B", "1023 B", "1.0K", "10K", "1.0M", "1.0M", "1.0T", "8.0E",
    ]  # fmt: skip
    assert all(len(byte_size(1 << power)) <= 6 for power in range(64))

"""The merged tree of directories that everybody may make: names as marks, odd names, deep trees."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.descriptors import open_descriptors
from support.overlays import stack_of

from nsview.layers.diff import compare, diff_docker
from nsview.layers.merge import MergedTree
from nsview.layers.paths import join_path, sort_key, split_path
from nsview.layers.sizes import Cancelled, LayerSize, measure_layer
from nsview.layers.stack import OverlayRules
from nsview.layers.waste import find_waste

_DEPTH = 2100  # several times what the kernel takes as one path


def make(layer: Path, *files: str) -> None:
    layer.mkdir(exist_ok=True)
    for name in files:
        path = layer / name.rstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(f"{layer.name}: {name}")


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    return [tmp_path / name for name in ("upper", "middle", "base")]


def names(tree: MergedTree, path: str = "/") -> list[str]:
    entries = tree.list(path)
    assert entries is not None
    return [entry.name for entry in entries]


def read(tree: MergedTree, path: str) -> str:
    with os.fdopen(tree.open_file(path)) as file:
        return file.read()


@pytest.mark.parametrize("form", ["aufs", "fuse-overlayfs"])
def test_names_that_hide(layers: list[Path], form: str) -> None:
    make(layers[0], ".wh.gone", "d/new", "d/.wh..wh..opq", ".wh..wh.plnk/x", "both", ".wh.both")
    make(layers[1], "gone", "d/old", "kept")
    make(layers[2], "gone", "d/older", "kept", "both")
    rules = OverlayRules(form=form)  # type: ignore[arg-type]  # the parameters above
    with MergedTree(stack_of(layers, rules)) as tree:
        assert names(tree) == ["both", "d", "kept"]
        assert names(tree, "/d") == ["new"]
        assert tree.lookup("/gone") is None
        assert tree.lookup("/d/old") is None
        assert read(tree, "/both") == "upper: both"
        assert {change[:2] for change in diff_docker(tree)} == {
            ("C", "/both"),
            ("C", "/d"),
            ("A", "/d/new"),
            ("D", "/d/old"),
            ("D", "/d/older"),
            ("D", "/gone"),
        }


def test_what_an_opaque_directory_changes(layers: list[Path]) -> None:
    make(layers[0], "d/both", "d/new", "d/.wh..wh..opq", ".wh.gone")
    make(layers[1], "d/both", "d/old", "gone")
    rules = OverlayRules(form="aufs")
    with MergedTree(stack_of(layers[:2], rules)) as tree:
        entries = tree.list("/d") or []
        assert [(one.name, one.change) for one in entries] == [("both", "C"), ("new", "A")]
        own = tree.list_layer("/", 0) or []
        assert [(one.name, one.type, one.layer, one.change) for one in own] == [
            ("d", "directory", 0, "C"),
            ("gone", "whiteout", 0, "D"),
        ]


def test_names_that_hide_are_plain_files_to_the_kernels_overlay(layers: list[Path]) -> None:
    make(layers[0], ".wh.a")
    make(layers[1], "a")
    with MergedTree(stack_of(layers[:2])) as tree:
        assert names(tree) == [".wh.a", "a"]


def test_what_an_entry_says(layers: list[Path]) -> None:
    make(layers[0], "changed", "added", "d/")
    make(layers[1], "changed", "d/", "same")
    make(layers[2], "changed", "same")
    with MergedTree(stack_of(layers)) as tree:
        entries = {entry.name: entry for entry in tree.list("/") or ()}
    facts = {name: (one.layer, one.layers, one.hidden, one.change) for name, one in entries.items()}
    assert facts == {
        "added": (0, (0,), (), "A"),
        "changed": (0, (0,), (1, 2), "C"),
        "d": (0, (0, 1), (), "C"),
        "same": (1, (1,), (2,), None),
    }


def test_a_layer_that_was_not_found_is_said_to_be_missing(layers: list[Path]) -> None:
    make(layers[0], "a")
    with MergedTree(stack_of(layers[:2])) as tree:  # the second does not exist
        assert names(tree) == ["a"]


@given(st.binary(min_size=1, max_size=255))
def test_any_bytes_are_a_name(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    if b"/" in raw or b"\0" in raw or raw in (b".", b".."):
        return
    layer = tmp_path_factory.mktemp("layer")
    with open(os.fsencode(layer) + b"/" + raw, "wb") as file:
        file.write(raw)
    with MergedTree(stack_of([layer])) as tree:
        (name,) = names(tree)
        assert os.fsencode(name) == raw
        with os.fdopen(tree.open_file("/" + name), "rb") as contents:
            assert contents.read() == raw


@given(st.text(alphabet="ab./\udcff", max_size=30))
def test_paths(path: str) -> None:
    parts = split_path(path)
    assert split_path(join_path(parts)) == parts
    assert join_path(parts) == os.path.normpath("/" + path).replace("//", "/")


def test_a_directory_sorts_just_before_what_is_in_it() -> None:
    assert sorted(["/a.b", "/a/c", "/a", "/a-"], key=sort_key) == ["/a", "/a/c", "/a-", "/a.b"]


# --- hostile


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    secret = tmp_path / "outside"
    make(secret, "secret", "d/x")
    return secret


def test_links_stay_inside(layers: list[Path], outside: Path) -> None:
    make(layers[0], "inside", "d/")
    (layers[0] / "absolute").symlink_to(outside / "secret")
    (layers[0] / "relative").symlink_to("../outside/secret")
    (layers[0] / "up").symlink_to("../../../../../../../../inside")
    (layers[0] / "directory").symlink_to(outside)
    (layers[0] / "magic").symlink_to(f"/proc/{os.getpid()}/root{outside}/secret")
    (layers[0] / "loop").symlink_to("loop")
    make(layers[1], "directory/mine")
    with MergedTree(stack_of(layers[:2])) as tree:
        for name in ("absolute", "relative", "magic"):
            with pytest.raises(FileNotFoundError):
                tree.open_file(tree.resolve(f"/{name}"))
            with pytest.raises(OSError, match="symbolic") as error:
                tree.open_file(f"/{name}")
            assert error.value.errno == errno.ELOOP
        assert read(tree, tree.resolve("/up")) == "upper: inside"
        assert tree.list("/directory") is None  # the link hides the directory below
        assert tree.list("/directory/d") is None
        assert tree.list(tree.resolve("/directory/d")) is None
        with pytest.raises(OSError, match="symbolic"):
            tree.resolve("/loop")
        assert tree.list_layer("/directory", 0) is None


def test_a_layer_whose_directories_become_links_while_it_is_read(
    layers: list[Path], outside: Path
) -> None:
    make(layers[0], "d/x")
    with MergedTree(stack_of(layers[:1])) as tree:
        places = tree.directory("/d")
        assert places is not None
        (layers[0] / "d/x").unlink()
        (layers[0] / "d").rmdir()
        (layers[0] / "d").symlink_to(outside)
        assert tree.union.children(places) == {}


def test_fifos_and_sockets_are_not_opened(layers: list[Path]) -> None:
    layers[0].mkdir()
    os.mkfifo(layers[0] / "fifo")
    with MergedTree(stack_of(layers[:1])) as tree, pytest.raises(OSError, match="No such device"):
        tree.open_file("/fifo")


def _dig(layer: Path, name: str) -> None:
    """A chain of directories deeper than any path may be long."""
    layer.mkdir()
    fd = os.open(layer, os.O_PATH)
    for _ in range(_DEPTH):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_PATH, dir_fd=fd)
        os.close(fd)
        fd = below
    bottom = os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
    os.write(bottom, b"found")
    os.close(bottom)
    os.close(fd)


def _fill_in(layer: Path, name: str) -> None:
    """Take it away again: not even rm can, by path, and not pytest's rmtree, by recursion."""
    fd = os.open(layer, os.O_RDONLY)
    trail = [fd]
    while len(trail) <= _DEPTH:
        trail.append(os.open(name, os.O_RDONLY, dir_fd=trail[-1]))
        if len(trail) > 2:
            os.close(trail[-3])
            trail[-3] = -1
    os.unlink("bottom", dir_fd=trail[-1])
    here = trail[-1]
    for _ in range(_DEPTH):
        above = os.open("..", os.O_RDONLY, dir_fd=here)
        os.close(here)
        os.rmdir(name, dir_fd=above)
        here = above
    os.close(here)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    layer = tmp_path / "deep"
    _dig(layer, "dir")
    yield layer
    _fill_in(layer, "dir")


def test_deep_trees(deep: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    bottom = "/dir" * _DEPTH
    with MergedTree(stack_of([deep, empty])) as tree:
        entries = tree.list(bottom)
        assert entries is not None
        assert [entry.name for entry in entries] == ["bottom"]
        assert read(tree, f"{bottom}/bottom") == "found"
        assert measure_layer(tree.stack.layers[0]) == LayerSize(1, 5)
        assert len(diff_docker(tree)) == _DEPTH + 1
    with MergedTree(stack_of([empty, deep])) as tree:
        assert find_waste(tree).wasted == 0


def test_five_hundred_layers(tmp_path: Path) -> None:
    layers = [tmp_path / str(number) for number in range(500)]
    for layer in layers:
        make(layer, f"d/{layer.name}", "d/same")
    before = len(open_descriptors())
    with MergedTree(stack_of(layers)) as tree:
        entries = tree.list("/d")
        assert entries is not None
        assert len(entries) == 501
        same = next(entry for entry in entries if entry.name == "same")
        assert same.layer == 0
        assert same.hidden == tuple(range(1, 500))
        assert find_waste(tree).layers[0] == 0
    assert len(open_descriptors()) <= before


# --- sizes and waste


def test_hard_links_and_holes(layers: list[Path]) -> None:
    make(layers[0], "a")
    size = (layers[0] / "a").stat().st_size
    os.link(layers[0] / "a", layers[0] / "b")
    with open(layers[0] / "sparse", "wb") as file:
        file.truncate(1_000_000)
    os.mkfifo(layers[0] / "fifo")
    (layer,) = stack_of(layers[:1]).layers
    assert measure_layer(layer) == LayerSize(4, size + 1_000_000)


def test_a_measured_layer_is_remembered_unless_it_is_written_to(layers: list[Path]) -> None:
    make(layers[0], "a/b")
    make(layers[1], "a/b")
    stack = stack_of(layers[:2])
    before = [measure_layer(layer) for layer in stack.layers]
    for layer in layers[:2]:
        (layer / "a/c").write_text("12345")  # the layer's own time does not change
    after = [measure_layer(layer) for layer in stack.layers]
    assert after[0] == LayerSize(2, before[0].bytes + 5)
    assert after[1] == before[1]


def test_measuring_can_be_cancelled_and_tells_how_far_it_came(layers: list[Path]) -> None:
    make(layers[0], *(f"d/{number}" for number in range(20)))
    (layer,) = stack_of(layers[:1]).layers
    told: list[LayerSize] = []
    with pytest.raises(Cancelled):
        measure_layer(layer, lambda: True, told.append)
    assert told[-1].files == 20


def test_waste_counts_what_is_hidden_not_what_is_seen(layers: list[Path]) -> None:
    for layer, size in zip(layers, (10, 20, 40), strict=True):
        layer.mkdir()
        (layer / "file").write_bytes(b"x" * size)
    (layers[2] / "other").write_bytes(b"x" * 30)
    with MergedTree(stack_of(layers)) as tree:
        waste = find_waste(tree)
    assert waste.layers == (0, 20, 40)
    assert (waste.wasted, waste.total) == (60, 100)
    assert waste.efficiency == pytest.approx(0.4)
    assert [(item.path, item.layer, item.by, item.how) for item in waste.items] == [
        ("/file", 2, 1, "replaced"),
        ("/file", 1, 0, "replaced"),
    ]


def test_a_hidden_directory_is_one_item_and_a_link_counts_with_its_last_name(
    layers: list[Path],
) -> None:
    make(layers[0], "d")
    make(layers[1], "d/a/b", "d/c")
    os.link(layers[1] / "d/c", layers[1] / "d/e")
    os.link(layers[1] / "d/a/b", layers[1] / "seen")
    with MergedTree(stack_of(layers[:2])) as tree:
        (item,) = find_waste(tree).items
    size = (layers[1] / "d/c").stat().st_size  # b is still seen elsewhere
    assert (item.path, item.size, item.files) == ("/d", size, 3)


# --- diff


def test_trees_that_share_layers(layers: list[Path], tmp_path: Path) -> None:
    make(layers[0], "mine", "d/x")
    make(layers[2], "d/x", "d/y", "e/z")
    other = tmp_path / "other"
    make(other, "theirs", "d/y")
    one, two = stack_of([layers[0], layers[2]]), stack_of([other, layers[2]])
    with MergedTree(one) as tree, MergedTree(two) as against:
        assert [change[:2] for change in compare(tree, against)] == [
            ("C", "/d"),
            ("C", "/d/x"),
            ("C", "/d/y"),
            ("A", "/mine"),
            ("D", "/theirs"),
        ]
        assert compare(tree, tree) == []


def test_a_time_in_whole_seconds_equals_all_in_that_second(layers: list[Path]) -> None:
    for index, nanoseconds in enumerate((5_000_000_000, 5_300_000_000)):
        layers[index].mkdir()
        for name in ("whole", "part"):
            (layers[index] / name).write_text("same")
            os.utime(layers[index] / name, ns=(0, nanoseconds))
    os.utime(layers[0] / "part", ns=(0, 5_200_000_000))
    with MergedTree(stack_of(layers[:2])) as tree:
        assert [change.path for change in diff_docker(tree)] == ["/part"]


def test_modes_are_bits_and_types_are_words(layers: list[Path]) -> None:
    make(layers[0], "a")
    (layers[0] / "a").chmod(0o4755)
    with MergedTree(stack_of(layers[:1])) as tree:
        entry = tree.lookup("/a")
        root = tree.lookup("/")
    assert entry is not None
    assert (entry.type, entry.mode) == ("file", stat.S_ISUID | 0o755)
    assert root is not None
    assert root.type == "directory"

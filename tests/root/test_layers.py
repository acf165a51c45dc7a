"""What layers with real whiteouts and opaque directories tell: blame, waste, one layer's view."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from support.command import nsview
from support.overlays import COMMON, PrivateMounts, overlay, stack_of

from nsview.layers.blame import blame
from nsview.layers.diff import compare, diff_docker
from nsview.layers.merge import MergedTree
from nsview.layers.stack import OverlayRules
from nsview.layers.waste import find_waste

_OPAQUE = "trusted.overlay.opaque"


def whiteout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, stat.S_IFCHR, 0)


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    """Four layers: a file, a deleted one, an opaque directory, a file over a directory."""
    paths = [tmp_path / name for name in ("upper", "opaque", "middle", "base")]
    for path in paths:
        path.mkdir()
    upper, opaque, middle, base = paths
    write(base / "file", 100)
    write(middle / "file", 10)
    write(upper / "file", 1)
    write(base / "gone", 200)
    whiteout(middle / "gone")
    write(base / "d/old", 300)
    write(middle / "d/old", 30)
    write(opaque / "d/new", 3)
    os.setxattr(opaque / "d", _OPAQUE, b"y")
    write(base / "way/in", 400)
    write(opaque / "way", 4)
    return paths


def states(tree: MergedTree, path: str) -> list[str]:
    return [row.state for row in blame(tree, path)]


def test_blame(layers: list[Path]) -> None:
    with MergedTree(stack_of(layers)) as tree:
        assert states(tree, "/file") == ["provides", "absent", "shadowed", "shadowed"]
        assert states(tree, "/gone") == ["absent", "absent", "whiteout", "shadowed"]
        assert states(tree, "/d/old") == ["absent", "opaque", "shadowed", "shadowed"]
        assert states(tree, "/d/new") == ["absent", "provides", "absent", "absent"]
        assert states(tree, "/d") == ["absent", "provides", "shadowed", "shadowed"]
        assert states(tree, "/way/in") == ["absent", "opaque", "absent", "shadowed"]
        assert states(tree, "/") == ["provides"] * 4
        assert states(tree, "/gone/below") == ["absent", "absent", "whiteout", "opaque"]
        file, _, shadowed, _ = blame(tree, "/file")
        assert (file.type, file.size, shadowed.size) == ("file", 1, 10)
        assert blame(tree, "/d")[1].opaque
        assert blame(tree, "/d/old")[1].by == "/d"
        assert blame(tree, "/gone/below")[2].by == "/gone"


def test_waste(layers: list[Path]) -> None:
    with MergedTree(stack_of(layers)) as tree:
        waste = find_waste(tree)
    assert {(item.path, item.layer, item.by, item.how, item.size) for item in waste.items} == {
        ("/file", 2, 0, "replaced", 10),
        ("/file", 3, 2, "replaced", 100),
        ("/gone", 3, 2, "deleted", 200),
        ("/d", 2, 1, "opaque", 30),
        ("/d", 3, 2, "replaced", 300),
        ("/way", 3, 1, "replaced", 400),
    }
    assert waste.layers == (0, 0, 40, 1000)
    assert waste.total == waste.wasted + 1 + 3 + 4


def test_one_layer(layers: list[Path]) -> None:
    with MergedTree(stack_of(layers)) as tree:
        middle = {entry.name: entry for entry in tree.list_layer("/", 2) or ()}
        opaque = {entry.name: entry for entry in tree.list_layer("/", 1) or ()}
    assert {name: (one.type, one.change) for name, one in middle.items()} == {
        "file": ("file", "C"),
        "gone": ("whiteout", "D"),
        "d": ("directory", "C"),
    }
    assert opaque["d"].opaque
    assert not middle["d"].opaque
    assert all(one.layer == 2 for one in middle.values())


def test_without_userxattr_what_users_may_write_marks_nothing(tmp_path: Path) -> None:
    upper, base = tmp_path / "upper", tmp_path / "base"
    write(upper / "d/new", 1)
    write(base / "d/old", 1)
    os.setxattr(upper / "d", "user.overlay.opaque", b"y")
    os.setxattr(upper / "d", "trusted.overlay.overlay.opaque", b"y")  # of an overlay inside
    stack = stack_of([upper, base])
    with MergedTree(stack) as tree:
        assert [entry.name for entry in tree.list("/d") or ()] == ["new", "old"]
    user = stack_of([upper, base], OverlayRules(xattr_prefix="user.overlay."))
    with MergedTree(user) as tree:
        assert [entry.name for entry in tree.list("/d") or ()] == ["new"]


def test_a_renamed_directory_wastes_nothing(private: PrivateMounts, tmp_path: Path) -> None:
    upper, base = tmp_path / "upper", tmp_path / "base"
    upper.mkdir()
    write(base / "d/sub/file", 100)
    write(base / "gone", 50)

    def mutate() -> None:
        options = f"{COMMON},redirect_dir=on,metacopy=on"
        with overlay(tmp_path / "merged", [base], upper, options) as merged:
            (merged / "d").rename(merged / "e")
            (merged / "e/sub/file").chmod(0o600)
            (merged / "gone").unlink()

    private.run(mutate)
    with MergedTree(stack_of([upper, base], OverlayRules(metacopy=True))) as tree:
        waste = find_waste(tree)
        assert [(item.path, item.size) for item in waste.items] == [("/gone", 50)]
        assert states(tree, "/e/sub") == ["provides", "provides"]
        assert {change[:2] for change in diff_docker(tree)} == {
            ("D", "/d"),
            ("A", "/e"),
            ("A", "/e/sub"),
            ("A", "/e/sub/file"),
            ("D", "/gone"),
        }
        with os.fdopen(tree.open_file("/e/sub/file"), "rb") as file:
            assert file.read() == b"x" * 100


def test_contents_in_a_data_layer(private: PrivateMounts, tmp_path: Path) -> None:
    upper, data = tmp_path / "upper", tmp_path / "data"
    write(data / "blobs/1", 7)
    upper.mkdir()
    (upper / "file").touch()
    os.truncate(upper / "file", 7)
    os.setxattr(upper / "file", "trusted.overlay.metacopy", b"")
    os.setxattr(upper / "file", "trusted.overlay.redirect", b"/blobs/1")
    with MergedTree(stack_of([upper], data=[data])) as tree:
        assert [entry.name for entry in tree.list("/") or ()] == ["file"]
        with os.fdopen(tree.open_file("/file"), "rb") as file:
            assert file.read() == b"x" * 7


def test_a_redirect_leads_nowhere_but_into_the_layers(tmp_path: Path) -> None:
    upper, base = tmp_path / "upper", tmp_path / "base"
    write(tmp_path / "secret", 1)
    write(base / "x", 1)
    for name, target in {"up": "..", "root": "/../secret", "dot": ".", "empty": "/x//"}.items():
        (upper / name).mkdir(parents=True)
        os.setxattr(upper / name, "trusted.overlay.redirect", target.encode())
    (base / "link").symlink_to(tmp_path)
    (upper / "over").mkdir()
    os.setxattr(upper / "over", "trusted.overlay.redirect", b"/link")
    with MergedTree(stack_of([upper, base])) as tree:
        entries = {entry.name: entry for entry in tree.list("/") or ()}
        assert all(entries[name].broken for name in ("up", "root", "dot", "empty"))
        assert tree.list("/over") == []


# --- the commands


def dirs(layers: list[Path]) -> tuple[str, str]:
    return "--dirs", ":".join(map(str, layers))


def test_commands(layers: list[Path]) -> None:
    where = dirs(layers)
    with MergedTree(stack_of(layers)) as tree:
        expected = [{"kind": kind, "path": path} for kind, path, _ in diff_docker(tree)]
    changes = nsview("diff", *where, "--json").json["changes"]
    assert [{"kind": one["kind"], "path": one["path"]} for one in changes] == expected
    entries = nsview("files", *where, "/", "--json").json["entries"]
    assert [entry["name"] for entry in entries] == ["d", "file", "way"]
    assert nsview("cat", *where, "/d/new").out == b"xxx"
    rows = nsview("blame", *where, "/gone", "--json").json["layers"]
    assert [row["state"] for row in rows] == ["absent", "absent", "whiteout", "shadowed"]
    assert nsview("waste", *where, "--json").json["wasted"] == 1040
    assert nsview("files", *where, "/", "--layer", "2").lines[-1].startswith("w")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("cat", "/gone"), 3, "/gone: no such file"),
        (("cat", "/d"), 1, "/d: is a directory"),
        (("files", "/nowhere"), 3, "/nowhere: no such file"),
        (("files", "/", "--layer", "9"), 1, "there is no layer 9"),
        (("blame", "/nowhere"), 3, "no layer has /nowhere"),
        (("diff", "too", "many"), 2, "give one REF"),
        (("diff", "--style", "lxd"), 2, "invalid choice"),
    ],
)
def test_errors(layers: list[Path], words: tuple[str, ...], status: int, message: str) -> None:
    done = nsview(*words, *dirs(layers))
    assert done.status == status
    assert message in done.err
    assert done.out == b""


def test_a_reference_without_layers() -> None:
    done = nsview("diff", "no-such-container-here")
    assert done.status == 3


def test_directories_against_each_other(layers: list[Path]) -> None:
    with MergedTree(stack_of(layers[:2])) as tree, MergedTree(stack_of(layers[1:2])) as other:
        assert [change[:2] for change in compare(tree, other)] == [("A", "/file")]

"""The layer on top of a foreign stack: with it, the kernel's overlay shows what the stack means."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.overlays import PrivateMounts, overlay, seen_by_the_kernel, seen_by_us, stack_of

from nsview.errors import NsviewError
from nsview.layers.covers import Cover, covers_of
from nsview.layers.merge import MergedTree
from nsview.layers.stack import OverlayRules

_RULES = OverlayRules(form="fuse-overlayfs", follow_redirects=False)
_NAMES = ("a", "b", "c")


def make_layer(layer: Path, chance: random.Random) -> Path:
    """Directories, files and every kind of mark, three levels deep."""
    layer.mkdir(mode=0o750)
    for path in _paths():
        place = layer / path
        if not place.parent.is_dir() or place.exists():
            continue
        kind = chance.choice(("nothing", "file", "directory", "directory", "name", "device"))
        if kind == "file":
            place.write_text(f"{layer.name}/{path}")
        elif kind == "directory":
            place.mkdir(mode=0o711)
            os.chown(place, chance.randrange(3), 0)
            if chance.random() < 0.3:
                (place / ".wh..wh..opq").touch()
            elif chance.random() < 0.2:
                os.setxattr(place, "user.fuseoverlayfs.opaque", b"y")
        elif kind == "name":
            (place.parent / f".wh.{place.name}").touch()
        elif kind == "device":
            os.mknod(place, stat.S_IFCHR, 0)
    return layer


def _paths() -> Iterator[str]:
    for one in _NAMES:
        yield one
        for two in _NAMES:
            yield f"{one}/{two}"
            yield from (f"{one}/{two}/{three}" for three in _NAMES)


def make_top(top: Path, covers: Sequence[Cover]) -> Path:
    """The layer that they describe."""
    top.mkdir(mode=0o750)
    for cover in covers:
        place = top / cover.path
        place.mkdir(exist_ok=True)
        os.chmod(place, cover.mode)
        os.chown(place, cover.uid, cover.gid)
        for name in cover.hidden:
            os.mknod(place / name, stat.S_IFCHR, 0)
    return top


@pytest.mark.parametrize("seed", range(20))
def test_both_views_are_the_same(private: PrivateMounts, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    layers = [make_layer(tmp_path / f"layer{at}", chance) for at in range(4)]
    stack = stack_of(layers, _RULES)
    with MergedTree(stack) as tree:
        meant = _without_times(seen_by_us(tree))
    covers = covers_of(stack)
    assert covers  # there are marks in every one of them
    top = make_top(tmp_path / "top", covers)

    def look() -> dict[str, object]:
        with ExitStack() as mounts:
            where = mounts.enter_context(overlay(tmp_path / "merged", [top, *layers]))
            return _without_times(seen_by_the_kernel(where))

    assert private.run(look) == meant


def _without_times(tree: object) -> dict[str, object]:
    """Of directories size and time are the covering layer's."""
    assert isinstance(tree, dict)
    return {
        path: what if what[0] != "directory" else what[:3]  # type: ignore[index]
        for path, what in tree.items()
    }


def test_layers_without_foreign_marks_need_none(tmp_path: Path) -> None:
    (tmp_path / "layer/d").mkdir(parents=True)
    assert covers_of(stack_of([tmp_path / "layer"], _RULES)) == ()


def test_owners_in_attributes_are_refused(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.mkdir()
    os.setxattr(layer, "user.containers.override_stat", b"0:0:0755")
    with pytest.raises(NsviewError, match="owners"):
        covers_of(stack_of([layer], _RULES))


def test_what_only_the_kernel_follows_is_hidden(private: PrivateMounts, tmp_path: Path) -> None:
    """A redirect: fuse-overlayfs knows none."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    (upper / "new").mkdir(parents=True)
    (lower / "old").mkdir(parents=True)
    (lower / "old/file").touch()
    os.setxattr(upper / "new", "trusted.overlay.redirect", b"old")
    covers = covers_of(stack_of([upper, lower], _RULES))
    assert [(one.path, one.hidden) for one in covers] == [("", ()), ("new", ("file",))]


def test_what_only_the_kernel_hides_is_refused(private: PrivateMounts, tmp_path: Path) -> None:
    """A whiteout by attribute is a file to fuse-overlayfs."""
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "file").touch()
    os.setxattr(layer / "file", "trusted.overlay.whiteout", b"y")
    os.setxattr(layer, "trusted.overlay.opaque", b"x")
    with pytest.raises(NsviewError, match="something else at /file"):
        covers_of(stack_of([layer], _RULES))

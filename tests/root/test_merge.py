"""Our merged view is the kernel's: on layers written by hand, and by overlays on overlays."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutations import mutate, remove
from support.overlays import (
    COMMON,
    PrivateMounts,
    comparable,
    directory,
    overlay,
    seen_by_the_kernel,
    seen_by_us,
    stack_of,
)

from nsview.layers.merge import MergedTree
from nsview.layers.stack import OverlayRules

_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_NAMES = ("a", "b", "c\udcff")


def same_view(
    private: PrivateMounts,
    here: Path,
    layers: Sequence[Path],
    rules: OverlayRules,
    options: str,
    *,
    upper: bool,
) -> None:
    def look() -> None:
        top, lower = (layers[0], layers[1:]) if upper else (None, layers)
        with (
            overlay(here / "merged", lower, top, options) as merged,
            MergedTree(stack_of(layers, rules)) as tree,
        ):
            ours, kernels = comparable(seen_by_us(tree), seen_by_the_kernel(merged))
            assert ours == kernels

    private.run(look)


# --- layers by hand

_PATHS = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3).map("/".join)
_OPERATIONS = st.tuples(
    st.sampled_from(
        (
            "file",
            "file",
            "directory",
            "directory",
            "directory",
            "whiteout",
            "opaque",
            "symlink",
            "fifo",
            "xwhiteout",
            "opaque x",
            "redirect",
            "redirect /",
            "metacopy",
            "mode",
            "link",
        )
    ),
    _PATHS,
    _PATHS,
)
_LAYERS = st.lists(st.lists(_OPERATIONS, max_size=8), min_size=3, max_size=8)
_numbers = itertools.count(1)


def write(layer: Path, operation: str, path: str, other: str, prefix: str) -> None:
    target = layer / path
    for parent in reversed(target.relative_to(layer).parents[:-1]):
        make_way(layer / parent)
        (layer / parent).mkdir(exist_ok=True)
    if operation in ("opaque", "opaque x", "redirect", "redirect /", "directory"):
        make_way(target)
        target.mkdir(exist_ok=True)
    number = next(_numbers)
    match operation:
        case "file" | "metacopy" | "xwhiteout" | "fifo" | "symlink" | "whiteout" | "link":
            remove(target)
    match operation:
        case "file":
            target.write_text(f"{number}" * (number % 5))
        case "metacopy":
            target.write_text("")
            os.truncate(target, number % 7)
            os.setxattr(target, f"{prefix}metacopy", b"")
            if number % 3:
                os.setxattr(target, f"{prefix}redirect", os.fsencode("/" + other))
        case "xwhiteout":
            target.write_text("")
            os.setxattr(target, f"{prefix}whiteout", b"")
        case "fifo":
            os.mkfifo(target)
        case "symlink":
            target.symlink_to(f"/etc/{number}")
        case "whiteout":
            os.mknod(target, stat.S_IFCHR | 0o600, 0)
        case "link":
            with contextlib.suppress(OSError):
                os.link(layer / other, target, follow_symlinks=False)
        case "opaque":
            os.setxattr(target, f"{prefix}opaque", b"y")
        case "opaque x":
            os.setxattr(target, f"{prefix}opaque", b"x")
        case "redirect":
            os.setxattr(target, f"{prefix}redirect", os.fsencode(other.rpartition("/")[2]))
        case "redirect /":
            os.setxattr(target, f"{prefix}redirect", os.fsencode("/" + other))
        case "mode":
            with contextlib.suppress(OSError):
                if not target.is_symlink():
                    os.chown(target, number % 5, number % 7)
                    os.chmod(target, 0o700 + number % 64)


def make_way(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        path.unlink()


@_SETTINGS
@given(
    layers=_LAYERS,
    user=st.booleans(),
    redirect=st.sampled_from(("on", "follow", "nofollow")),
    metacopy=st.booleans(),
    upper=st.booleans(),
)
def test_layers_written_by_hand(
    private: PrivateMounts,
    layers: list[list[tuple[str, str, str]]],
    user: bool,
    redirect: str,
    metacopy: bool,
    upper: bool,
) -> None:
    rules = OverlayRules(
        xattr_prefix="user.overlay." if user else "trusted.overlay.",
        follow_redirects=redirect != "nofollow" and not user,
        metacopy=metacopy and redirect == "on" and not user,
    )
    options = COMMON + (",userxattr" if user else f",redirect_dir={redirect}")
    if rules.metacopy:
        options += ",metacopy=on"
    with directory() as here:
        paths = [here / str(index) for index in range(len(layers))]
        for path, operations in zip(paths, layers, strict=True):
            path.mkdir()
            for operation in operations:
                write(path, *operation, rules.xattr_prefix)
        same_view(private, here, paths, rules, options, upper=upper)


# --- layers by real overlays, each on those before

_MUTATIONS = st.tuples(
    st.sampled_from(
        (
            "write",
            "append",
            "chmod",
            "chown",
            "unlink",
            "mkdir",
            "recreate",
            "rename",
            "rename",
            "replace",
            "symlink",
            "fifo",
            "link",
            "touch",
        )
    ),
    _PATHS,
    _PATHS,
)
_ROUNDS = st.lists(st.lists(_MUTATIONS, max_size=8), min_size=2, max_size=7)
_BASE = tuple("/".join(parts) for parts in itertools.product(_NAMES[:2], _NAMES, _NAMES[:2]))


@_SETTINGS
@given(
    rounds=_ROUNDS,
    options=st.sampled_from(
        ("redirect_dir=nofollow", "redirect_dir=on", "redirect_dir=on,metacopy=on", "userxattr")
    ),
    upper=st.booleans(),
)
def test_layers_written_by_overlays(
    private: PrivateMounts, rounds: list[list[tuple[str, str, str]]], options: str, upper: bool
) -> None:
    rules = OverlayRules(
        xattr_prefix="user.overlay." if options == "userxattr" else "trusted.overlay.",
        follow_redirects="redirect_dir=on" in options,
        metacopy="metacopy" in options,
    )
    with directory() as here:
        base = here / "base"
        for path in _BASE:
            (base / path).parent.mkdir(parents=True, exist_ok=True)
            (base / path).write_text(path, errors="surrogateescape")
        layers = [base]

        def build() -> None:
            for index, operations in enumerate(rounds):
                layer = here / f"{index}"
                layer.mkdir()
                with overlay(here / "merged", layers, layer, f"{COMMON},{options}") as merged:
                    for operation in operations:
                        mutate(merged, *operation)
                layers.insert(0, layer)

        private.run(build)
        same_view(private, here, layers, rules, f"{COMMON},{options}", upper=upper)


# --- what chance seldom finds


def test_an_opaque_directory_on_the_way_of_a_redirect(private: PrivateMounts) -> None:
    with directory() as here:
        layers = [here / name for name in ("0", "1", "2", "3")]
        for path in ("0/x", "1/a/b", "2/c", "3/c", "3/a/b"):
            (here / path).mkdir(parents=True)
            (here / path / f"from{path[0]}").write_text(path)
        for path, name, value in (
            ("0/x", "redirect", b"/a/b"),
            ("1/a", "opaque", b"y"),  # stops what goes on through it, but for its absolute redirect
            ("1/a/b", "redirect", b"/c"),
        ):
            os.setxattr(here / path, f"trusted.overlay.{name}", value)
        same_view(private, here, layers, OverlayRules(), f"{COMMON},redirect_dir=on", upper=True)
        with MergedTree(stack_of(layers)) as tree:
            assert [entry.name for entry in tree.list("/x") or ()] == [f"from{n}" for n in "0123"]

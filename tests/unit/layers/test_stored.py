"""Stacks from what an engine's files say."""

from __future__ import annotations

from pathlib import Path

from nsview.engines.stored_stack import StoredLayer, StoredStack
from nsview.layers.stack import Layer, Stack
from nsview.layers.stored import describe, stack_of_stored


def stored(root: Path) -> StoredStack:
    return StoredStack(
        root=str(root),
        layers=(
            StoredLayer(role="upper", path="/u/diff"),
            StoredLayer(role="init", path="/i/diff"),
            StoredLayer(
                role="lower",
                path="/a/diff",
                digest="sha256:d",
                chain_id="sha256:c",
                created_by="RUN",
            ),
        ),
        driver="overlay2",
        image="web:2",
        image_id="1d",
    )


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name / "diff").mkdir(parents=True)


def test_a_stopped_container(tmp_path: Path) -> None:
    make(tmp_path, "u", "i", "a")
    stack = stack_of_stored(stored(tmp_path))
    assert [(one.role, one.directory, one.resolution) for one in stack.layers] == [
        ("upper", f"{tmp_path}/u/diff", "store"),
        ("init", f"{tmp_path}/i/diff", "store"),
        ("lower", f"{tmp_path}/a/diff", "store"),
    ]
    assert stack.layers[2].created_by == "RUN"
    assert [one.writable for one in stack.layers] == [True, False, False]
    assert (stack.target, stack.driver, stack.image) == (None, "overlay2", "web:2")
    assert stack.notes == ()


def test_directories_that_are_missing_are_said_to_be(tmp_path: Path) -> None:
    make(tmp_path, "u")
    stack = stack_of_stored(stored(tmp_path))
    assert [one.resolution for one in stack.layers] == ["store", "unresolvable", "unresolvable"]
    assert stack.notes == ("2 of its directories are missing",)


def test_a_link_in_a_store_does_not_lead_out(tmp_path: Path) -> None:
    make(tmp_path, "u", "i")
    (tmp_path / "a").symlink_to("/etc")
    assert stack_of_stored(stored(tmp_path)).layers[2].path is None


def test_forms(tmp_path: Path) -> None:
    for form in ("plain", "aufs", "fuse-overlayfs", "overlay"):
        stack = stack_of_stored(stored(tmp_path)._replace(form=form))  # type: ignore[arg-type]
        assert stack.rules.form == form
    user = stack_of_stored(stored(tmp_path)._replace(userxattr=True))
    assert user.rules.xattr_prefix == "user.overlay."


def test_what_the_image_says_is_joined_by_directory(tmp_path: Path) -> None:
    make(tmp_path, "u", "i", "a", "other")
    (tmp_path / "l").mkdir()
    (tmp_path / "l/A").symlink_to("../a/diff")

    def layer(index: int, path: str | None) -> Layer:
        return Layer(
            index=index,
            role="lower",
            writable=False,
            path=path,
            root=str(tmp_path),
            shown_as=path or "?",
            resolution="exact",
        )

    paths = ("/i/diff", "/other/diff", "/l/A", None)
    stack = Stack(layers=tuple(layer(index, path) for index, path in enumerate(paths)))
    found = describe(stack, stored(tmp_path))
    assert [one.role for one in found.layers] == ["init", "lower", "lower", "lower"]
    assert [one.created_by for one in found.layers] == [None, None, "RUN", None]
    assert found.layers[2].digest == "sha256:d"
    assert found.layers[2].path == "/l/A"
    assert (found.driver, found.image, found.image_id) == ("overlay2", "web:2", "1d")


def test_a_layer_of_a_users_store_is_opened_below_that_store(tmp_path: Path) -> None:
    make(tmp_path, "a")
    whole = Layer(
        index=0,
        role="lower",
        writable=False,
        path=f"{tmp_path}/a/diff",
        shown_as="?",
        resolution="exact",
    )
    (layer,) = describe(Stack(layers=(whole,)), stored(tmp_path)).layers
    assert (layer.root, layer.path) == (str(tmp_path), "/a/diff")
    assert layer.directory == whole.directory
    assert layer.created_by == "RUN"

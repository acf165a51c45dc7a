"""What the engines' files say of a container's layers: trees as the engines write them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from bbolt_writer import Tree, database, elements, leaf
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines import containerd_images, docker_images, storage_images
from nsview.engines.containerd_images import parse_unsigned
from nsview.engines.containerd_store import DATABASE
from nsview.engines.disk import DiskStore
from nsview.engines.stored_stack import StoredStack, fold_chain, instructions

CID, MOUNT, IMAGE = "c1" * 32, "9f" * 32, "1d" * 32
DIGESTS = [f"sha256:{one * 32}" for one in ("a0", "b1", "c2")]
CHAIN = fold_chain(DIGESTS)
STEPS = ["COPY rootfs /", "RUN make", "RUN make install"]
CONFIG: dict[str, Any] = {
    "rootfs": {"type": "layers", "diff_ids": DIGESTS},
    "history": [
        {"created_by": STEPS[0]},
        {"created_by": "ENV A=b", "empty_layer": True},
        {"created_by": STEPS[1]},
        {"created_by": STEPS[2], "empty_layer": False},
        {"created_by": "CMD [sh]", "empty_layer": True},
    ],
}


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))


def link(root: Path, name: str, target: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(target)


def store(root: Path, user: int = 0) -> DiskStore:
    return DiskStore("/", str(root), user)


def rows(stack: StoredStack | None) -> list[tuple[str, str, str | None, str | None]]:
    assert stack is not None
    return [(one.role, one.path, one.chain_id, one.created_by) for one in stack.layers]


def test_chain_ids_of_the_specification() -> None:
    # Of a real image: its three layers, and what docker's layerdb called the topmost.
    digests = [
        "sha256:e3b6f5499b0a7b246d58a5476eb28a35e263e681bf314364ed569f1682191da5",
        "sha256:2f14bcaaca8f646a1060d9829ba202ec609f91db46490a41453dc0d77b4947ca",
        "sha256:8ebb7329d9b571b73906c52719a731d87514138a26a123f15fbdee88c8861007",
    ]
    chain = fold_chain(digests)
    assert chain[0] == digests[0]
    assert chain[1] == "sha256:6e9692e93e10f4894afa80c0e4f6a127cce1e643da53c9df34501fa6b38d85cd"
    assert chain[2] == "sha256:490a16ff8c14dff39c1489deeac628d1ac72de31da3fdeeae0b3c9b53298fbc9"


def test_instructions_are_counted_without_those_that_made_nothing() -> None:
    assert instructions(CONFIG) == dict(zip(CHAIN, STEPS, strict=True))
    squashed = {**CONFIG, "history": CONFIG["history"][:3]}
    assert instructions(squashed) == {}
    assert instructions(None) == {}
    assert instructions({"rootfs": {"diff_ids": [1, []]}, "history": [{}, "x"]}) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["rootfs", "diff_ids", "history", "created_by", "empty_layer"]), inner
    ),
)  # fmt: skip


@given(json_values)
def test_any_config(config: object) -> None:
    assert all(isinstance(step, str) for step in instructions(config).values())


# docker


def docker_tree(root: Path) -> None:
    layerdb = "image/overlay2/layerdb"
    write(
        root,
        {
            f"containers/{CID}/config.v2.json": {
                "ID": CID, "Image": f"sha256:{IMAGE}", "Config": {"Image": "web:2"},
            },
            f"{layerdb}/mounts/{CID}/mount-id": MOUNT,
            f"{layerdb}/mounts/{CID}/init-id": f"{MOUNT}-init",
            f"{layerdb}/mounts/{CID}/parent": CHAIN[-1],
            f"image/overlay2/imagedb/content/sha256/{IMAGE}": CONFIG,
            f"overlay2/{MOUNT}/lower": "l/I:l/C:l/B:l/A",
        },
    )  # fmt: skip
    for index, name in enumerate("abc"):
        here = f"{layerdb}/sha256/{CHAIN[index].removeprefix('sha256:')}"
        write(root, {f"{here}/cache-id": name, f"{here}/diff": DIGESTS[index]})
        if index:
            write(root, {f"{here}/parent": CHAIN[index - 1]})
        link(root, f"overlay2/l/{name.upper()}", f"../{name}/diff")
    link(root, "overlay2/l/I", f"../{MOUNT}-init/diff")


def docker_rows(root: Path) -> list[tuple[str, str, str | None, str | None]]:
    return [
        ("upper", f"{root}/overlay2/{MOUNT}/diff", None, None),
        ("init", f"{root}/overlay2/{MOUNT}-init/diff", None, None),
        ("lower", f"{root}/overlay2/c/diff", CHAIN[2], STEPS[2]),
        ("lower", f"{root}/overlay2/b/diff", CHAIN[1], STEPS[1]),
        ("lower", f"{root}/overlay2/a/diff", CHAIN[0], STEPS[0]),
    ]


def test_docker(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    stack = docker_images.read_stack(store(tmp_path), CID, "overlay2")
    assert stack is not None
    assert rows(stack) == docker_rows(tmp_path)
    assert [one.digest for one in stack.layers[2:]] == DIGESTS[::-1]
    assert (stack.image, stack.image_id, stack.driver) == ("web:2", IMAGE, "overlay2")
    assert (stack.form, stack.userxattr) == ("overlay", False)


@pytest.mark.parametrize("lower", ["", "l/I:l/GONE:l/B:l/A", "l/I:/etc:l/B:l/A", "l/../..", "x"])
def test_docker_by_its_database_where_the_links_are_no_good(tmp_path: Path, lower: str) -> None:
    docker_tree(tmp_path)
    write(tmp_path, {f"overlay2/{MOUNT}/lower": lower})
    stack = docker_images.read_stack(store(tmp_path), CID, "overlay2")
    assert rows(stack) == docker_rows(tmp_path)


def test_docker_links_are_read_and_not_followed(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    (tmp_path / "overlay2/l/B").unlink()
    link(tmp_path, "overlay2/l/B", "../../../../etc")
    stack = docker_images.read_stack(store(tmp_path), CID, "overlay2")
    assert rows(stack) == docker_rows(tmp_path)


def test_docker_with_a_half_written_database(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    here = f"image/overlay2/layerdb/sha256/{CHAIN[1].removeprefix('sha256:')}"
    write(tmp_path, {f"{here}/cache-id": "", f"{here}/diff": ""})
    stack = docker_images.read_stack(store(tmp_path), CID, "overlay2")
    expected = docker_rows(tmp_path)
    expected[3] = (*expected[3][:2], None, None)
    assert rows(stack) == expected


def test_docker_with_a_loop_in_its_database(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    here = f"image/overlay2/layerdb/sha256/{CHAIN[0].removeprefix('sha256:')}"
    write(tmp_path, {f"{here}/parent": CHAIN[2], f"overlay2/{MOUNT}/lower": ""})
    stack = docker_images.read_stack(store(tmp_path), CID, "overlay2")
    assert rows(stack) == docker_rows(tmp_path)


@pytest.mark.parametrize("evil", ["../../etc", "", "a/b", ".", "\0"])
def test_docker_with_names_that_are_none(tmp_path: Path, evil: str) -> None:
    docker_tree(tmp_path)
    write(tmp_path, {f"image/overlay2/layerdb/mounts/{CID}/mount-id": evil})
    assert docker_images.read_stack(store(tmp_path), CID, "overlay2") is None
    assert docker_images.read_stack(store(tmp_path), evil, "overlay2") is None
    assert docker_images.read_stack(store(tmp_path), CID, evil) is None


def test_docker_with_a_whole_directory_for_each_container(tmp_path: Path) -> None:
    write(tmp_path, {f"image/vfs/layerdb/mounts/{CID}/mount-id": MOUNT})
    stack = docker_images.read_stack(store(tmp_path), CID, "vfs")
    assert stack is not None
    assert stack.form == "plain"
    assert rows(stack) == [("upper", f"{tmp_path}/vfs/dir/{MOUNT}", None, None)]


def test_a_users_docker_stays_in_its_store(tmp_path: Path) -> None:
    docker_tree(tmp_path)
    stack = docker_images.read_stack(store(tmp_path, user=0), CID, "overlay2")
    assert stack is not None
    assert stack.root == "/"
    stack = docker_images.read_stack(store(tmp_path, user=1000), CID, "overlay2")
    assert stack is None  # the files are root's, not the user's


# containers/storage


def storage_tree(root: Path) -> None:
    key = b64encode(f"sha256:{IMAGE}".encode()).decode()
    layers = [
        {"id": "la", "diff-digest": DIGESTS[0]},
        {"id": "lb", "diff-digest": DIGESTS[1], "parent": "la"},
        {"id": "lc", "diff-digest": DIGESTS[2], "parent": "lb"},
        {"id": "lu", "parent": "lc"},
    ]
    write(
        root,
        {
            "overlay-layers/layers.json": layers,
            "overlay-images/images.json": [{"id": IMAGE, "names": ["web:2"], "layer": "lc"}],
            f"overlay-images/{IMAGE}/={key}": CONFIG,
            "overlay-containers/containers.json": [{"id": CID, "image": IMAGE, "layer": "lu"}],
            "overlay/lu/lower": "l/C:l/B:l/A",
        },
    )
    for name in "abc":
        link(root, f"overlay/l/{name.upper()}", f"../l{name}/diff")


def storage_rows(root: Path) -> list[tuple[str, str, str | None, str | None]]:
    return [
        ("upper", f"{root}/overlay/lu/diff", None, None),
        ("lower", f"{root}/overlay/lc/diff", CHAIN[2], STEPS[2]),
        ("lower", f"{root}/overlay/lb/diff", CHAIN[1], STEPS[1]),
        ("lower", f"{root}/overlay/la/diff", CHAIN[0], STEPS[0]),
    ]


def test_storage(tmp_path: Path) -> None:
    storage_tree(tmp_path)
    stack = storage_images.read_stack(store(tmp_path), CID, "overlay")
    assert stack is not None
    assert rows(stack) == storage_rows(tmp_path)
    assert (stack.image, stack.image_id, stack.form) == ("web:2", IMAGE, "overlay")
    write(tmp_path, {"overlay/.has-mount-program": "true"})
    stack = storage_images.read_stack(store(tmp_path), CID, "overlay")
    assert stack is not None
    assert stack.form == "fuse-overlayfs"


def test_storage_without_the_file_lower(tmp_path: Path) -> None:
    storage_tree(tmp_path)
    (tmp_path / "overlay/lu/lower").unlink()
    stack = storage_images.read_stack(store(tmp_path), CID, "overlay")
    assert rows(stack) == storage_rows(tmp_path)


def test_storage_in_transient_mode_lists_containers_in_the_run_root(tmp_path: Path) -> None:
    graph, run = tmp_path / "graph", tmp_path / "run"
    storage_tree(graph)
    element = [{"id": CID, "image": IMAGE, "layer": "lu"}]
    (graph / "overlay-containers/containers.json").unlink()
    write(run, {"overlay-containers/volatile-containers.json": element})
    assert storage_images.read_stack(store(graph), CID, "overlay") is None
    stack = storage_images.read_stack(store(graph), CID, "overlay", str(run))
    assert rows(stack) == storage_rows(graph)


def test_storage_of_an_image_that_is_gone(tmp_path: Path) -> None:
    storage_tree(tmp_path)
    write(tmp_path, {"overlay-images/images.json": []})
    (tmp_path / f"overlay-images/{IMAGE}").rename(tmp_path / "aside")
    stack = storage_images.read_stack(store(tmp_path), CID, "overlay")
    assert rows(stack) == [(*one[:3], None) for one in storage_rows(tmp_path)]


def test_storage_with_layers_of_no_digest_and_a_loop(tmp_path: Path) -> None:
    storage_tree(tmp_path)
    layers = [{"id": "lu", "parent": "lc"}, {"id": "lc", "parent": "lu"}, 7, {"id": []}]
    write(tmp_path, {"overlay-layers/layers.json": layers})
    stack = storage_images.read_stack(store(tmp_path), CID, "overlay")
    assert stack is not None
    assert [one.path for one in stack.layers] == [one[1] for one in storage_rows(tmp_path)]
    assert {one.created_by for one in stack.layers} == {None}


def test_storage_with_a_whole_directory_for_each_container(tmp_path: Path) -> None:
    write(tmp_path, {"vfs-containers/containers.json": [{"id": CID, "layer": "lu"}]})
    stack = storage_images.read_stack(store(tmp_path), CID, "vfs")
    assert rows(stack) == [("upper", f"{tmp_path}/vfs/dir/lu", None, None)]


# containerd


def containerd_tree(root: Path, *, snapshotter: bytes = b"overlayfs", view: bool = False) -> None:
    keys = [chain.encode() for chain in CHAIN] + [b"c1"]
    names = [b"default/%d/%s" % (2 * n, key) for n, key in enumerate(keys)]
    listed: dict[bytes, bytes | Tree] = {}
    stored: dict[bytes, bytes | Tree] = {}
    for number, (key, name) in enumerate(zip(keys, names, strict=True)):
        listed[key] = {b"name": name} | ({b"parent": keys[number - 1]} if number else {})
        kind = 3 if key != b"c1" else 1 if view else 2
        stored[name] = {b"id": bytes([number + 1]), b"kind": bytes([kind])}
    namespace: Tree = {
        b"containers": {
            b"c1": {b"image": b"web:2", b"snapshotKey": b"c1", b"snapshotter": snapshotter}
        },
        b"images": {b"web:2": {b"target": {b"digest": b"sha256:index"}}},
        b"snapshots": {snapshotter: listed},
        b"content": {
            b"blob": {
                b"sha256:config": {
                    b"labels": {b"containerd.io/gc.ref.snapshot." + snapshotter: CHAIN[-1].encode()}
                }
            }
        },
    }
    name = f"io.containerd.snapshotter.v1.{snapshotter.decode()}/metadata.db"
    write(
        root,
        {
            DATABASE: database(leaf(3, elements({b"v1": {b"default": namespace}}))),
            name: database(leaf(3, elements({b"v1": {b"snapshots": stored}}))),
        },
    )


BLOBS = "io.containerd.content.v1.content/blobs/sha256"


def containerd_rows(root: Path) -> list[tuple[str, str, str | None, str | None]]:
    home = f"{root}/io.containerd.snapshotter.v1.overlayfs/snapshots"
    return [("upper", f"{home}/4/fs", None, None)] + [
        ("lower", f"{home}/{number + 1}/fs", CHAIN[number], STEPS[number]) for number in (2, 1, 0)
    ]


def test_containerd_by_the_image_of_its_container(tmp_path: Path) -> None:
    containerd_tree(tmp_path)
    other = {"config": {"digest": "sha256:gone"}}
    write(
        tmp_path,
        {
            f"{BLOBS}/index": {"manifests": [{"digest": "sha256:arm"}, {"digest": "sha256:here"}]},
            f"{BLOBS}/arm": other,
            f"{BLOBS}/here": {"config": {"digest": "sha256:config"}},
            f"{BLOBS}/config": CONFIG,
        },
    )
    stack = containerd_images.read_stack(store(tmp_path), "default", "c1")
    assert stack is not None
    assert rows(stack) == containerd_rows(tmp_path)
    assert [one.digest for one in stack.layers] == [None, *DIGESTS[::-1]]
    assert (stack.image, stack.driver) == ("web:2", "overlayfs")


def test_containerd_by_the_label_of_the_config(tmp_path: Path) -> None:
    containerd_tree(tmp_path)
    write(tmp_path, {f"{BLOBS}/config": CONFIG})
    stack = containerd_images.read_stack(store(tmp_path), "default", "c1")
    assert rows(stack) == containerd_rows(tmp_path)
    assert stack is not None
    assert stack.image_id == "config"


def test_containerd_with_a_config_of_other_layers(tmp_path: Path) -> None:
    containerd_tree(tmp_path)
    write(tmp_path, {f"{BLOBS}/config": {**CONFIG, "rootfs": {"diff_ids": DIGESTS[:2]}}})
    stack = containerd_images.read_stack(store(tmp_path), "default", "c1")
    assert rows(stack) == [(*one[:3], None) for one in containerd_rows(tmp_path)]


def test_containerd_view_has_no_writable_layer(tmp_path: Path) -> None:
    containerd_tree(tmp_path, view=True)
    stack = containerd_images.read_stack(store(tmp_path), "default", "c1")
    assert rows(stack) == [(*one[:3], None) for one in containerd_rows(tmp_path)[1:]]


def test_containerd_native_snapshots_are_whole(tmp_path: Path) -> None:
    containerd_tree(tmp_path, snapshotter=b"native")
    stack = containerd_images.read_stack(store(tmp_path), "default", "c1")
    assert stack is not None
    home = f"{tmp_path}/io.containerd.snapshotter.v1.native/snapshots"
    assert rows(stack) == [("upper", f"{home}/4", None, None)]
    assert stack.form == "plain"


def test_containerd_knows_nothing(tmp_path: Path) -> None:
    assert containerd_images.read_stack(store(tmp_path), "default", "c1") is None
    containerd_tree(tmp_path)
    assert containerd_images.read_stack(store(tmp_path), "other", "c1") is None
    assert containerd_images.read_stack(store(tmp_path), "default", "c2") is None
    write(tmp_path, {DATABASE: b"torn"})
    assert containerd_images.read_stack(store(tmp_path), "default", "c1") is None


def test_docker_with_containerd_s_image_store(tmp_path: Path) -> None:
    """The snapshots are containerd's, by the container's id; its parent is the init layer's."""
    keys = [*(chain.encode() for chain in CHAIN), f"{CID}-init".encode(), CID.encode()]
    listed: dict[bytes, bytes | Tree] = {}
    stored: dict[bytes, bytes | Tree] = {}
    for number, key in enumerate(keys):
        name = b"moby/%d/%s" % (number, key)
        listed[key] = {b"name": name} | ({b"parent": keys[number - 1]} if number else {})
        stored[name] = {b"id": bytes([number + 1]), b"kind": bytes([2 if number == 4 else 3])}
    home = tmp_path / "containerd/daemon"
    snapshots: Tree = {b"snapshots": {b"overlayfs": listed}}
    write(
        home,
        {
            DATABASE: database(leaf(3, elements({b"v1": {b"moby": snapshots}}))),
            "io.containerd.snapshotter.v1.overlayfs/metadata.db": database(
                leaf(3, elements({b"v1": {b"snapshots": stored}}))
            ),
            f"{BLOBS}/manifest": {"config": {"digest": "sha256:config"}},
            f"{BLOBS}/config": CONFIG,
        },
    )
    record = {"ID": CID, "ImageManifest": {"digest": "sha256:manifest"}, "Image": "sha256:index"}
    write(tmp_path, {f"containers/{CID}/config.v2.json": record})
    stack = docker_images.read_stack(store(tmp_path), CID, "overlayfs")
    assert stack is not None
    assert [one.role for one in stack.layers] == ["upper", "init", "lower", "lower", "lower"]
    assert [one.created_by for one in stack.layers] == [None, None, *STEPS[::-1]]
    assert stack.layers[1].chain_id is None


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"\x01", 1), (b"\xac\x02", 300), (b"", None), (b"\x80", None), (b"\x01\x02", None)],
)
def test_unsigned(data: bytes, number: int | None) -> None:
    assert parse_unsigned(data) == number


@given(st.integers(0, 2**64 - 1))
def test_unsigned_round_trip(number: int) -> None:
    data, rest = b"", number
    while rest >= 0x80:
        data += bytes([rest & 0x7F | 0x80])
        rest >>= 7
    assert parse_unsigned(data + bytes([rest])) == number


@given(st.binary(max_size=20))
def test_unsigned_of_any_bytes(data: bytes) -> None:
    number = parse_unsigned(data)
    assert number is None or 0 <= number < 2**64

"""Layers of real overlays as archives: unpacked, they make the tree that the kernel shows."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutations import mutate
from support.oci import Unpacked, described, linked
from support.overlays import COMMON, PrivateMounts, directory, overlay, stack_of
from support.requirements import need_programs

from nsview.errors import NsviewError
from nsview.layers.contents import Contents
from nsview.layers.extract import ExtractOptions, Extractor
from nsview.layers.layer_tar import Owners, TarOptions, root_attributes, write_layer
from nsview.layers.layer_walk import NOTHING_BELOW, Findings
from nsview.layers.merge import MergedTree
from nsview.layers.output_file import Digested
from nsview.layers.stack import OverlayRules
from nsview.layers.tree_tar import tree_items

_SETTINGS = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_NAMES = ("a", "b", "c\udcff")
_PATHS = st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3).map("/".join)
_KINDS = (
    *("write", "append", "chmod", "chown", "unlink", "mkdir", "recreate", "rename", "rename"),
    *("replace", "symlink", "fifo", "link", "touch"),
)
_ROUNDS = st.lists(
    st.lists(st.tuples(st.sampled_from(_KINDS), _PATHS, _PATHS), max_size=8),
    min_size=1,
    max_size=5,
)
_BASE = ("a/a/a", "a/b/a", "a/b/c\udcff", "b/a/a", "b/b", "b/c\udcff/b")


def rules_of(options: str) -> OverlayRules:
    return OverlayRules(
        xattr_prefix="user.overlay." if options == "userxattr" else "trusted.overlay.",
        follow_redirects="redirect_dir=on" in options,
        metacopy="metacopy" in options,
    )


def archives(here: Path, tree: MergedTree, findings: Findings) -> list[Path]:
    """The archive of each layer, bottom first."""
    written = []
    count = len(tree.stack.layers)
    for top in reversed(range(count)):
        path = here / f"{top}.tar"
        with open(path, "w+b") as file:
            base = top + 1 if top + 1 < count else NOTHING_BELOW
            write_layer(tree, Digested(file), findings, TarOptions(), top=top, base=base)
        written.append(path)
    return written


def unpack(here: Path, layers: Sequence[Path]) -> Path:
    whole = Unpacked(here / "unpacked")
    for layer in layers:
        whole.apply(layer)
    return whole.finish()


def extract(tree: MergedTree, target: Path, findings: Findings) -> None:
    options = ExtractOptions(keep_owners=True, owners=Owners())
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with Contents(tree) as contents:
            Extractor(contents, folder, findings, options, start="", target=str(target)).extract(
                tree_items(tree, None, findings), root_attributes(tree, 0)
            )
    finally:
        os.close(folder)


def build(here: Path, rounds: Sequence[Sequence[tuple[str, str, str]]], options: str) -> list[Path]:
    base = here / "base"
    for path in _BASE:
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text(path, errors="surrogateescape")
    os.link(base / "b/b", base / "b/linked")
    layers = [base]
    for index, operations in enumerate(rounds):
        layer = here / f"{index}"
        layer.mkdir()
        with overlay(here / "merged", layers, layer, f"{COMMON},{options}") as merged:
            for operation in operations:
                mutate(merged, *operation)
        layers.insert(0, layer)
    return layers


def check(here: Path, layers: list[Path], options: str) -> None:
    """What is unpacked, and what is extracted, is what the kernel shows."""
    findings = Findings()
    with (
        overlay(here / "merged", layers[1:], layers[0], f"{COMMON},{options}") as merged,
        MergedTree(stack_of(layers, rules_of(options))) as tree,
    ):
        try:
            written = archives(here, tree, findings)
        except NsviewError:  # two directories that claim the same lower one
            assert "redirect_dir=on" in options
            return
        unpacked = unpack(here, written)
        kernels = described(merged)
        assert described(unpacked) == kernels
        groups = linked(merged)
        for group in linked(unpacked):
            assert any(group <= other for other in groups)
        if "redirect_dir=on" not in options:
            assert linked(unpacked) == groups
        extract(tree, here / "extracted", findings)
        assert described(here / "extracted", whole_seconds=False) == described(
            merged, whole_seconds=False
        )
        assert linked(here / "extracted") == groups
    assert findings.notes == ()


OPTIONS = ("redirect_dir=nofollow", "redirect_dir=on", "redirect_dir=on,metacopy=on", "userxattr")


@_SETTINGS
@given(rounds=_ROUNDS, options=st.sampled_from(OPTIONS))
def test_any_changes(
    private: PrivateMounts, rounds: list[list[tuple[str, str, str]]], options: str
) -> None:
    with directory() as here:
        private.run(lambda: check(here, build(here, rounds, options), options))


EVERYTHING = r"""
rm -r a/a; mkdir a/a; echo new >a/a/new             # opaque
rm b/b; mkdir b/b; echo deep >b/b/deep              # a directory over a file
rm -r a/b; echo file >a/b                           # a file over a directory
ln a/a/new linked; ln -s /etc/passwd symbolic; mkfifo fifo; mknod zero c 1 5; mknod disk b 8 1
echo x >"$(printf 'odd \n\377=\001')"; mkdir -p "$(printf '%0200d/%0200d/%0200d' 1 2 3)"
echo long >"$(printf '%0200d/%0200d/%0200d/%0100d' 1 2 3 4)"; ln -s "$(printf '%0300d' 1)" longlink
cp /bin/true able; chown 12:34 able; chmod 4755 able; setcap cap_net_raw+ep able
truncate -s 1M sparse; echo end >>sparse; touch -d 1960-01-01 old; chown 3000000:4000000 old
"""


@pytest.mark.parametrize("options", OPTIONS)
def test_everything(private: PrivateMounts, options: str, tmp_path: Path) -> None:
    need_programs("setcap")

    def make() -> None:
        layers = build(tmp_path, [], options)
        upper = tmp_path / "upper"
        upper.mkdir()
        with overlay(tmp_path / "merged", layers, upper, f"{COMMON},{options}") as merged:
            subprocess.run(["sh", "-ec", EVERYTHING], cwd=merged, check=True)
            if "redirect_dir=on" in options:
                os.rename(merged / "b/c\udcff", merged / "renamed")
                (merged / "renamed/more").write_text("more")
                os.rename(merged / "a", merged / "c")
                (merged / "a").mkdir()
            if "metacopy" in options:
                os.chmod(merged / "b/linked", 0o600)
        layers.insert(0, upper)
        findings = Findings()
        with (
            overlay(tmp_path / "merged", layers[1:], upper, f"{COMMON},{options}") as merged,
            MergedTree(stack_of(layers, rules_of(options))) as tree,
        ):
            unpacked = unpack(tmp_path, archives(tmp_path, tree, findings))
            assert described(unpacked) == described(merged)
            assert (os.lstat(unpacked / "able").st_mode & 0o7777) == 0o4755
            assert os.getxattr(unpacked / "able", "security.capability")
            extract(tree, tmp_path / "extracted", findings)
            kernels = {
                path: what
                for path, what in described(merged, whole_seconds=False).items()
                if path not in ("zero", "disk")
            }
            assert described(tmp_path / "extracted", whole_seconds=False) == kernels
            assert (tmp_path / "extracted/sparse").stat().st_blocks < 1024
        with open(tmp_path / "0.tar", "rb") as file:
            content = file.read()
        assert b"overlay." not in content
        if "metacopy" in options:
            assert content.count(b"b/b") >= 1
        # GNU tar reads the same names, sizes and owners.
        listed = subprocess.run(
            ["tar", "--numeric-owner", "-tvf", tmp_path / "0.tar"], capture_output=True, check=True
        )
        assert not listed.stderr
        assert b"3000000/4000000" in listed.stdout

    private.run(make)


def test_sockets_are_named(private: PrivateMounts, tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    upper.mkdir()
    lower.mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(upper / "socket"))
    findings = Findings()
    with MergedTree(stack_of([upper, lower])) as tree:
        assert unpack(tmp_path, archives(tmp_path, tree, findings))
    assert findings.notes == ("sockets are left out: /socket",)


def test_what_is_mounted_in_a_layer_is_left_out(private: PrivateMounts, tmp_path: Path) -> None:
    from support.overlays import mount

    def make() -> None:
        upper, lower = tmp_path / "upper", tmp_path / "lower"
        (upper / "proc").mkdir(parents=True)
        lower.mkdir()
        mount("proc", str(upper / "proc"), "proc")
        findings = Findings()
        with MergedTree(stack_of([upper, lower])) as tree:
            archives(tmp_path, tree, findings)
        assert len(findings.notes) == 1
        assert "mounted there and left out: /proc" in findings.notes[0]
        whole = Unpacked(tmp_path / "unpacked")
        whole.apply(tmp_path / "1.tar")
        assert whole.apply(tmp_path / "0.tar") == ["proc"]

    private.run(make)


def names_of(here: Path, upper: Path, lower: Path, rules: OverlayRules) -> list[str]:
    with MergedTree(stack_of([upper, lower], rules)) as tree:
        archives(here, tree, Findings())
    whole = Unpacked(here / "unpacked")
    whole.apply(here / "1.tar")
    return whole.apply(here / "0.tar")


def test_whiteouts_of_nothing_are_left_out(tmp_path: Path) -> None:
    """Engines' own differs write them, and others then delete what is not there."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    upper.mkdir()
    lower.mkdir()
    (lower / "there").write_text("x")
    for name in ("there", "nowhere"):
        os.mknod(upper / name, stat.S_IFCHR | 0o600, 0)
    os.link(upper / "there", upper / "again")  # the kernel gives whiteouts one inode
    assert names_of(tmp_path, upper, lower, OverlayRules()) == [".wh.there"]


def test_marks_of_fuse_overlayfs(tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for path in ("lower/opaque/old", "lower/kept/old", "upper/opaque/new", "lower/gone/x"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    for path in ("opaque/.wh..wh..opq", ".wh.gone"):
        (upper / path).write_text("")
    os.setxattr(upper / "opaque", "user.fuseoverlayfs.opaque", b"y")
    rules = OverlayRules(form="fuse-overlayfs", xattr_prefix="user.overlay.")
    assert names_of(tmp_path, upper, lower, rules) == [
        ".wh.gone",
        "opaque",
        "opaque/.wh.old",
        "opaque/new",
    ]


def test_hostile_links_lead_nowhere(private: PrivateMounts, tmp_path: Path) -> None:
    """A redirect and a directory that is a link, both to the host's own files."""
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    (upper / "d").mkdir(parents=True)
    lower.mkdir()
    (lower / "link").symlink_to("/etc")
    os.setxattr(upper / "d", "trusted.overlay.redirect", b"/link")
    (upper / "f").write_text("")
    os.setxattr(upper / "f", "trusted.overlay.metacopy", b"")
    os.setxattr(upper / "f", "trusted.overlay.redirect", b"/../../../../etc/passwd")
    rules = OverlayRules(follow_redirects=True, metacopy=True)
    with MergedTree(stack_of([upper, lower], rules)) as tree, pytest.raises(NsviewError):
        archives(tmp_path, tree, Findings())
    (upper / "f").unlink()
    assert names_of(tmp_path, upper, lower, rules) == ["d"]

"""What an engine's files say about the layers of one container, whether it runs or not."""

from __future__ import annotations

import errno
import os
import re
from stat import S_ISLNK

from nsview.engines.disk import RECORD_LIMIT, DiskStore, read_file
from nsview.engines.untrusted import flag, mapping, parse_json, sequence, text
from nsview.kernel.safe_open import open_below
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Literal, Sequence

#: OVL_MAX_STACK (fs/overlayfs/params.h): no overlay has more lower layers, so no chain is longer.
LONGEST_CHAIN: Final = 500
#: Docker's and containers/storage's drivers that give each container a directory with everything in
#: it, and where that is.
WHOLE: Final = {"vfs": "vfs/dir/{}", "btrfs": "btrfs/subvolumes/{}", "zfs": "zfs/graph/{}"}
#: An id, a chain id, a layer's number: one component of a path that leads nowhere else.
NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")
#: What a file in a directory of links (``l/``) points to: a layer beside that directory.
_LINK = re.compile(r"\.\./([0-9A-Za-z][0-9A-Za-z._-]*)/diff")
_SMALL = 64 * 1024


class StoredLayer(NamedTuple):
    """One directory of a container's stack, in the engine's store."""

    role: Literal["upper", "init", "lower"]
    path: str
    """Below `StoredStack.root`."""
    digest: str | None = None
    chain_id: str | None = None
    created_by: str | None = None


class StoredStack(NamedTuple):
    """The layers of a container, topmost first."""

    root: str
    """Where the paths begin: ``/``, ``/proc/PID/root``, or a user's store itself, which its paths
    must not leave (its owner may put links there)."""
    layers: tuple[StoredLayer, ...]
    form: Literal["overlay", "fuse-overlayfs", "aufs", "plain"] = "overlay"
    userxattr: bool = False
    """Marks are in ``user.overlay.*``: a rootless engine."""
    driver: str | None = None
    image: str | None = None
    image_id: str | None = None
    notes: tuple[str, ...] = ()


class StoreFiles:
    """The small files of a store, and how its directories are to be opened."""

    def __init__(self, store: DiskStore) -> None:
        # Root may have put /var/lib/docker/overlay2 on another disk by a link. A user's links are
        # followed inside the user's own store only.
        confined = store.user != 0 and store.root == "/"
        self.root, self.prefix = (store.home, "") if confined else (store.root, store.path)
        self._user = store.user

    def path(self, name: str) -> str:
        """`name` of the store, below `root`."""
        return f"{self.prefix}/{name}"

    def bytes(self, name: str, limit: int = RECORD_LIMIT) -> bytes:
        """A file's content; empty when it is missing, too large or not its owner's."""
        return read_file(self.root, self.path(name), user=self._user, limit=limit)

    def text(self, name: str) -> str:
        """A small file's content without white space around it."""
        return self.bytes(name, _SMALL).decode("utf-8", "replace").strip()

    def json(self, name: str, limit: int = RECORD_LIMIT) -> object:
        """What the JSON in a file says; None when it says nothing."""
        data = self.bytes(name, limit)
        return parse_json(data) if data else None

    def linked_layer(self, name: str) -> str | None:
        """The layer that a link such as ``overlay2/l/ABC`` names; nothing is followed."""
        try:
            place = open_below(self.root, self.path(name), os.O_PATH | os.O_NOFOLLOW)
        except (OSError, ValueError):
            return None
        try:
            if not S_ISLNK(os.fstat(place).st_mode):
                return None
            match = _LINK.fullmatch(os.readlink("", dir_fd=place))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINVAL, errno.EACCES):
                return None
            raise
        finally:
            os.close(place)
        return match[1] if match else None

    def lower_layers(self, home: str, layer: str) -> list[str]:
        """The layers below `layer` by its file ``lower``, topmost first; empty if any is lost.

        Docker's overlay2 and containers/storage: ``l/ABC:l/DEF``, each a link to ``../ID/diff``.
        """
        words = self.text(f"{home}/{layer}/lower")
        links = [word for word in words.split(":") if word][: LONGEST_CHAIN + 1]
        found = [self.linked_layer(f"{home}/{link}") if _is_link(link) else None for link in links]
        return [layer for layer in found if layer] if all(found) else []


def _is_link(word: str) -> bool:
    return word.startswith("l/") and NAME.fullmatch(word[2:]) is not None


def is_name(word: str | None) -> bool:
    """It may be a component of a path in a store."""
    return word is not None and NAME.fullmatch(word) is not None


def fold_chain(diff_ids: Sequence[str]) -> list[str]:
    """The chain id of each layer, bottom first: ``sha256(parent chain id + " " + diff id)``.

    opencontainers/image-spec: config.md, "Layer ChainID".
    """
    import hashlib  # brings OpenSSL along, for few

    chain: list[str] = []
    for digest in diff_ids:
        whole = f"{chain[-1]} {digest}" if chain else None
        chain.append(
            digest if whole is None else f"sha256:{hashlib.sha256(whole.encode()).hexdigest()}"
        )
    return chain


def diff_ids_of(config: object) -> tuple[str, ...]:
    """The digests of an image's layers, bottom first; empty where the config has none."""
    found = sequence(config, "rootfs", "diff_ids")[:LONGEST_CHAIN]
    return tuple(one for one in found if isinstance(one, str)) if found else ()


def instructions(config: object) -> dict[str, str]:
    """Chain id -> the instruction that made that layer, from an image's config.

    Instructions that made no layer are skipped. Where the rest are not as many as the layers
    (squashed, imported), nobody can say which is whose: none.
    """
    steps = [
        text(entry, "created_by") or text(entry, "comment") or ""
        for entry in sequence(config, "history")
        if mapping(entry) and not flag(entry, "empty_layer")
    ]
    chain = fold_chain(diff_ids_of(config))
    if len(steps) != len(chain):
        return {}
    return {key: step for key, step in zip(chain, steps, strict=True) if step}

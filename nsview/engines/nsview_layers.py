"""The layers of nsview's own sandboxes, as their configuration names them."""

from __future__ import annotations

from nsview.engines.nsview_store import NsviewStore
from nsview.engines.stored_stack import StoredLayer, StoredStack
from nsview.engines.untrusted import mapping, sequence, text


def read_stack(store: NsviewStore, sandbox: str) -> StoredStack | None:
    """The layers of a sandbox; None when nothing says them."""
    config = store.read_config(sandbox)
    layers = []
    for one in sequence(config, "layers"):
        role, place = text(one, "role"), mapping(one).get("path")  # root's own: any bytes
        if not isinstance(place, str) or role not in ("upper", "init", "lower"):
            return None
        layers.append(
            StoredLayer(
                role="upper" if role == "upper" else "init" if role == "init" else "lower",
                path=place,
                digest=text(one, "digest"),
                created_by=text(one, "created_by"),
            )
        )
    if not layers:
        return None
    return StoredStack(
        root="/",
        layers=tuple(layers),
        driver="overlay",
        image=text(config, "image"),
        userxattr=store.user != 0,
    )

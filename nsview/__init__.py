"""nsview shows how every container on a Linux host is made.

The public API is small and typed::

    import nsview

    host = nsview.Host()
    snapshot = host.snapshot()
    for container in snapshot.containers:
        print(container.ref, container.pid)

Names are imported on first use, so that ``import nsview`` costs next to nothing.
"""

from __future__ import annotations

# typing takes longer to import than all that some commands do.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from nsview.errors import NsviewError as NsviewError
    from nsview.host.host import Host as Host
    from nsview.host.model import Container as Container
    from nsview.host.model import Namespace as Namespace
    from nsview.host.model import Snapshot as Snapshot

__version__ = "0.1.0"

_HOMES = {
    "Container": "nsview.host.model",
    "Host": "nsview.host.host",
    "Namespace": "nsview.host.model",
    "NsviewError": "nsview.errors",
    "Snapshot": "nsview.host.model",
}

__all__ = ["Container", "Host", "Namespace", "NsviewError", "Snapshot", "__version__"]


def __getattr__(name: str) -> object:
    # PEP 562: a name is looked up in its home module when somebody asks for it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

"""The files of /etc that belong to one sandbox, as docker's init layer has them."""

from __future__ import annotations

from nsview.sandbox.resolver import read_host_resolver
from nsview.sandbox.spec import Spec
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.network import Network


def files_of_etc(spec: Spec, hostname: str, network: Network | None) -> dict[str, bytes]:
    """Names and contents; what is not among them is the image's, name servers without a network."""
    own = f"{network.address}\t{hostname}\n" if network is not None else ""
    loopback = "localhost" if network is not None else f"localhost {hostname}"
    files = {
        "hostname": f"{hostname}\n".encode(),
        "hosts": f"127.0.0.1\t{loopback}\n::1\tlocalhost ip6-localhost\n{own}".encode(),
    }
    if network is not None:
        files["resolv.conf"] = network.resolver
    elif spec.network == "host":
        files["resolv.conf"] = read_host_resolver()
    return files

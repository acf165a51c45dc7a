"""Which kernel settings a container shares with the host, and which are its own.

A container has no kernel of its own. Most of /proc/sys is the host's, and a few families belong to
a namespace. Sources: namespaces(7), network_namespaces(7), ipc_namespaces(7), uts_namespaces(7),
pid_namespaces(7), user_namespaces(7); Documentation/admin-guide/sysctl/{net,kernel,fs,user,vm}.rst
and Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

from dataclasses import dataclass

from nsview.named_tuple import NamedTuple
from nsview.typed import Callable, Final, Mapping


class SysctlFamily(NamedTuple):
    """A group of settings that belong to one kind of namespace."""

    kind: str | None
    """None: there is one value for the whole host."""
    names: str
    """As sysctl(8) patterns."""
    meaning: str


#: In the order in which they are shown; the first whose pattern fits a name decides.
FAMILIES: Final = (
    SysctlFamily("net", "net.*", "network stack: forwarding, ports, TCP, neighbours"),
    SysctlFamily("ipc", "kernel.{msg,sem,shm}* fs.mqueue.*", "System V and POSIX IPC"),
    SysctlFamily("uts", "kernel.hostname kernel.domainname", "names"),
    SysctlFamily("user", "user.*", "how many namespaces and watches may be made in it"),
    SysctlFamily("pid", "kernel.ns_last_pid", "the number given last (pid_max too since 6.14)"),
    SysctlFamily(None, "kernel.* vm.* fs.* dev.* debug.* abi.*", "the host's, for everybody"),
)

#: Inside the `net.*` directories, and yet one value for the host: they are there in the initial
#: network namespace only (net_core_table in net/core/sysctl_net_core.c, ipv4_table in net/ipv4/).
_GLOBAL_NET: Final = (
    "net.core.bpf_jit_",
    "net.core.busy_",
    "net.core.default_qdisc",
    "net.core.dev_weight",
    "net.core.flow_limit_",
    "net.core.netdev_",
    "net.core.rps_sock_flow_entries",
    "net.ipv4.cipso_",
    "net.ipv4.inet_peer_",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem",
)
_IPC_PREFIXES: Final = ("kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.")

#: What is worth a look: settings that people trip over.
WELL_KNOWN: Final = (
    "kernel.hostname",
    "kernel.domainname",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.core.somaxconn",
    "net.ipv6.conf.all.disable_ipv6",
    "kernel.shmmax",
    "kernel.sem",
    "kernel.msgmax",
    "fs.mqueue.queues_max",
    "user.max_user_namespaces",
    "kernel.threads-max",
    "kernel.core_pattern",
    "kernel.yama.ptrace_scope",
    "fs.file-max",
    "fs.inotify.max_user_watches",
    "vm.overcommit_memory",
    "vm.max_map_count",
    "vm.swappiness",
)

#: /proc/sys shows the settings of whoever opens the file (net_ctl_header_lookup() and its like look
#: at `current`), so these kinds can be read by a thread that has joined the namespace. A user
#: namespace cannot be joined by a thread, nor can a pid namespace by one that lives already.
READABLE_KINDS: Final = ("uts", "net", "ipc")


_LONGEST_VALUE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """One setting as it holds for a container."""

    name: str
    kind: str | None
    """Kind of the namespace that it belongs to; None: the host's for everybody."""
    shared: bool
    """It is the host's: no namespace owns it, or the container shares that namespace."""
    value: str | None
    """As the container has it; None where it cannot be read."""
    host: str | None
    """As the host has it; None where this kernel has no such setting."""


def namespace_of_sysctl(name: str) -> str | None:
    """Kind of the namespace that a setting belongs to; None when the whole host has one value."""
    if name in ("kernel.hostname", "kernel.domainname"):
        return "uts"
    if name.startswith(_IPC_PREFIXES):
        return "ipc"
    if name == "kernel.ns_last_pid":
        return "pid"
    if name.startswith("user."):
        return "user"
    if name.startswith("net."):
        return None if name.startswith(_GLOBAL_NET) else "net"
    return None


def sysctl_path(name: str, root: str = "/proc") -> str:
    """``net.ipv4.ip_forward`` -> ``/proc/sys/net/ipv4/ip_forward``."""
    return f"{root}/sys/{name.replace('.', '/')}"


def read_sysctls(root: str = "/proc", names: tuple[str, ...] = WELL_KNOWN) -> dict[str, str]:
    """Read settings as the calling thread sees them; what is missing or unreadable is left out."""
    values = {}
    for name in names:
        try:
            with open(sysctl_path(name, root), "rb") as file:
                values[name] = file.read(_LONGEST_VALUE).decode(errors="replace").strip()
        except OSError:
            continue
    return values


def compare_sysctls(
    host: Mapping[str, str], inside: Mapping[str, str], is_shared: Callable[[str], bool]
) -> tuple[Sysctl, ...]:
    """Lay the host's settings beside a container's.

    `inside` holds what was read in the container's namespaces; `is_shared` tells of a kind of
    namespace whether the container uses the host's.
    """
    rows = []
    for name in WELL_KNOWN:
        kind = namespace_of_sysctl(name)
        shared = kind is None or is_shared(kind)
        value = host.get(name) if shared else inside.get(name)
        if value is not None or name in host:
            rows.append(
                Sysctl(name=name, kind=kind, shared=shared, value=value, host=host.get(name))
            )
    return tuple(rows)

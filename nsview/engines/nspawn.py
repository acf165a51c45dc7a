r"""systemd-nspawn, and what else registers with systemd-machined.

``machine.slice/machine-NAME.scope`` or ``machine.slice/systemd-nspawn@NAME.service``; below either,
``payload`` holds the container and ``supervisor`` the nspawn process that waits for it. Started
without a unit of its own (--keep-unit) it leaves only ``payload`` somewhere, which names nothing:
there the launcher is asked. Virtual machines of systemd-vmspawn look the same; their processes, in
the host's namespaces, tell them apart.
"""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.launcher import Launcher, base_name, program_name, read_options, runs, taking
from nsview.engines.systemd import unescape, unescape_cgroup

#: libvirt's names begin with its driver and the number of the domain.
_LIBVIRT = ("qemu", "lxc")
#: What surrounds the name of a machine, in its scope and in its service.
_PLACES = (("machine-", ".scope"), ("systemd-nspawn@", ".service"))
_SUPERVISOR = "supervisor"
_TAKES = taking(
    "-M -D -i -u -S -E -p -Z -L --machine --directory --image --template --oci-bundle --user --uid"
    " --slice --setenv --port --hostname --uuid --property --chdir --kill-signal --pivot-root"
    " --bind --bind-ro --bind-user --overlay --overlay-ro --tmpfs --inaccessible"
    " --network-interface --network-zone --network-macvlan --network-ipvlan --network-bridge"
    " --network-veth-extra --network-namespace-path --rlimit --capability --drop-capability"
    " --ambient-capability --system-call-filter --selinux-context --selinux-apifs-context"
    " --personality --cpu-affinity --oom-score-adjust --root-hash --verity-data --image-policy"
    " --link-journal --resolv-conf --timezone --load-credential"
    " --set-credential --private-users-ownership"
)


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A machine; its ``supervisor`` is one more match, the machine's monitor."""
    component = components[index]
    if component == _SUPERVISOR and index:
        return _machine(components[index - 1], monitor=True)
    return _machine(component)


def launched(parent: Launcher, first: Launcher) -> Match | None:
    """``systemd-nspawn -D /var/lib/machines/web``: the machine is called ``web``, or as -M says."""
    if not runs(parent, "systemd-nspawn"):
        return None
    options = read_options(parent.command[1:], _TAKES).values
    machine = options.get("-M") or options.get("--machine")
    tree = options.get("-D") or options.get("--directory")
    image = options.get("-i") or options.get("--image")
    name = base_name(machine or tree or (image or "").removesuffix(".raw"))
    return Match(engine="nspawn", id=name or "", name=name or program_name(first))


def _machine(component: str, *, monitor: bool = False) -> Match | None:
    component = unescape_cgroup(component)
    if component.startswith("machine-") and _is_libvirts(component.removeprefix("machine-")):
        return None
    for before, after in _PLACES:
        escaped = component.removeprefix(before).removesuffix(after)
        if escaped and component == before + escaped + after:
            name = unescape(escaped)
            return Match(engine="nspawn", id=name, name=name, monitor=monitor)
    return None


def _is_libvirts(escaped: str) -> bool:
    driver, _, rest = escaped.partition("\\x2d")
    number, dash, _ = rest.partition("\\x2d")
    return driver in _LIBVIRT and dash != "" and number.isdecimal() and number.isascii()

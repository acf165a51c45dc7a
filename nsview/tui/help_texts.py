"""What each view says about itself: what the kernel does here, and where the facts come from."""

from __future__ import annotations

SUMMARY = """\
A container is no object of the kernel: it is a process whose view was changed, one kind of \
namespace at a time, and whose power was cut by capabilities, seccomp and cgroups. Everything \
here is read from /proc/PID of its first process (`ns/*`, `status`, `uid_map`, `attr/current`), \
the names from the engine's files on disk.
"""

PROCESSES = """\
A process inside has a number in its own pid namespace and another one in every namespace above \
it, up to the host's: it is one process with several names. The numbers are the `NSpid` line of \
/proc/PID/status, joined with the hierarchy of the namespaces (NS_GET_PARENT); the user inside \
comes from uid_map. CPU% is of one processor, MEM what is resident, shared pages among it \
(/proc/PID/stat). `H` lists threads too, which are tasks with numbers of their own: two reads for \
each, so those of very many are read less often.
"""

NAMESPACES = """\
A namespace lives as long as something holds it: a process or thread in it, an open descriptor, \
a bind mount, or a child namespace; when the last one lets go, the kernel frees it. Members are \
read from /proc/PID/ns, the rest from descriptors, mount tables and ioctls on the namespaces \
themselves (ioctl_nsfs(2)).
"""

LAYERS = """\
The root of a container is no disk but a stack of directories that overlayfs shows as one: of each \
path, what the topmost layer that has it says. Writes go to the upper layer alone; a deleted file \
is a whiteout there (a device 0:0) that hides the one below, an opaque directory hides all that is \
below it. The layers are the options of the mount (/proc/PID/mountinfo), digests and instructions \
the engine's files. A added, M modified (docker's C), D deleted, against the layers below.
"""

CHANGES = """\
What the container has added (A), changed (C) and deleted (D) since its image, by the rules of \
`docker diff`. Only the writable layer is read, for nothing else can differ: a file there is new \
or a changed copy of one below (copy-up), a whiteout is a deletion. What was deleted can still be \
viewed: the image has it.
"""

COMPARISON = """\
What would turn the root of the second container into that of the first: added (A), changed (C), \
deleted (D), by the rules of `docker diff`. Where both stand on the same layers, which are the \
same directories on disk, nothing can differ, so only the layers above are read.
"""

FILES = """\
The root as a process in the container sees it, merged from the layers by the kernel's own rules; \
nothing is run in there, so it works for stopped containers too. LAYER is the one that gives a \
file (0 is the topmost); `0+3` is a directory that is merged from several. Owners are as on disk; \
no link is followed out of the root.
"""

LIMITS = """\
A control group counts what its processes use, whoever they are, and holds them to limits; the \
strictest of all groups above it counts. A processor quota stops it for the rest of each period \
(throttled); at its memory limit the kernel takes back cache first, then kills. Pressure (PSI) is \
the share of time in which some task waited. Read from the files of its own group below \
/sys/fs/cgroup, or summed over its processes where it has none.
"""

PULSE = """\
Who eats the machine: its processors, memory and disks over the last minutes, what each engine's \
containers sum up to, who uses most, and what is wrong. `waits` is the kernel's pressure (PSI): in \
how many per cent of the last ten seconds some task had to wait. Read from /proc and from control \
groups, for the whole machine and for each container. Tab goes from tile to tile, Enter opens.
"""

MOUNTS = """\
A mount namespace is a tree of mounts, each on a directory of another one; a later mount covers \
what was there, which stays mounted, hidden. This is /proc/PID/mountinfo of the first process, \
with the kernel's own path walk repeated to find what no path leads to.
"""

NET = """\
A network namespace has interfaces, routes, ports and firewall rules of its own; a veth is a cable \
with one end in here and the other one out there. Read by a thread that joins the namespace for a \
moment: rtnetlink for interfaces and routes, sock_diag for sockets, whose inodes lead to \
/proc/PID/fd; published ports are rules of nftables and processes of docker-proxy. Containers that \
share a namespace (pods) share all of it.
"""

WIRING = """\
A bridge is a switch made of software, and a veth a cable: one end is a port of the bridge, the \
other one the eth0 of a container. A macvlan or ipvlan lies on an interface of the host instead. \
The kernel says of each end only a number for the namespace of the other one (IFLA_LINK_NETNSID); \
which one it is was asked with RTM_GETNSID.
"""

PROCESS_LIST = """\
The host sees every process of every container, for their pid namespaces are below its own; only \
the opposite direction is closed. This is /proc, with each process's numbers from `NSpid` and its \
container from its cgroup and its namespaces. CPU% is of one processor, MEM what is resident, \
shared pages among it. `H` lists threads, `K` leaves out the kernel's, `O` the host's processes.
"""

NAMESPACE_LIST = """\
Namespaces have parents (pid and user) and owners: the user namespace whose root has power over \
them. `t` shows them flat, by parent, or by owner; inode numbers are reused by the kernel, the id \
in the third column never is (Linux 6.18).
"""

PID = """\
One number can mean many processes, because each pid namespace counts for itself, from 1. All \
levels of every process that has this number anywhere are listed, from `NSpid` in /proc/PID/status.
"""

XRAY = """\
Every namespace is owned by a user namespace, and capabilities count only in there: that is why \
root in a container of its own user namespace is no root outside. The tree is user namespace, pid \
namespace, container, process; the edges come from NS_GET_USERNS and NS_GET_PARENT (ioctl_nsfs(2)).
"""

PROCESS = """\
A process is in exactly one namespace of each kind; what is not marked as the host's is its own \
view. Read from /proc/PID: `status`, `ns/*`, `cgroup`, `cmdline`, `uid_map`.
"""

NAMESPACE = """\
A namespace has no name but its inode number on nsfs, and goes away with its last holder. All \
that hold it are listed; what the kernel lists and nothing visible explains is held by something \
outside our sight.
"""

MOUNT = """\
A mount puts one directory of a file system on a directory of another one; its own options (ro, \
nosuid) come on top of those of the file system. Read from /proc/PID/mountinfo.
"""

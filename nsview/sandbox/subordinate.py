"""The ids of the host that stand for those inside a user namespace: subuid(5), subgid(5)."""

from __future__ import annotations

import pwd

from nsview.errors import NsviewError
from nsview.kernel.idmap import IdRange, format_id_map, to_inside, to_outside
from nsview.kernel.safe_open import read_below
from nsview.kernel.subordinate_ids import Range, parse_ranges
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterable, Iterator

FILES: Final = ("/etc/subuid", "/etc/subgid")
#: In whose name a range may stand there; the first that has one.
_NAMES: Final = ("nsview", "root", "0")
_COUNT: Final = 1 << 16
#: What systemd keeps free of users for containers (systemd.io/UIDS-GIDS).
_FREE_FROM: Final = 0x00080000
_FREE_TO: Final = 0x6FFF0000


class Ids(NamedTuple):
    """What a user namespace is mapped to."""

    uids: tuple[IdRange, ...]
    gids: tuple[IdRange, ...]
    note: str | None = None
    """Where they are from, if nobody has set them apart."""

    @property
    def maps(self) -> tuple[bytes, bytes]:
        """As uid_map and gid_map take them."""
        return format_id_map(self.uids), format_id_map(self.gids)

    def has_uid(self, uid: int) -> bool:
        """Say whether some id stands for this one."""
        return to_outside(self.uids, uid) is not None

    def has_outer_uid(self, uid: int) -> bool:
        """Say whether this one of the host's stands for some id."""
        return to_inside(self.uids, uid) is not None

    def has_gid(self, gid: int) -> bool:
        """The same of a group's."""
        return to_outside(self.gids, gid) is not None

    @property
    def highest(self) -> int:
        """The last id inside that stands for both a user and a group."""
        return min(one[-1].inside + one[-1].length - 1 for one in (self.uids, self.gids))

    @property
    def is_one_user(self) -> bool:
        """Say whether there is nobody but root."""
        return self.highest == 0


def choose_ids(seed: str) -> Ids:
    """The subordinate ranges of nsview or root; else some that nobody has. For root.

    `seed`, a sandbox's id, has each look for them elsewhere. Raises `NsviewError` where none is
    left.
    """
    uids, gids = (parse_ranges(read_below("/", path) or b"") for path in FILES)
    own_uids, own_gids = _own(uids), _own(gids)
    if own_uids is not None and own_gids is not None:
        return _from_zero(own_uids, own_gids)
    users = [Range(one.pw_name, one.pw_uid, 1) for one in pwd.getpwall()]
    taken = [*uids, *gids, *users]
    for start in _candidates(int(seed[:8], 16)):
        if not any(one.overlaps(start, _COUNT) for one in taken):
            note = f"user namespace: ids {start} to {start + _COUNT - 1}, which no user has"
            note += " (/etc/subuid has none for nsview)"
            return _from_zero(start, start)._replace(note=note)
    raise NsviewError("no ids are free for a user namespace", hint="add nsview to /etc/subuid")


def _from_zero(uid: int, gid: int) -> Ids:
    return Ids(uids=(IdRange(0, uid, _COUNT),), gids=(IdRange(0, gid, _COUNT),))


def _own(ranges: Iterable[Range]) -> int | None:
    """The start of a range that is long enough for the ids that images use, ``nobody`` too."""
    for name in _NAMES:
        for one in ranges:
            if one.owner == name and one.count >= _COUNT:
                return one.start
    return None


def _candidates(seed: int) -> Iterator[int]:
    slots = (_FREE_TO - _FREE_FROM) // _COUNT
    return (_FREE_FROM + (seed + at) % slots * _COUNT for at in range(slots))

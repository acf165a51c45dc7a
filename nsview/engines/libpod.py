"""Podman's own database: pods, labels and states, which containers/storage does not know.

Two forms, the same JSON inside: ``libpod/bolt_state.db`` (bbolt, the default up to podman 4) and
``db.sql`` (SQLite, since 5). libpod/boltdb_state.go, libpod/sqlite_state_internal.go.
"""

from __future__ import annotations

from nsview.engines.base import Pod, Record
from nsview.engines.untrusted import (
    flag,
    labels,
    number,
    parse_json,
    process_id,
    text,
    texts,
    timestamp,
)
from nsview.typed import TYPE_CHECKING, Final, Iterable, Mapping

if TYPE_CHECKING:
    from sqlite3 import Connection

    from nsview.engines.bbolt import Bucket

_SQLITE: Final = b"SQLite format 3\0"

# libpod/define/containerstate.go
_UNKNOWN, _RUNNING, _PAUSED, _STOPPING = 0, 3, 5, 8

#: Virtual machine steps of SQLite; a SELECT of 10,000 containers takes about a million. A hostile
#: schema could compute for ever.
_STEPS = 50_000_000
_STEPS_A_CALL = 1_000_000


def parse_state(data: bytes) -> Mapping[str, Record] | None:
    """Containers by id from a copy of either; None when it is none."""
    return parse_sql_state(data) if data.startswith(_SQLITE) else parse_bolt_state(data)


def parse_bolt_state(data: bytes) -> Mapping[str, Record] | None:
    """Containers by id from a copy of bolt_state.db; None when it is none."""
    from nsview.engines.bbolt import BboltError, parse_bbolt

    try:
        root = parse_bbolt(data)
        pods = _rows(root.bucket(b"pod"))
        containers = _rows(root.bucket(b"ctr"))
    except BboltError:
        return None
    infra = {text(parse_json(row.get(b"state", b"")), "InfraContainerID") for row in pods.values()}
    named = {
        identity: Pod(uid=identity, name=text(parse_json(row.get(b"config", b"")), "name"))
        for identity, row in pods.items()
    }
    return _containers(
        (
            (identity, named.get(row.get(b"pod-id", b"").decode("utf-8", "replace")), row)
            for identity, row in containers.items()
        ),
        infra,
    )


def _rows(bucket: Bucket | None) -> dict[str, dict[bytes, bytes]]:
    if bucket is None:
        return {}
    return {key.decode("utf-8", "replace"): row.values() for key, row in bucket.buckets()}


def parse_sql_state(data: bytes) -> Mapping[str, Record] | None:
    """Containers by id from a copy of db.sql; None when it is none."""
    import sqlite3  # 5 ms, and only for podman 4.4 and newer

    # Bytes 18 and 19 say "write-ahead log", which a copy in memory cannot have.
    image = data[:18] + b"\x01\x01" + data[20:]
    try:
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(image)
            return _read_sql(connection)
        finally:
            connection.close()
    except (sqlite3.Error, MemoryError, ValueError):  # ValueError: even its errors quote the schema
        return None


def _read_sql(connection: Connection) -> Mapping[str, Record]:
    steps = iter(range(_STEPS // _STEPS_A_CALL))
    connection.set_progress_handler(lambda: next(steps, None) is None, _STEPS_A_CALL)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    pods = {
        identity: Pod(uid=identity, name=name)
        for identity, name in connection.execute("SELECT ID, Name FROM PodConfig")
        if isinstance(identity, str) and (isinstance(name, str) or name is None)
    }
    infra = {
        identity for (identity,) in connection.execute("SELECT InfraContainerID FROM PodState")
    }
    rows = connection.execute(
        "SELECT ID, PodID, ContainerConfig.JSON, ContainerState.JSON"
        " FROM ContainerConfig JOIN ContainerState USING (ID)"
    )
    return _containers(
        (
            (identity, pods.get(pod), {b"config": _bytes(config), b"state": _bytes(state)})
            for identity, pod, config, state in rows
            if isinstance(identity, str)
        ),
        infra,
    )


def _bytes(value: object) -> bytes:
    """A JSON column: podman's driver stores text or a blob as it likes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return value if isinstance(value, bytes) else b""


def _containers(
    rows: Iterable[tuple[str, Pod | None, Mapping[bytes, bytes]]], infra: Iterable[object]
) -> dict[str, Record]:
    infra = frozenset(infra)
    containers = {}
    for identity, pod, row in rows:
        config = parse_json(row.get(b"config", b""))
        state = parse_json(row.get(b"state", b""))
        status = number(state, "state") or _UNKNOWN
        running = None if status == _UNKNOWN else status in (_RUNNING, _PAUSED, _STOPPING)
        containers[identity] = Record(
            engine="podman",
            id=identity,
            name=text(config, "name"),
            image=text(config, "rootfsImageName") or text(config, "rootfs"),
            image_id=text(config, "rootfsImageID"),
            pod=pod,
            # podman 5 leaves the column of the pod empty; what it makes it marks itself.
            sandbox=identity in infra or flag(config, "pause") is True,
            running=running,
            paused=None if status == _UNKNOWN else status == _PAUSED,
            pid=process_id(state, "pid") if running else None,
            started=timestamp(state, "startedTime"),
            created=timestamp(config, "createdTime"),
            command=texts(config, "spec", "process", "args"),
            labels=labels(config, "labels"),
        )
    return containers

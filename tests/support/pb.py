"""The wire's messages as Python classes, generated from proto/ into build/python when proto/ changed."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys

from tests.support.paths import BUILD, ROOT

_OUT = BUILD / "python"


def _generate() -> None:
    sources = sorted((ROOT / "proto" / "kasumori" / "v1").glob("*.proto"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    _OUT.mkdir(parents=True, exist_ok=True)
    stamp = _OUT / "stamp"
    with open(_OUT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return
        subprocess.run(
            [
                "protoc",
                f"--proto_path={ROOT / 'proto'}",
                f"--python_out={_OUT}",
                *map(str, sources),
            ],
            check=True,
        )
        stamp.write_text(digest)


_generate()
sys.path.insert(0, str(_OUT))

from kasumori.v1 import (  # noqa: E402
    alert_pb2,
    contact_pb2,
    health_pb2,
    identity_pb2,
    incident_pb2,
    record_pb2,
    watch_pb2,
)

Record = record_pb2.Record
Heartbeat = health_pb2.Heartbeat
Alert = alert_pb2.Alert
WatchEntry = watch_pb2.WatchEntry

__all__ = [
    "Alert",
    "Heartbeat",
    "Record",
    "WatchEntry",
    "alert_pb2",
    "contact_pb2",
    "identity_pb2",
    "incident_pb2",
    "record_pb2",
]

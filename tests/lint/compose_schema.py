"""The compose specification's JSON schema, from a pinned package: its text is not ours to keep.

It comes from npm's dclint, which carries the schema of the specification's repository; checked by
SHA-256 and kept in the cache. Safe to call from many processes at once.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "dclint@3.1.0"
MEMBER = "package/schemas/compose.schema.json"
SHA256 = "46b7d35f19dd93a05f8fea530291bf84d881c1791ec167ecf0e6fb94e639d496"


def _is_whole(path: Path) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


def _fetch(folder: Path) -> bytes:
    for attempt in (1, 2, 3):
        done = subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE],
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
        if done.returncode == 0:
            break
        print(f"compose schema: attempt {attempt} of 3 failed", file=sys.stderr)
    else:
        raise RuntimeError(f"could not fetch {PACKAGE}: {done.stderr[-500:]}")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as tar:
        return tar.extractfile(MEMBER).read()


def load() -> dict:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kasumori"
    path = cache / f"compose-schema-{SHA256[:12]}.json"
    if not _is_whole(path):
        cache.mkdir(parents=True, exist_ok=True)
        with open(cache / "compose-schema.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_whole(path):  # nobody else was faster
                with tempfile.TemporaryDirectory(dir=cache) as folder:
                    text = _fetch(Path(folder))
                    found = hashlib.sha256(text).hexdigest()
                    if found != SHA256:
                        raise RuntimeError(f"{PACKAGE}: {MEMBER} has SHA-256 {found}")
                    partial = Path(folder) / "schema.json"
                    partial.write_bytes(text)
                    partial.replace(path)
    return json.loads(path.read_text())

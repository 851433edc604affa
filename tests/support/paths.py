"""Where things are."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def binaries() -> Path:
    """The folder of the programs under test; KASUMORI_BUILD names another build folder."""
    return Path(os.environ.get("KASUMORI_BUILD", BUILD / "dev")).resolve() / "bin"


def free_port() -> int:
    """A loopback port nobody listens on, below the range the kernel takes outgoing ports from, so that
    it is still free when a killed server comes back to it."""
    first_local = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(500):
        port = random.SystemRandom().randrange(12000, min(first_local, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free loopback port")

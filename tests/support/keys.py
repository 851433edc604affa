"""Keys, tokens and MACs written a second time, from services/common/token/token.h and mac/mac.h alone,
so that the programs' own code is checked by other code."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "handle": 1, "member": 2, "account": 3, "phone": 4, "mail": 5, "vehicle": 6, "sns": 7, "name": 8,
    "worker": 9, "phone_impersonal": 10,
}  # fmt: skip
TOKEN_BYTES = 16


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


@dataclass(frozen=True)
class Keys:
    """The key folder of `kasumori keygen`, as headquarters holds it."""

    tenant: str
    mac_master: bytes
    token_masters: dict[int, bytes]  # by key id
    vault_public: bytes
    vault_secret: bytes

    @classmethod
    def load(cls, folder: Path, tenant: str) -> Keys:
        masters = {}
        for line in (folder / f"{tenant}.token-masters").read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                key_id, master = line.split()
                masters[int(key_id)] = bytes.fromhex(master)
        return cls(
            tenant,
            bytes.fromhex((folder / "mac-master.key").read_text().strip()),
            masters,
            bytes.fromhex((folder / f"{tenant}.vault.public").read_text().strip()),
            bytes.fromhex((folder / f"{tenant}.vault.secret").read_text().strip()),
        )

    def token_key(self, kind: str, key_id: int) -> bytes:
        label = b"kasumori token key\0" + self.tenant.encode() + b"\0"
        return _hmac(self.token_masters[key_id], label + struct.pack(">II", KINDS[kind], key_id))

    def token(self, kind: str, normal: str, key_id: int | None = None) -> bytes:
        """Of a value in its normal form, under the newest key or the one named."""
        key_id = max(self.token_masters) if key_id is None else key_id
        return _hmac(self.token_key(kind, key_id), normal.encode())[:TOKEN_BYTES]

    def mac_key(self, agent: str, key_id: int = 1) -> bytes:
        label = b"kasumori agent key\0" + agent.encode() + b"\0"
        return _hmac(self.mac_master, label + struct.pack(">I", key_id))

    def mac_header(
        self, value: bytes, agent: str, epoch: int, sequence: int, key_id: int = 1
    ) -> bytes:
        data = value + agent.encode() + struct.pack(">QQQ", epoch, sequence, len(value))
        return struct.pack(">I", key_id) + _hmac(self.mac_key(agent, key_id), data)


def body_headers(
    keys: Keys, value: bytes | None, agent: str, epoch: int, sequence: int, key_id: int = 1
) -> list[tuple[str, bytes]]:
    """The message headers an agent sends with value."""
    return [
        ("content-type", b"application/x-protobuf"),
        ("ks-agent", agent.encode()),
        ("ks-epoch", str(epoch).encode()),
        ("ks-sequence", str(sequence).encode()),
        ("ks-mac", keys.mac_header(value or b"", agent, epoch, sequence, key_id)),
    ]

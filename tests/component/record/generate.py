"""Seeded random records that follow every rule of record_validate, with unknown enum values and
unknown fields among them."""

import random
import uuid

from google.protobuf.descriptor import FieldDescriptor
from kasumori.v1 import record_pb2

DAY_US = 86_400_000_000
ID_AT_US = 1_793_000_000_123_000
COUNTS = {"persons": 4, "identifiers": 8, "tokens": 4, "decided_by": 8}
LENGTHS = {
    "tenant": 64,
    "site": 64,
    "concerned_site": 64,
    "source": 64,
    "scheme": 64,
    "version": 64,
    "code": 64,
    "recording_uri": 1024,
    "uri": 1024,
}
PIECES = [
    "返金",
    "カスハラ",
    "é",
    "😀",
    "ｱ",
    '"',
    "\\",
    "\x01",
    "\x1f",
    "\x7f",
    "a",
    "/",
    "\n",
    " ",
]
DURATIONS = {"ring_us", "queue_us", "hold_us", "talk_us"}
# Numbers no message of ours uses yet, one byte and several bytes of tag.
UNKNOWN = [
    b"\xf8\x3f\x2a",
    b"\xfa\x3f\x03abc",
    b"\xfd\x3f\x01\x02\x03\x04",
    b"\xf9\x3f\x01\x02\x03\x04\x05\x06\x07\x08",
    b"\xa8\x02\x07",
    b"\xaa\x02\x00",
    b"\xf8\xff\xff\xff\x0f\x01",
]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.density = self.random.choice([0.1, 0.4, 0.9])

    def text(self, bytes_max):
        size = self.random.choice([1, 5, 40, bytes_max])
        out = ""
        while len(out.encode()) < size:
            out += self.random.choice(PIECES)
        while len(out.encode()) > bytes_max:
            out = out[:-1]
        return out

    def integer(self, field):
        if field.type == FieldDescriptor.TYPE_BOOL:
            return True
        if field.type == FieldDescriptor.TYPE_ENUM:
            known = [value.number for value in field.enum_type.values]
            return self.random.choice([*known, 99, -1, 2**31 - 1])
        if field.type == FieldDescriptor.TYPE_UINT32:
            return self.random.choice([0, 1, 127, 128, 2**32 - 1, self.random.getrandbits(20)])
        if field.name in DURATIONS:
            return self.random.choice([0, 1, self.random.randrange(DAY_US), DAY_US])
        if field.name.endswith("_us"):
            return self.random.choice([0, 1, ID_AT_US, 253_402_300_799_999_999])
        return self.random.choice([0, -1, 2**63 - 1, -(2**63), self.random.getrandbits(40)])

    def blob(self, name):
        sizes = {"mac": 16, "target_id": 16, "sha256": 32}
        return self.random.randbytes(sizes.get(name) or self.random.choice([1, 100, 512]))

    def fill(self, message):
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof is None and self.random.random() < self.density:
                self.fill_field(message, field)
        for oneof in message.DESCRIPTOR.oneofs:
            self.fill_field(message, self.random.choice(oneof.fields))
        if message.DESCRIPTOR.name == "Identifier":
            for key_id, token in enumerate(message.tokens):
                token.key_id = key_id * self.random.choice([1, 1000])
                token.mac = self.blob("mac")
        if message.DESCRIPTOR.name in ("Supplement", "Correction"):
            message.target_id = self.blob("target_id")
        if self.random.random() < 0.03:
            count = self.random.randrange(1, 4)
            message.MergeFromString(b"".join(self.random.choices(UNKNOWN, k=count)))

    def fill_field(self, message, field):
        if field.label == FieldDescriptor.LABEL_REPEATED:
            most = COUNTS.get(field.name, self.random.choice([1, 2, 5]))
            for _ in range(self.random.randrange(most + 1)):
                self.fill(getattr(message, field.name).add())
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(message, field.name).SetInParent()
            self.fill(getattr(message, field.name))
        elif field.type == FieldDescriptor.TYPE_STRING:
            limit = 300 if message.DESCRIPTOR.name == "Text" else LENGTHS.get(field.name, 256)
            setattr(message, field.name, self.text(limit))
        elif field.type == FieldDescriptor.TYPE_BYTES:
            setattr(message, field.name, self.blob(field.name))
        else:
            setattr(message, field.name, self.integer(field))

    def record(self):
        record = record_pb2.Record()
        self.fill(record)
        record.schema_major = 1
        at_ms = ID_AT_US // 1000
        record.record_id = uuid.UUID(
            int=at_ms << 80 | 7 << 76 | self.random.getrandbits(12) << 64
            | 2 << 62 | self.random.getrandbits(62)
        ).bytes  # fmt: skip
        record.tenant = record.tenant or "acme"
        record.site = record.site or "s001"
        record.occurred_start_us = ID_AT_US - self.random.randrange(3660 * DAY_US)
        record.occurred_end_us = self.random.choice(
            [0, record.occurred_start_us, record.occurred_start_us + DAY_US]
        )
        for ordinal, person in enumerate(record.persons):
            person.ordinal = ordinal
        return record


def records(seed, count):
    """count records whose encoding is within the limit of a value."""
    made = []
    while len(made) < count:
        seed += 1
        record = Generator(seed).record()
        if record.ByteSize() <= 64 * 1024:
            made.append(record)
    return made


def mutations(seed, values, count):
    """Bytes near valid ones: flipped, cut, doubled, spliced."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(values))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data) + 1)
            kind = chance.randrange(4)
            if kind == 0 and at < len(data):
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at : at + chance.randrange(1, 9)]
            elif kind == 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 5))
            else:
                other = chance.choice(values)
                start = chance.randrange(len(other))
                data[at:at] = other[start : start + chance.randrange(1, 60)]
        yield bytes(data)

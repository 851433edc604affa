"""common/record against Python's protobuf: the same bytes mean the same record, hash, JSON and texts.
Run by run.sh, which sets the environment."""

import json
import os
import re
import struct
import subprocess
from pathlib import Path

from canonical import body_hash, body_json, canonical_form, messages_in, texts_of
from generate import mutations, records
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from kasumori.v1 import record_pb2

TOOL = os.environ["KASUMORI_RECORD_TOOL"]
GOLDEN = Path(__file__).parents[2] / "unit/common/record/golden.inc"
SEED = int(os.environ.get("KASUMORI_SEED", "20261124"))


def run_tool(command, data=b""):
    return subprocess.run(
        [TOOL, command], input=data, stdout=subprocess.PIPE, check=True, timeout=120
    ).stdout.decode()


def read_all(values):
    """What the C side says of each value, as lists of columns."""
    frames = b"".join(struct.pack(">I", len(value)) + value for value in values)
    lines = run_tool("read", frames).split("\n")[:-1]
    assert len(lines) == len(values)
    return [line.split("\t") for line in lines]


def has_unknown(record):
    return any(len(UnknownFieldSet(message)) > 0 for _, message in messages_in(record))


def check_agreement(record, columns):
    """columns, a line of the tool, against record as Python has it. Returns the encoding."""
    state, valid, hashed, encoding, unknown, body, texts = columns
    assert (state, valid) == ("ok", "valid")
    assert record_pb2.Record.FromString(bytes.fromhex(encoding)) == record
    assert hashed == body_hash(record).hex()
    assert unknown == str(int(has_unknown(record)))
    assert json.loads(body) == body_json(record)
    expected = [f"{place}={value.encode().hex()}" for place, value in texts_of(record)]
    assert texts == ",".join(expected)
    return bytes.fromhex(encoding)


def test_python_encodes_c_agrees():
    made = records(SEED, 500)
    values = [record.SerializeToString() for record in made]
    kinds = set()
    for record, value, columns in zip(made, values, read_all(values), strict=True):
        encoding = check_agreement(record, columns)
        assert encoding == value, "fields in another order or with other bytes"
        kinds.add(record.WhichOneof("body"))
    assert kinds == {"contact", "incident", "supplement", "correction"}
    assert any(has_unknown(record) for record in made)


def test_c_encodes_python_agrees():
    golden = re.findall(
        r'GOLDEN\((\w+),\s*"(\w+)",((?:\s*"\w+")+)\s*\)', GOLDEN.read_text(encoding="ascii")
    )
    values = {
        name: (hashed, bytes.fromhex("".join(re.findall(r'"(\w+)"', lines))))
        for name, hashed, lines in golden
    }
    fresh = dict(line.split("\t") for line in run_tool("samples").splitlines())
    assert {name: value.hex() for name, (_, value) in values.items()} == fresh
    for hashed, value in values.values():
        record = record_pb2.Record.FromString(value)
        assert record.SerializeToString() == value
        assert body_hash(record).hex() == hashed
        check_agreement(record, read_all([value])[0])


def test_whatever_c_accepts_python_reads_alike():
    values = [record.SerializeToString() for record in records(SEED + 1000, 60)]
    changed = list(mutations(SEED, values, 4000))
    accepted = 0
    for value, columns in zip(changed, read_all(changed), strict=True):
        if columns[0] != "ok" or columns[1] != "valid":
            continue
        record = record_pb2.Record.FromString(value)
        accepted += 1
        if not has_unknown(record):
            check_agreement(record, columns)
    assert accepted > 100


def test_what_python_cannot_read_c_refuses():
    values = [record.SerializeToString() for record in records(SEED + 2000, 60)]
    changed = list(mutations(SEED + 1, values, 2000))
    refused = 0
    for value, columns in zip(changed, read_all(changed), strict=True):
        try:
            record_pb2.Record.FromString(value)
        except DecodeError:
            refused += 1
            assert columns[0] != "ok" or columns[1] != "valid"
    assert refused > 200


def without_fields(removed):
    """Record in a schema that never had the removed fields."""
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(Path(os.environ["KASUMORI_DESCRIPTORS"]).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        for message in file.message_type:
            kept = [f for f in message.field if f"{message.name}.{f.name}" not in removed]
            del message.field[:]
            message.field.extend(kept)
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("kasumori.v1.Record"))


def test_hash_is_the_same_before_a_field_is_known():
    older = without_fields(
        {"Record.matter", "Record.worker", "Contact.talk_us", "Incident.note", "Victim.care"}
    )
    is_tried = False
    for record in records(SEED + 3000, 100):
        if record.HasField("worker"):
            record.worker.ClearField("tokens")  # an unknown message cannot be pruned
            record.worker.ClearField("sealed")
        seen = older.FromString(record.SerializeToString())
        if not has_unknown(record):
            is_tried |= has_unknown(seen)
            assert canonical_form(seen) == canonical_form(record)
    assert is_tried

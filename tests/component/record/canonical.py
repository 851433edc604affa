"""The canonical form of a record, the mapping to JSON and the places of texts, written from
proto/README.md with Python's descriptors and nothing of the C code."""

import hashlib

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.unknown_fields import UnknownFieldSet

LEFT_OUT = {
    "kasumori.v1.Record": {
        "schema_major",
        "schema_minor",
        "record_id",
        "source",
        "external_id",
        "revision",
        "recorded_at_us",
        "clock_state",
    },
    "kasumori.v1.Identifier": {"tokens", "sealed"},
}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def prefixed(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def values_of(message, field):
    """The values that are present, in order."""
    value = getattr(message, field.name)
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return list(value)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return [value] if message.HasField(field.name) else []
    return [value] if value else []


def encoded(field, value):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return prefixed(field.number, message_form(value))
    if field.type == FieldDescriptor.TYPE_STRING:
        return prefixed(field.number, value.encode())
    if field.type == FieldDescriptor.TYPE_BYTES:
        return prefixed(field.number, value)
    return varint(field.number << 3) + varint(int(value))


def unknown_encoded(field):
    tag = varint(field.field_number << 3 | field.wire_type)
    if field.wire_type == 0:
        return tag + varint(field.data)
    if field.wire_type == 2:
        return tag + varint(len(field.data)) + field.data
    return tag + field.data.to_bytes(8 if field.wire_type == 1 else 4, "little")


def message_form(message):
    left_out = LEFT_OUT.get(message.DESCRIPTOR.full_name, set())
    parts = []
    for field in message.DESCRIPTOR.fields:
        if field.name not in left_out:
            parts += [(field.number, encoded(field, value)) for value in values_of(message, field)]
    parts += [(field.field_number, unknown_encoded(field)) for field in UnknownFieldSet(message)]
    return b"".join(part for _, part in sorted(parts, key=lambda part: part[0]))


def canonical_form(record):
    whole = type(record)()
    whole.CopyFrom(record)
    if whole.occurred_end_us == 0:
        whole.occurred_end_us = whole.occurred_start_us
    return message_form(whole)


def body_hash(record):
    return hashlib.sha256(canonical_form(record)).digest()[:16]


def messages_in(message, place=""):
    """Every message inside with its place, depth first, in the order of field numbers."""
    yield place, message
    for field in sorted(message.DESCRIPTOR.fields, key=lambda field: field.number):
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        for index, value in enumerate(values_of(message, field)):
            name = f"{place}.{field.name}" if place else field.name
            is_list = field.label == FieldDescriptor.LABEL_REPEATED
            yield from messages_in(value, f"{name}[{index}]" if is_list else name)


def texts_of(record):
    return [
        (place, message.value)
        for place, message in messages_in(record)
        if message.DESCRIPTOR.name == "Text"
    ]


def is_empty(value):
    return value == {} or (isinstance(value, list) and all(is_empty(item) for item in value))


def without_empty(value):
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: without_empty(item) for name, item in value.items()}
    return {name: item for name, item in kept.items() if not is_empty(item)}


def body_json(record):
    kind = record.WhichOneof("body")
    if kind is None:
        return {}
    body = getattr(record, kind)
    if kind == "correction":
        replacement = body.WhichOneof("replacement")
        if replacement is None:
            return {}
        body = getattr(body, replacement)
    copy = type(body)()
    copy.CopyFrom(body)
    for _, message in messages_in(copy):
        for name in ("value",) if message.DESCRIPTOR.name == "Text" else ():
            message.ClearField(name)
        for name in ("tokens", "sealed") if message.DESCRIPTOR.name == "Identifier" else ():
            message.ClearField(name)
    return without_empty(json_format.MessageToDict(copy))

"""Every class of bad_record, from messages put straight into the topic; the good ones go on."""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.hostile import Hostile, Sender
from tests.support.pb import Record
from tests.support.process import wait_until
from tests.support.stack import Stack
from tests.support.topic import Message, publish


@pytest.fixture
def hostile(stack: Stack) -> Hostile:
    for name in ("visitor", "former"):
        stack.make_bundle("s001", name)
    stack.db_cli("agent", "revoke", "--tenant", stack.tenant, "--agent", "former")
    return Hostile(stack.keys, Sender("visitor", "s001"), Sender("former", "s001"), "s002", seed=3)


def _publish(stack: Stack, *messages: Message) -> None:
    publish(stack.servers.kafka.bootstrap, stack.topic_records, messages)


def _headers(raw: bytes) -> list[tuple[str, bytes]]:
    found, at = [], 0
    while at < len(raw):
        (size,) = struct.unpack_from(">H", raw, at)
        name = raw[at + 2 : at + 2 + size].decode()
        at += 2 + size
        (size,) = struct.unpack_from(">I", raw, at)
        found.append((name, raw[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def test_every_class_is_kept_with_its_reason_and_the_good_go_on(stack: Stack, hostile: Hostile):
    stack.add_aggregator()
    sent, messages = [], []
    for name, way, message in hostile.each():
        sent.append((name, way, message))
        messages += [message, hostile.good()]
    _publish(stack, *messages)
    stack.wait_drained()
    assert stack.stored() == len(sent), "one good message after each bad one"
    rows = stack.query(
        "select class, reason, value, headers, message_key, state, tenant, site, agent, sequence "
        "from kasumori.bad_record order by kafka_offset"
    )
    assert len(rows) == len(sent)
    for row, (name, way, message) in zip(rows, sent, strict=True):
        found, reason, value, headers, key, state, tenant, site, agent, sequence = row
        assert found == name, f"{way}: {found}: {reason}"
        assert reason and "\n" not in reason, way
        assert value == message.value, way
        assert _headers(headers) == message.headers, way
        assert key == message.key and state == "open", way
        # Only who is proven to have sent it is named as the one.
        unproven = ("no_headers", "no_mac", "short_mac")
        is_proven = (name != "forged" and way not in unproven) or way.startswith("foreign_")
        if not is_proven:
            assert tenant is None and site is None, way
        else:
            assert (tenant, site, agent) == ("acme", "s001", "visitor"), way
            assert str(sequence).encode() == message.header("ks-sequence"), way


def test_sequences_of_undecodable_but_authentic_messages_are_closed(stack: Stack, hostile: Hostile):
    stack.add_aggregator()
    _publish(stack, hostile.good(), hostile.truncated(), hostile.newer_major(), hostile.good())
    stack.wait_drained()
    found = stack.query("select received::text from kasumori.agent_seq where agent = 'visitor'")
    assert found == [("{[1,5)}",)]


def test_one_id_with_two_contents_is_a_conflict_and_the_first_stands(
    stack: Stack, hostile: Hostile
):
    stack.add_aggregator()
    record = hostile.record()
    first = hostile.message(record.SerializeToString())
    record.contact.talk_us += 1
    second = hostile.message(record.SerializeToString())
    _publish(stack, first, second, first)
    stack.wait_drained()
    assert stack.stored() == 1
    assert stack.value("select talk_us from kasumori.record") == 30_000_000
    assert stack.query("select class, record_id from kasumori.bad_record") == [
        ("conflict", uuid.UUID(bytes=record.record_id))
    ]


def test_a_higher_revision_of_one_id_is_a_correction(stack: Stack, hostile: Hostile):
    stack.add_aggregator()
    record = hostile.record()
    first = hostile.message(record.SerializeToString())
    record.revision = 2
    record.contact.talk_us += 1
    second = hostile.message(record.SerializeToString())
    _publish(stack, first, second, second)
    stack.wait_drained()
    rows = stack.query(
        "select kind, revision, talk_us, target_id, replaces from kasumori.record order by kind"
    )
    original = uuid.UUID(bytes=record.record_id)
    assert rows == [(1, 0, 30_000_000, None, None), (4, 2, 30_000_001, original, 1)]
    assert stack.value("select count(*) from kasumori.bad_record") == 0


def test_below_the_archive_horizon_is_archived(stack: Stack, hostile: Hostile):
    horizon = datetime.now(UTC) - timedelta(days=10)
    with stack.connect() as db:
        db.execute(
            "insert into kasumori.setting (name, value) values ('archive_horizon', %s) "
            "on conflict (name) do update set value = excluded.value",
            (horizon.isoformat(timespec="seconds").replace("+00:00", "Z"),),
        )
    stack.add_aggregator()
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    day_us = 86_400_000_000
    old = hostile.record(at_us=now_us - 11 * day_us)
    young = hostile.record(at_us=now_us - 9 * day_us)
    for record in (old, young):
        record.occurred_start_us = record.occurred_end_us = now_us - 12 * day_us
    _publish(stack, *(hostile.message(r.SerializeToString()) for r in (old, young)))
    stack.wait_drained()
    assert stack.query("select class, record_id from kasumori.bad_record") == [
        ("archived", uuid.UUID(bytes=old.record_id))
    ]
    assert stack.value("select record_id from kasumori.record") == uuid.UUID(bytes=young.record_id)


def test_a_wrong_clock_is_cured_by_a_restamp(stack: Stack, hostile: Hostile):
    """The record keeps its tail of the id and how long before it things happened; both times stay."""
    stack.add_aggregator()
    message = hostile.clock_of_a_flat_battery()
    _publish(stack, message)
    stack.wait_drained()
    (name, arrived), *more = stack.query(
        "select record_id, appended_at from kasumori.bad_record where class = 'clock'"
    )
    assert not more
    brokers = ("--brokers", stack.servers.kafka.bootstrap)
    stack.db_cli("bad", "replay", "--class", "clock", "--restamp", *brokers)
    stack.wait_stored(1)
    record, start, recorded_at = stack.query(
        "select record_id, occurred_start, recorded_at from kasumori.record"
    )[0]
    sent = Record.FromString(message.value)
    assert str(record)[14:] == str(name)[14:]
    own_us = int.from_bytes(sent.record_id[:6], "big") * 1000
    moved_us = int.from_bytes(record.bytes[:6], "big") * 1000
    assert abs(moved_us - arrived.timestamp() * 1e6) < 2000
    assert abs(start.timestamp() * 1e6 - moved_us - (sent.occurred_start_us - own_us)) < 10
    assert abs(recorded_at.timestamp() * 1e6 - sent.recorded_at_us) < 10
    rows = stack.query("select state, restamped_at = appended_at, value from kasumori.bad_record")
    assert rows == [("replayed", True, message.value)]
    stack.db_cli("bad", "replay", "--class", "clock", "--restamp", *brokers)  # nothing is open
    stack.wait_drained()
    assert stack.value("select count(*) from kasumori.record") == 1


def test_an_agent_revoked_while_it_sends(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    client = agent.client()
    assert client.post_json("/v1/records", report()).status == 201
    stack.wait_stored(1)
    stack.db_cli("agent", "revoke", "--tenant", stack.tenant, "--agent", agent.name)
    wait_until(
        lambda: (
            client.post_json("/v1/records", report()).status == 201
            and stack.value("select count(*) from kasumori.bad_record where class = 'forged'")
        ),
        "records after the revocation are forged",
        every_s=0.3,
    )


def test_unknown_fields_and_enum_values_are_kept(stack: Stack, hostile: Hostile):
    """What an agent of the next minor version may send."""
    stack.add_aggregator()
    record = hostile.record()
    record.schema_minor = 7
    record.channel = 99
    record.contact.ended_by = 42
    unknown = bytes([0xFA, 0x3E, 5]) + b"hello"  # field 1007, a string
    _publish(stack, hostile.message(record.SerializeToString() + unknown))
    stack.wait_drained()
    assert stack.value("select count(*) from kasumori.bad_record") == 0
    row = stack.query("select channel, has_unknown_fields, detail from kasumori.record")[0]
    assert row[:2] == (99, True)
    assert row[2]["endedBy"] == 42
    raw = stack.value("select raw from kasumori.record_text where place = 'wire'")
    kept = Record.FromString(bytes(raw))
    assert b"hello" in kept.SerializeToString() and kept.contact.ended_by == 42

"""kasumori bad: looking at bad records, sending them again through real Kafka, putting them away."""

from __future__ import annotations

import struct
from collections.abc import Callable

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition

HEADERS = [("ks-agent", b"s001-a"), ("ks-sequence", b"7"), ("ks-mac", bytes(range(36)))]


def packed(headers: list[tuple[str, bytes]]) -> bytes:
    parts = []
    for name, value in headers:
        parts.append(struct.pack(">H", len(name)) + name.encode())
        parts.append(struct.pack(">I", len(value)) + value)
    return b"".join(parts)


@pytest.fixture
def topic(request, kafka) -> str:
    name = request.node.name.replace("[", ".").replace("]", "")
    kafka.create_topic(name, partitions=1)
    return name


@pytest.fixture
def stream(database, topic) -> int:
    """A fresh table of bad records, and the stream they came from."""
    with psycopg.connect(database) as connection:
        connection.execute("delete from kasumori.bad_record")
        return connection.execute(
            "insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset) "
            "values ('c', %s, 0, 100) returning stream_no",
            (topic,),
        ).fetchone()[0]


@pytest.fixture
def plant(database, stream) -> Callable[..., None]:
    def add(offset: int, class_: str, value: bytes | None = b"raw", headers: bytes | None = None):
        with psycopg.connect(database) as connection:
            connection.execute(
                "insert into kasumori.bad_record (stream_no, kafka_offset, class, reason, "
                "appended_at, tenant, agent, sequence, message_key, headers, value) "
                "values (%s, %s, %s, 'line', now(), 'acme', 's001-a', 7, %s, %s, %s)",
                (stream, offset, class_, b"acme/s001", headers or packed(HEADERS), value),
            )

    return add


@pytest.fixture
def bad(kasumori, database, kafka):
    def run(verb: str, *arguments: str):
        more = ("--brokers", kafka.bootstrap) if verb == "replay" else ()
        return kasumori("bad", verb, *arguments, *more, "--database", database)

    return run


def states(database: str) -> list[tuple[int, str]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "select kafka_offset, state from kasumori.bad_record order by kafka_offset"
        ).fetchall()


def messages(kafka, topic: str) -> list[tuple]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "test"})
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while len(found) < high:
        message = consumer.poll(20)
        assert message is not None and message.error() is None
        found.append((message.key(), message.value(), message.headers()))
    consumer.close()
    return found


def test_a_replay_sends_the_message_as_it_was(bad, plant, kafka, topic, database):
    plant(5, "malformed", b"first")
    plant(6, "malformed", None)
    plant(7, "newer", b"other")
    done = bad("replay", "--class", "malformed")
    assert (done.returncode, done.stdout) == (0, "2 messages sent again\n"), done.stderr
    assert messages(kafka, topic) == [
        (b"acme/s001", b"first", HEADERS),
        (b"acme/s001", None, HEADERS),
    ]
    assert states(database) == [(5, "replayed"), (6, "replayed"), (7, "open")]
    again = bad("replay", "--class", "malformed")
    assert again.stdout == "0 messages sent again\n"


def test_one_place(bad, plant, kafka, topic, database, stream):
    plant(1, "malformed")
    plant(2, "malformed")
    assert bad("replay", "--place", f"{stream}/2").returncode == 0
    assert states(database) == [(1, "open"), (2, "replayed")]
    assert len(messages(kafka, topic)) == 1


def test_many_in_several_batches_keep_their_order(bad, plant, kafka, topic, database, stream):
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into kasumori.bad_record (stream_no, kafka_offset, class, reason, appended_at, "
            "message_key, headers, value) select %s, n, 'newer', 'r', now(), 'k', '', "
            "convert_to(n::text, 'utf8') from generate_series(1, 1000) as n",
            (stream,),
        )
    done = bad("replay", "--class", "newer")
    assert done.stdout == "1000 messages sent again\n", done.stderr
    assert [value for _, value, _ in messages(kafka, topic)] == [
        str(n).encode() for n in range(1, 1001)
    ]


def test_forged_ones_need_force(bad, plant, kafka, topic, database, stream):
    plant(1, "forged")
    done = bad("replay", "--class", "forged")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert bad("replay", "--place", f"{stream}/1").stdout == "0 messages sent again\n"
    assert messages(kafka, topic) == []
    assert bad("replay", "--class", "forged", "--force").stdout == "1 messages sent again\n"
    assert len(messages(kafka, topic)) == 1


def test_restamp_names_the_row_and_keeps_the_value(bad, plant, kafka, topic, database, stream):
    plant(9, "clock", b"old")
    assert bad("replay", "--class", "clock", "--restamp").returncode == 0
    ((_, value, headers),) = messages(kafka, topic)
    assert value == b"old"
    assert headers == [*HEADERS, ("ks-restamp", f"{stream}/9".encode())]
    with psycopg.connect(database) as connection:
        stamped = connection.execute(
            "select restamped_at is not null, value from kasumori.bad_record"
        ).fetchall()
        assert stamped == [(True, b"old")]


def test_damaged_headers_stop_without_losing_the_rest(bad, plant, kafka, topic, database):
    plant(1, "newer", b"good")
    plant(2, "newer", b"bad", headers=b"\0\5ab")
    done = bad("replay", "--class", "newer")
    assert done.returncode == 1
    assert "the stored headers cannot be read" in done.stderr
    assert states(database) == [(1, "replayed"), (2, "open")]
    assert [value for _, value, _ in messages(kafka, topic)] == [b"good"]


def test_a_message_the_broker_refuses_stays_open(bad, plant, database, kafka, topic):
    plant(1, "oversized", b"x" * 3_000_000)
    done = bad("replay", "--class", "oversized")
    assert done.returncode == 1
    assert states(database) == [(1, "open")]


def test_dismiss(bad, plant, database):
    plant(1, "malformed")
    plant(2, "newer")
    assert bad("dismiss", "--class", "newer").stdout == "1 bad records dismissed\n"
    assert states(database) == [(1, "open"), (2, "dismissed")]
    assert bad("dismiss", "--class", "newer").stdout == "0 bad records dismissed\n"


def test_list_and_show(bad, plant, stream, tmp_path):
    plant(3, "malformed", b"\x1b[2Jvalue")
    listed = bad("list").stdout.splitlines()
    assert len(listed) == 2
    assert listed[1].startswith(f"{stream}/3\tmalformed\topen\t")
    assert bad("list", "--class", "newer").stdout.count("\n") == 1
    out = tmp_path / "value"
    shown = bad("show", "--place", f"{stream}/3", "--out", str(out))
    assert shown.returncode == 0, shown.stderr
    assert "ks-agent       s001-a\n" in shown.stdout
    assert f"ks-mac         {bytes(range(36)).hex()}\n" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert out.read_bytes() == b"\x1b[2Jvalue"
    assert out.stat().st_mode & 0o777 == 0o600
    assert bad("show", "--place", f"{stream}/4").returncode == 1


@pytest.mark.parametrize(
    "arguments", [(), ("--class", "odd"), ("--place", "7"), ("--place", "a/b"), ("--place", "1/-1")]
)
def test_which_ones_must_be_said(bad, arguments):
    for verb in ("replay", "dismiss"):
        assert bad(verb, *arguments).returncode == 1

"""The topics as another client sees them: confluent-kafka, independent of the programs' own code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer, Producer, TopicPartition

CALL_S = 20


@dataclass
class Message:
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    partition: int = -1
    offset: int = -1

    def header(self, name: str) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


def _consumer(brokers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "kasumori-test-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "log_level": 3,
        }
    )


def _places(consumer: Consumer, topic: str) -> list[TopicPartition]:
    found = consumer.list_topics(topic, timeout=CALL_S).topics[topic]
    if found.error is not None:
        raise RuntimeError(f"topic {topic}: {found.error}")
    return [TopicPartition(topic, number) for number in sorted(found.partitions)]


def high_watermarks(brokers: str, topic: str) -> dict[int, int]:
    """By partition: the next offset to be written."""
    consumer = _consumer(brokers)
    try:
        return {
            place.partition: consumer.get_watermark_offsets(place, timeout=CALL_S, cached=False)[1]
            for place in _places(consumer, topic)
        }
    finally:
        consumer.close()


def read_all(brokers: str, topic: str) -> list[Message]:
    """Every message up to the end as it is now, by partition and offset."""
    consumer = _consumer(brokers)
    messages = []
    try:
        open_places = set()
        starts = []
        for place in _places(consumer, topic):
            low, high = consumer.get_watermark_offsets(place, timeout=CALL_S, cached=False)
            if low < high:
                open_places.add(place.partition)
                starts.append(TopicPartition(topic, place.partition, low))
        consumer.assign(starts)
        while open_places:
            found = consumer.poll(CALL_S)
            if found is None:
                raise TimeoutError(f"topic {topic}: no message for {CALL_S} s")
            if found.error() is not None:
                if found.error().code() == -191:  # _PARTITION_EOF
                    open_places.discard(found.partition())
                    continue
                raise RuntimeError(str(found.error()))
            messages.append(
                Message(
                    found.key(),
                    found.value(),
                    list(found.headers() or []),
                    found.partition(),
                    found.offset(),
                )
            )
    finally:
        consumer.close()
    return sorted(messages, key=lambda m: (m.partition, m.offset))


def publish(brokers: str, topic: str, messages: Iterable[Message]) -> int:
    """Writes them in order and waits for all acknowledgements; partition -1: by key. How many."""
    problems: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "log_level": 3,
            "message.max.bytes": 2_000_000,
            # As the agents' librdkafka does: crc32 of the key.
            "partitioner": "consistent_random",
        }
    )

    def report(error: object, _: object) -> None:
        if error is not None:
            problems.append(str(error))

    count = 0
    for message in messages:
        while True:
            try:
                producer.produce(
                    topic,
                    key=message.key,
                    value=message.value,
                    headers=message.headers,
                    partition=message.partition,
                    on_delivery=report,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        count += 1
    if producer.flush(60) or problems:
        raise RuntimeError(f"could not publish: {problems[:3] or 'time-out'}")
    return count

"""Messages no honest agent sends, put into the topic beside the agents: forged, malformed, oversized,
newer, with an absurd time. Each names the class of bad_record that must receive it."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.support.keys import Keys, body_headers
from tests.support.pb import Record
from tests.support.people import uuid7
from tests.support.topic import Message

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Sender:
    """An agent as somebody would play it who holds its bundle."""

    agent: str
    site: str


class Hostile:
    """sender: a registered agent of its own (its sequences are ours to use up); revoked: one whose
    registration was revoked before now; other_site: one the sender may not speak for."""

    def __init__(
        self, keys: Keys, sender: Sender, revoked: Sender | None, other_site: str, seed: int
    ):
        self.keys, self.sender, self.revoked, self.other_site = keys, sender, revoked, other_site
        self._rng = random.Random(seed)
        self._epoch = self._rng.getrandbits(40) + 1
        self._sequence = 0

    # -- pieces

    def record(self, site: str | None = None, at_us: int | None = None) -> Record:
        """A good plain contact of the sender's site. at_us: the time in its id; it happened then."""
        now_us = at_us or time.time_ns() // 1000
        record = Record(
            schema_major=1,
            record_id=uuid.UUID(uuid7(self._rng, now_us)).bytes,
            tenant=self.keys.tenant,
            site=site or self.sender.site,
            source="hostile",
            occurred_start_us=now_us - 60_000_000,
            occurred_end_us=now_us,
            recorded_at_us=now_us,
            clock_state=1,
            channel=2,
            direction=1,
        )
        record.contact.outcome = 1
        record.contact.talk_us = 30_000_000
        return record

    def message(self, value: bytes | None, sender: Sender | None = None) -> Message:
        """As the sender's agent would send it, authentic whatever value says."""
        sender = sender or self.sender
        self._sequence += 1
        headers = body_headers(self.keys, value, sender.agent, self._epoch, self._sequence)
        return Message(f"{self.keys.tenant}/{sender.site}".encode(), value, headers)

    def good(self) -> Message:
        return self.message(self.record().SerializeToString())

    def _changed(self, name: str, value: bytes | None) -> Message:
        """A good message with one header changed, or taken away."""
        message = self.good()
        kept = [(key, old) for key, old in message.headers if key != name]
        message.headers = kept if value is None else [*kept, (name, value)]
        return message

    # -- classes

    def wrong_mac(self) -> Message:
        message = self.good()
        mac = bytearray(message.header("ks-mac") or b"")
        mac[-1] ^= 1
        message.headers = [(k, bytes(mac) if k == "ks-mac" else v) for k, v in message.headers]
        return message

    def changed_on_the_way(self) -> Message:
        message = self.good()
        assert message.value is not None
        message.value = message.value.replace(b"hostile", b"changed")
        return message

    def other_sequence(self) -> Message:
        return self._changed("ks-sequence", b"999999999")

    def no_headers(self) -> Message:
        message = self.good()
        message.headers = []
        return message

    def no_mac(self) -> Message:
        return self._changed("ks-mac", None)

    def short_mac(self) -> Message:
        return self._changed("ks-mac", b"\0\0\0\1abc")

    def unknown_agent(self) -> Message:
        stranger = Sender("nobody-knows-me", self.sender.site)
        return self.message(self.record().SerializeToString(), stranger)

    def revoked_agent(self) -> Message:
        assert self.revoked is not None
        value = self.record(site=self.revoked.site).SerializeToString()
        return self.message(value, self.revoked)

    def foreign_site(self) -> Message:
        return self.message(self.record(site=self.other_site).SerializeToString())

    def foreign_tenant(self) -> Message:
        record = self.record()
        record.tenant = "someone-else"
        return self.message(record.SerializeToString())

    def truncated(self) -> Message:
        return self.message(self.record().SerializeToString()[:-3])

    def noise(self) -> Message:
        return self.message(self._rng.randbytes(300))

    def null_value(self) -> Message:
        return self.message(None)

    def empty_value(self) -> Message:
        return self.message(b"")

    def no_body(self) -> Message:
        record = self.record()
        record.ClearField("contact")
        return self.message(record.SerializeToString())

    def ends_before_start(self) -> Message:
        record = self.record()
        record.occurred_end_us = record.occurred_start_us - 1
        return self.message(record.SerializeToString())

    def bad_utf8(self) -> Message:
        value = self.record().SerializeToString().replace(b"hostile", b"host\xff\xfee")
        return self.message(value)

    def newer_major(self) -> Message:
        record = self.record()
        record.schema_major = 2
        return self.message(record.SerializeToString())

    def oversized(self) -> Message:
        record = self.record()
        record.matter = "x" * (65 * 1024)
        return self.message(record.SerializeToString())

    def clock_far_ahead(self) -> Message:
        return self.message(
            self.record(at_us=time.time_ns() // 1000 + 30 * DAY_US).SerializeToString()
        )

    def clock_of_a_flat_battery(self) -> Message:
        at_us = 946_684_800_000_000 + DAY_US  # 2000-01-02
        return self.message(self.record(at_us=at_us).SerializeToString())

    def classes(self) -> dict[str, list[Callable[[], Message]]]:
        """By class of bad_record, the ways to get there."""
        forged = [
            self.wrong_mac, self.changed_on_the_way, self.other_sequence, self.unknown_agent,
            self.foreign_site, self.foreign_tenant,
        ]  # fmt: skip
        if self.revoked is not None:
            forged.append(self.revoked_agent)
        return {
            "forged": forged,
            "malformed": [
                self.truncated, self.noise, self.null_value, self.empty_value, self.no_body,
                self.ends_before_start, self.bad_utf8, self.no_headers, self.no_mac,
                self.short_mac,
            ],
            "newer": [self.newer_major],
            "oversized": [self.oversized],
            "clock": [self.clock_far_ahead, self.clock_of_a_flat_battery],
        }  # fmt: skip

    def each(self) -> Iterator[tuple[str, str, Message]]:
        """Class, way, message: one of every way."""
        for name, makers in self.classes().items():
            for make in makers:
                yield name, make.__name__, make()

"""Backlogs that are unkind to the correlator (P3). Each is the common backlog of backlog.py, bent in one
way; the wire and the counts stay the same, so that a run of one is held against a run of P1's."""

from __future__ import annotations

from tests.bench.backlog import Backlog
from tests.support.pb import Record

DAY_US = 86_400_000_000
MEMBER, PHONE, CONFIRMED, CARRIED = 2, 4, 2, 4


def _set(record: Record, *identifiers: tuple[int, bytes]) -> None:
    """The subject's identifiers, by kind and token."""
    person = record.persons[0]
    sealed = person.identifiers[0].sealed
    del person.identifiers[:]
    for kind, mac in identifiers:
        assurance = CARRIED if kind == PHONE else CONFIRMED
        identifier = person.identifiers.add(kind=kind, assurance=assurance, sealed=sealed)
        identifier.tokens.add(key_id=1, mac=mac)


class OneSubject(Backlog):
    """Everybody is the same person."""

    def bend(self, record: Record, number: int) -> None:
        _set(record, (PHONE, self.macs[0]), (MEMBER, self.macs[1]))


class SharedPhone(Backlog):
    """One phone in every record, and behind it as many members as there are tokens: shared."""

    def bend(self, record: Record, number: int) -> None:
        _set(record, (PHONE, self.macs[0]), (MEMBER, self.rng.choice(self.macs)))


class Duplicates(Backlog):
    """Twice as many as P1 has."""

    again_every = 10


class AllLate(Backlog):
    """What arrives happened at any time of the last 90 days, in no order."""

    def bend(self, record: Record, number: int) -> None:
        late_us = self.rng.randrange(90 * DAY_US)
        record.occurred_start_us -= late_us
        record.occurred_end_us -= late_us


class FlippingHub(Backlog):
    """One caller of six has the same phone and member number. Every 1,000 records that phone shows up
    with another member, which makes it shared, and 500 later that record is retracted."""

    def __init__(self, *args: object, **named: object):
        super().__init__(*args, **named)
        self._flip: tuple[bytes, int] | None = None

    def site_of(self, number: int) -> int:
        if number % 1000 == 750 and self._flip is not None:
            return self._flip[1]  # a correction comes from the record's own site
        return super().site_of(number)

    def bend(self, record: Record, number: int) -> None:
        hub, member = self.macs[0], self.macs[1]
        if number % 1000 == 250:
            _set(record, (PHONE, hub), (MEMBER, self.macs[2 + number // 1000]))
            self._flip = (bytes(record.record_id), int(record.site[1:]))
        elif number % 1000 == 750 and self._flip is not None:
            record.correction.target_id = self._flip[0]
            record.correction.retraction.reason_code = "typo"
            record.ClearField("persons")
            record.ClearField("happening_ref")
            record.ClearField("external_id")
        elif number % 6 == 0:
            _set(record, (PHONE, hub), (MEMBER, member))


HISTORIES: dict[str, type[Backlog]] = {
    "one subject": OneSubject,
    "one shared phone": SharedPhone,
    "10 % duplicates": Duplicates,
    "all late": AllLate,
    "a hub that flips": FlippingHub,
}

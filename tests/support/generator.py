"""Seeded synthetic traffic of five sites with known truth (domain.md §5): who was really behind each
record and what must become of it. The same seed and start give the same records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support import words
from tests.support.people import Numbers, Person, mistype, spell, uuid7
from tests.support.stack import FIVE_SITES, Site

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
SPAN_US = 30 * DAY_US  # what is reported happened within this time before the start
RENUMBERED_US = 3 * 365 * DAY_US  # longer than a number is trusted

STORED, DUPLICATE, CONFLICT = "stored", "duplicate", "conflict"


@dataclass
class Planned:
    """One call to an agent. fate: what must become of it, given that those before it went first."""

    number: int
    site: str
    kind: str  # class of truth
    body: dict
    persons: list[str]
    fate: str = STORED

    def truth(self, record_id: str | None) -> dict:
        return {
            "number": self.number, "site": self.site, "kind": self.kind, "persons": self.persons,
            "fate": self.fate, "recordId": record_id, "externalId": self.body.get("externalId"),
        }  # fmt: skip


@dataclass
class Call:
    """One call in a Master.csv: several rows, one contact."""

    linkedid: str
    caller: str | None  # None: withheld
    person: str | None
    start_us: int
    ring_s: int
    talk_s: int  # 0: nobody answered
    legs: int


@dataclass
class World:
    seed: int
    now_us: int
    count: int  # about how many records over HTTP
    sites: tuple[Site, ...] = FIVE_SITES
    people: list[Person] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    calls: dict[str, list[Call]] = field(default_factory=dict)  # by site

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._numbers = Numbers(self._rng)
        self._serial = 0
        self._make_people()
        self._make_records()
        self._make_calls()

    # -- people

    def _person(self, kind: str, phones: list[str]) -> Person:
        rng = self._rng
        name = f"{rng.choice(words.FAMILY)}{rng.choice(words.GIVEN)}#{len(self.people)}"
        person = Person(name, kind, phones)
        person.member = self._numbers.member() if rng.random() < 0.4 else None
        person.mail = self._numbers.mail() if rng.random() < 0.15 else None
        person.sites = [rng.choice(self.sites).site]
        self.people.append(person)
        return person

    def _make_people(self) -> None:
        for _ in range(max(30, self.count // 3)):
            self._person("plain", [self._numbers.mobile()])
        for _ in range(max(6, self.count // 100)):
            person = self._person("repeater", [self._numbers.mobile()])
            person.sites = [s.site for s in self._rng.sample(self.sites, self._rng.randint(2, 4))]
        self.households = []
        for _ in range(max(5, self.count // 100)):
            phone, site = self._numbers.landline(), self._rng.choice(self.sites).site
            home = [self._person("household", [phone]) for _ in range(self._rng.randint(2, 3))]
            for person in home:
                person.member, person.sites = person.member or self._numbers.member(), [site]
            self.households.append(home)
        # A number whose owner gave it up long ago, and who has it now.
        self.renumbered = []
        for _ in range(max(3, self.count // 300)):
            phone = self._numbers.mobile()
            self.renumbered.append([self._person("renumbered", [phone]) for _ in range(2)])
        self.switchboards = []
        for _ in range(2):
            phone = self._numbers.landline()
            self.switchboards.append([self._person("guest", [phone]) for _ in range(8)])

    def _of(self, kind: str) -> list[Person]:
        return [person for person in self.people if person.kind == kind]

    # -- pieces of a record

    def _when(self) -> int:
        return self.now_us - self._rng.randrange(HOUR_US, SPAN_US)

    def _is_center(self, site: str) -> bool:
        return any(s.site == site and s.kind == "call_center" for s in self.sites)

    def _phone(self, national: str, assurance: str) -> dict:
        value = spell(self._rng, national)
        return {"kind": "PHONE", "assurance": assurance, "value": value}

    def _subject(self, person: Person, assurance: str = "CARRIED", is_seen: bool = False) -> dict:
        identifiers = [self._phone(person.phones[0], assurance)]
        if person.member and (is_seen or self._rng.random() < 0.3):
            identifiers.append({"kind": "MEMBER", "assurance": "SCANNED", "value": person.member})
        if person.mail and self._rng.random() < 0.3:
            identifiers.append({"kind": "MAIL", "assurance": "TYPED", "value": person.mail})
        return {"role": "SUBJECT", "ordinal": 0, "identifiers": identifiers}

    def _worker(self, site: str) -> str:
        return f"{site}-w{self._rng.randrange(1, 30):03d}"

    def _frame(self, site: str, start_us: int, length_us: int, channel: str) -> dict:
        return {
            "site": site,
            "source": "form" if channel == "FACE_TO_FACE" else "cti",
            "occurredStartUs": start_us,
            "occurredEndUs": start_us + length_us,
            "recordedAtUs": start_us + length_us + self._rng.randrange(5 * MINUTE_US),
            "channel": channel,
            "direction": "INBOUND",
            "worker": self._worker(site),
        }

    def _contact(self, site: str, start_us: int, talk_s: int, outcome: str = "CONNECTED") -> dict:
        rng = self._rng
        ring_s = rng.randint(2, 20)
        body = self._frame(site, start_us, (ring_s + talk_s) * 1_000_000, "PHONE")
        body["contact"] = {
            "outcome": outcome,
            "ringUs": str(ring_s * 1_000_000),
            "talkUs": talk_s * 1_000_000,
            "dialled": "0120-000-" + ("100" if self._is_center(site) else "200"),
        }
        body["happeningRef"] = f"{start_us // 1_000_000}.{rng.randrange(1000)}"
        if rng.random() < 0.5:
            body["matter"] = rng.choice(words.PLAIN_MATTERS)
        return body

    def _category(self) -> str:
        names, weights = zip(*words.CATEGORIES.items(), strict=True)
        return self._rng.choices(names, weights)[0]

    def _incident_body(self, code: str) -> dict:
        rng = self._rng
        ages, weights = zip(*words.AGES.items(), strict=True)
        age_from, age_to = rng.choices(ages, weights)[0]
        incident = {
            "categories": [
                {"scheme": "mhlw9", "version": "2022", "code": code, "assignedBy": "REPORTER"}
            ],
            "words": [{"value": rng.choice(words.WORDS[code])}],
            "trigger": {"value": rng.choice(words.TRIGGERS)},
            "demand": rng.choice(words.DEMANDS),
            "firmAtFault": rng.choice(["YES", "NO", "NO"]),
            "measures": [{"kind": rng.choice(words.MEASURES), "count": rng.randint(1, 3)}],
            "offender": {
                "kind": "customer",
                "number": 1,
                "sex": "MALE" if rng.random() < 0.722 else "FEMALE",
                "ageFrom": age_from,
                "ageTo": age_to,
            },
            "victim": {"employment": rng.choice(words.EMPLOYMENT), "duty": "受付"},
            "loss": {"staffMinutes": rng.randint(5, 90)},
        }
        if code in ("threat", "violence"):
            incident["police"] = [{"line": "110", "station": "中央署"}]
            incident["offender"]["clothes"] = {"value": rng.choice(words.CLOTHES)}
            incident["offender"]["directionOfFlight"] = {"value": rng.choice(words.FLIGHTS)}
        if rng.random() < 0.1:  # something for the masker
            incident["note"] = {
                "value": f"{spell(rng, self._numbers.mobile())}に折り返せと要求。担当は佐藤花子"
            }
        return incident

    def _incident(self, person: Person, site: str, start_us: int, code: str | None = None) -> dict:
        rng = self._rng
        is_call = self._is_center(site) or rng.random() < 0.4
        minutes = rng.randint(62, 100) if code == "time" else rng.randint(2, 40)
        channel = "PHONE" if is_call else "FACE_TO_FACE"
        body = self._frame(site, start_us, minutes * MINUTE_US, channel)
        body["persons"] = [
            self._subject(person, "CARRIED" if is_call else "CONFIRMED", is_seen=not is_call),
            {
                "role": "VICTIM",
                "ordinal": 1,
                "identifiers": [{"kind": "WORKER", "assurance": "TYPED", "value": body["worker"]}],
            },
        ]
        body["incident"] = self._incident_body(code or self._category())
        return body

    # -- records

    def _plan(self, kind: str, body: dict, persons: list[Person], fate: str = STORED) -> Planned:
        names = [person.name for person in persons]
        planned = Planned(len(self.planned), body["site"], kind, body, names, fate)
        self.planned.append(planned)
        return planned

    def _external(self) -> str:
        self._serial += 1
        return f"CRM-{self.seed}-{self._serial:06d}"

    def _own_id(self) -> str:
        return uuid7(self._rng, self.now_us)

    def _make_records(self) -> None:
        share: list[tuple[float, Callable[[], None]]] = [
            (0.54, self._plain), (0.02, self._renumbered), (0.06, self._repeater),
            (0.06, self._household), (0.05, self._withheld), (0.04, self._busy),
            (0.03, self._mistyped), (0.04, self._late),
            (0.03, self._revised), (0.02, self._supplemented), (0.02, self._corrected),
            (0.03, self._sent_twice), (0.03, self._read_twice), (0.01, self._outbound),
            (0.01, self._training), (0.01, self._conflicting),
        ]  # fmt: skip
        for board in self.switchboards:
            self._switchboard(board)
        for _, make in share:  # each at least once
            make()
        weights = [weight for weight, _ in share]
        while len(self.planned) < self.count:
            self._rng.choices([make for _, make in share], weights)[0]()

    def _plain(self) -> None:
        person = self._rng.choice(self._of("plain"))
        site = person.sites[0]
        if self._rng.random() < 0.05:  # most who harass come once
            self._plan("once", self._incident(person, site, self._when()), [person])
            return
        is_long = self._rng.random() < 0.005  # a recipe may take an hour, and that is no harassment
        talk_s = self._rng.randint(3600, 4500) if is_long else self._rng.randint(20, 900)
        body = self._contact(site, self._when(), talk_s)
        body["persons"] = [self._subject(person)]
        self._plan("plain", body, [person])

    def _repeater(self) -> None:
        person = self._rng.choice(self._of("repeater"))
        body = self._incident(person, self._rng.choice(person.sites), self._when())
        self._plan("repeater", body, [person])

    def _household(self) -> None:
        home = self._rng.choice(self.households)
        person = self._rng.choice(home)
        body = self._contact(person.sites[0], self._when(), self._rng.randint(20, 600))
        body["persons"] = [self._subject(person, is_seen=True)]
        self._plan("household", body, [person])

    def _switchboard(self, guests: list[Person]) -> None:
        """Three pairs of calls that overlap for minutes: more than one person behind the number."""
        site = self._rng.choice([s.site for s in self.sites if s.kind == "call_center"])
        for i in range(0, 6, 2):
            start = self._when()
            for k in (0, 1):
                guest = guests[i + k]
                body = self._contact(site, start + k * MINUTE_US, 300)
                body["persons"] = [self._subject(guest)]
                self._plan("switchboard", body, [guest])

    def _renumbered(self) -> None:
        """Old paper, typed in today: the number has had another owner for longer than it is trusted."""
        former, owner = self._rng.choice(self.renumbered)
        is_old = self._rng.random() < 0.5
        person = former if is_old else owner
        when = self._when() - (RENUMBERED_US if is_old else 0)
        body = self._contact(person.sites[0], when, self._rng.randint(20, 600))
        body["persons"] = [self._subject(person)]
        self._plan("renumbered", body, [person])

    def _withheld(self) -> None:
        site = self._rng.choice(self.sites).site
        body = self._contact(site, self._when(), self._rng.randint(20, 900))
        # Half of the systems say so in a field of its own, half put the word where the number goes.
        if self._rng.random() < 0.5:
            body["contact"]["withheld"] = self._rng.choice(["BY_CALLER", "PUBLIC_PHONE"])
        else:
            value = self._rng.choice(["非通知", "公衆電話", "表示圏外", "anonymous", "unavailable"])
            identifier = {"kind": "PHONE", "assurance": "CARRIED", "value": value}
            body["persons"] = [{"role": "SUBJECT", "identifiers": [identifier]}]
        self._plan("withheld", body, [])

    def _busy(self) -> None:
        person = self._rng.choice(self._of("plain"))
        start = self._when()
        for i in range(self._rng.randint(1, 3)):
            body = self._contact(person.sites[0], start + i * 40_000_000, 0, "BUSY")
            body["persons"] = [self._subject(person)]
            self._plan("busy", body, [person])
        body = self._contact(person.sites[0], start + 4 * MINUTE_US, 200)
        body["persons"] = [self._subject(person)]
        self._plan("busy", body, [person])

    def _mistyped(self) -> None:
        """A clerk types a caller's number wrong; now and then it is another customer's."""
        person = self._rng.choice(self._of("plain"))
        wrong = mistype(self._rng, person.phones[0])
        if self._rng.random() < 0.5:
            wrong = self._rng.choice(self._of("plain")).phones[0]
        body = self._incident(person, person.sites[0], self._when())
        body["persons"][0]["identifiers"] = [self._phone(wrong, "TYPED")]
        self._plan("mistyped", body, [person])

    def _late(self) -> None:
        person = self._rng.choice(self._of("plain"))
        days = self._rng.randint(3, 9)
        body = self._incident(person, person.sites[0], self.now_us - days * DAY_US)
        body["recordedAtUs"] = self.now_us
        self._plan("late", body, [person])

    def _revised(self) -> None:
        person = self._rng.choice(self._of("plain"))
        start, external = self._when(), self._external()
        for revision in (1, 2):
            body = self._contact(person.sites[0], start, 60 * revision)
            body |= {"externalId": external, "revision": revision, "happeningRef": external}
            body["persons"] = [self._subject(person)]
            self._plan("revised", body, [person])

    def _supplemented(self) -> None:
        person = self._rng.choice(self._of("plain"))
        body = self._incident(person, person.sites[0], self._when())
        body["recordId"] = self._own_id()
        self._plan("original", body, [person])
        more = self._frame(body["site"], body["occurredStartUs"], 0, body["channel"])
        more["supplement"] = {
            "targetId": body["recordId"],
            "incident": {"note": "同僚が目撃。防犯カメラの映像あり", "stillPresent": "NO"},
            "answers": [{"text": self._rng.choice(words.ANSWERS), "final": True}],
        }
        more["persons"] = [self._subject(person, "CONFIRMED")]
        self._plan("supplement", more, [person])

    def _corrected(self) -> None:
        person = self._rng.choice(self._of("plain"))
        body = self._incident(person, person.sites[0], self._when())
        body["recordId"] = self._own_id()
        self._plan("original", body, [person])
        after = self._frame(body["site"], body["occurredStartUs"], MINUTE_US, body["channel"])
        after |= {"revision": 1}
        if self._rng.random() < 0.5:
            retraction = {"reasonCode": "wrong_person", "reason": "別のお客様の件と取り違えた"}
            after["correction"] = {"targetId": body["recordId"], "retraction": retraction}
        else:
            after["correction"] = {
                "targetId": body["recordId"],
                "incident": self._incident_body(self._category()),
            }
        self._plan("correction", after, [person])

    def _sent_twice(self) -> None:
        """The answer got lost, so the client sends the same id again."""
        person = self._rng.choice(self._of("plain"))
        body = self._contact(person.sites[0], self._when(), self._rng.randint(20, 600))
        body |= {"recordId": self._own_id(), "persons": [self._subject(person)]}
        self._plan("sent_twice", body, [person])
        self._plan("sent_twice", body, [person], DUPLICATE)

    def _read_twice(self) -> None:
        """An export is read a second time: the same external id under a new record id."""
        person = self._rng.choice(self._of("plain"))
        body = self._contact(person.sites[0], self._when(), self._rng.randint(20, 600))
        body |= {"externalId": self._external(), "persons": [self._subject(person)]}
        self._plan("read_twice", body, [person])
        self._plan("read_twice", body, [person], DUPLICATE)

    def _outbound(self) -> None:
        person = self._rng.choice(self._of("plain"))
        body = self._contact(person.sites[0], self._when(), 180)
        body |= {"direction": "OUTBOUND", "persons": [self._subject(person)]}
        answer = {"matter": "返品", "final": True, "text": self._rng.choice(words.ANSWERS)}
        body["contact"]["answers"] = [{**answer, "recordedAtUs": body["recordedAtUs"]}]
        self._plan("outbound", body, [person])

    def _training(self) -> None:
        person = self._rng.choice(self._of("plain"))
        body = self._incident(person, person.sites[0], self._when())
        self._plan("training", {**body, "training": True}, [person])

    def _conflicting(self) -> None:
        """One id, two contents, no revision: the first one stands, the second is a bad record."""
        person = self._rng.choice(self._of("plain"))
        body = self._contact(person.sites[0], self._when(), 60)
        body |= {"recordId": self._own_id(), "persons": [self._subject(person)]}
        self._plan("conflict", body, [person])
        other = {**body, "contact": {**body["contact"], "talkUs": 61_000_000}}
        self._plan("conflict", other, [person], CONFLICT)

    # -- call records

    def _make_calls(self) -> None:
        rng = self._rng
        plain = self._of("plain")
        for site in (s.site for s in self.sites if s.kind == "call_center"):
            calls = []
            for _ in range(max(20, self.count // 20)):
                person = rng.choice(plain) if rng.random() < 0.9 else None
                start_us = (self._when() // 1_000_000) * 1_000_000
                calls.append(
                    Call(
                        linkedid=f"{start_us // 1_000_000}.{len(calls) + 1}",
                        caller=person.phones[0] if person else None,
                        person=person.name if person else None,
                        start_us=start_us,
                        ring_s=rng.randint(2, 25),
                        talk_s=rng.choice([0, rng.randint(10, 1200)]),
                        legs=rng.randint(1, 4),
                    )
                )
            self.calls[site] = sorted(calls, key=lambda call: call.start_us)

    # -- what was planted

    def planted(self) -> dict[str, Counter]:
        """By fate, how many of each kind."""
        found: dict[str, Counter] = {fate: Counter() for fate in (STORED, DUPLICATE, CONFLICT)}
        for planned in self.planned:
            found[planned.fate][planned.kind] += 1
        return found

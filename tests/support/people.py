"""The people of the synthetic world and the ways in which their numbers get written down."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field

_FULL_WIDTH = str.maketrans("0123456789-()+", "0123456789-()+")


@dataclass
class Person:
    """phones are national digits ("09012345678"); the first is the person's own or the household's."""

    name: str
    kind: str  # plain, repeater, household, guest, renumbered
    phones: list[str]
    member: str | None = None
    mail: str | None = None
    sites: list[str] = field(default_factory=list)


def normal_phone(national: str) -> str:
    """The normal form tokens are made of: E.164."""
    return "+81" + national[1:]


def groups(national: str) -> tuple[str, str, str]:
    if national[:2] in ("03", "06"):
        return national[:2], national[2:6], national[6:]
    if len(national) == 10:
        return national[:3], national[3:6], national[6:]
    return national[:3], national[3:7], national[7:]


def spell(rng: random.Random, national: str) -> str:
    """One of the ways in which people and systems write a number; all have one normal form."""
    a, b, c = groups(national)
    ways = [
        national,
        f"{a}-{b}-{c}",
        f"{a} {b} {c}",
        f"({a}){b}-{c}",
        f"+81{national[1:]}",
        f"+81-{a[1:]}-{b}-{c}",
        f"+81 (0){a[1:]}-{b}-{c}",
        f"0081{national[1:]}",
        f"010-81-{a[1:]}-{b}-{c}",
        f"184{national}",
        f"186-{a}-{b}-{c}",
        f"{a}-{b}-{c}".translate(_FULL_WIDTH),
        national.translate(_FULL_WIDTH),
        f"{a}ー{b}ー{c}",
        f"{a}‐{b}‐{c}",
        f"tel:+81-{a[1:]}-{b}-{c}",
        f"sip:{national}@pbx.example.jp",
    ]
    if len(national) == 10:
        ways.append(f"{a}-{b}-{c} 内線{rng.randrange(10, 99)}")
    return rng.choice(ways)


def mistype(rng: random.Random, national: str) -> str:
    """Two neighbouring digits of the subscriber number exchanged, or one digit wrong."""
    digits = list(national)
    at = rng.randrange(4, len(digits) - 1)
    if digits[at] != digits[at + 1]:
        digits[at], digits[at + 1] = digits[at + 1], digits[at]
    else:
        digits[at] = str((int(digits[at]) + 1) % 10)
    return "".join(digits)


class Numbers:
    """Gives out identifiers, each once."""

    def __init__(self, rng: random.Random):
        self._rng = rng
        self._given: set[str] = set()

    def _once(self, make) -> str:
        while True:
            value = make()
            if value not in self._given:
                self._given.add(value)
                return value

    def mobile(self) -> str:
        rng = self._rng
        return self._once(lambda: f"0{rng.choice('789')}0{rng.randrange(10_000_000, 99_999_999)}")

    def landline(self) -> str:
        rng = self._rng
        area = rng.choice(["03", "06", "045", "048", "052", "092"])
        size = 10 - len(area)
        return self._once(lambda: area + str(rng.randrange(2 * 10 ** (size - 1), 10**size)))

    def member(self) -> str:
        return self._once(lambda: f"M{self._rng.randrange(10**9, 10**10)}")

    def mail(self) -> str:
        return self._once(lambda: f"kyaku{self._rng.randrange(10**6, 10**7)}@example.ne.jp")


def uuid7(rng: random.Random, at_us: int) -> str:
    """A UUIDv7 whose time is at_us."""
    value = ((at_us // 1000) & (2**48 - 1)) << 80 | 7 << 76 | rng.getrandbits(12) << 64
    value |= 0b10 << 62 | rng.getrandbits(62)
    return str(uuid.UUID(int=value))

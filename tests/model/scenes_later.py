"""Scenes of what is told later: corrections and supplements, well and badly formed."""

from __future__ import annotations

from tests.model.builder import persons
from tests.model.facts import INBOUND, PHONE, PHONE_CALL
from tests.model.scenes_calls import answer, ordinary


def corrections(dice):
    """Corrections of all sorts, valid and not, on records that are known or to come."""
    targets = dice.records("contact", "incident", "supplement")
    if not targets:
        return ordinary(dice)
    target = dice.rng.choice(targets)
    for _ in range(dice.one(1, 1, 2, 3)):
        revision = target.get("revision", 0) + dice.one(-1, 0, 0, 1, 1, 2)
        changes = {"revision": max(0, revision)}
        replaces = target["kind"]
        roll = dice.rng.random()
        if roll < 0.2:
            replaces = "retraction"
        elif roll < 0.35:
            replaces = dice.one("contact", "incident", "supplement")
        elif roll < 0.45:
            changes["training"] = True
        elif roll < 0.5:
            changes["site"] = "s9"
        elif roll < 0.6 and "start" in target:
            start = dice.time()
            changes.update(start=start, end=start + dice.span())
        elif roll < 0.8:
            changes["persons"] = dice.people()
        elif roll < 0.85:
            changes["ref"] = dice.ref()
        elif roll < 0.9:
            changes["named"] = dice.new_id()
        elif dice.records("correction"):
            changes["named"] = dice.rng.choice(dice.records("correction"))["id"]
        if replaces in ("contact", "incident") and "start" not in target:
            start = dice.time()
            changes.update(start=start, end=start, channel=PHONE_CALL, direction=INBOUND)
        dice.history.correction(target, replaces, **changes)
    return None


def supplements(dice):
    """What is told later, about records that are known, to come, of another site, or no record."""
    targets = dice.records("contact", "incident")
    if not targets:
        return ordinary(dice)
    target = dice.rng.choice(targets)
    if dice.likely(0.12):
        target = dice.rng.choice(dice.records())
    body = {
        "persons": dice.people(),
        "matter": dice.matter(),
        "categories": dice.categories(),
        "training": dice.likely(0.05),
    }
    if dice.likely(0.3):
        body["answers"] = [answer(dice, dice.time())]
    if dice.likely(0.08):
        body["site"] = "s9"
    if dice.likely(0.06):
        target = {**target, "id": dice.new_id()}
    told = dice.history.supplement(target, **body)
    if dice.likely(0.3):
        changes = {"persons": persons(dice.known(PHONE)), "revision": dice.one(0, 1)}
        dice.history.correction(told, dice.one("supplement", "retraction", "incident"), **changes)
    return None


SCENES = [
    (corrections, 5),
    (supplements, 5),
]

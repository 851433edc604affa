"""The instruments themselves: the ledger must be able to find a loss, a stranger and a double, and the
generator must give the same world for the same seed."""

from __future__ import annotations

import time

from tests.support.feeder import Feeder
from tests.support.generator import CONFLICT, DUPLICATE, STORED, World
from tests.support.ledger import Answers, Ledger
from tests.support.stack import Stack

START_US = 1_790_000_000_000_000


def test_one_seed_one_world():
    first, again = World(3, START_US, 400), World(3, START_US, 400)
    assert [p.body for p in first.planned] == [p.body for p in again.planned]
    assert first.calls == again.calls
    assert [p.body for p in World(4, START_US, 400).planned] != [p.body for p in first.planned]


def test_every_class_of_traffic_is_in_the_smallest_world():
    planted = World(1, START_US, 100).planted()
    assert set(planted[STORED]) >= {
        "plain", "repeater", "household", "switchboard", "withheld", "busy", "mistyped", "late",
        "revised", "supplement", "correction", "sent_twice", "read_twice", "outbound", "training",
    }  # fmt: skip
    assert set(planted[DUPLICATE]) == {"sent_twice", "read_twice"}
    assert planted[CONFLICT]["conflict"] >= 1


def test_the_ledger_finds_what_is_lost_strange_or_doubled(stack: Stack):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    answers = Answers(stack.tenant)
    world = World(2, time.time_ns() // 1000, 300, stack.sites)
    feeder = Feeder(agent, answers, seed=2)
    feeder.post_all([p for p in world.planned if p.site == "s001"])
    feeder.close()
    stack.wait_drained()
    aggregator.stop()

    def spoiled(*statements: str) -> Ledger:
        """The ledger after these statements, which are then undone."""
        with stack.connect() as db, db.transaction(force_rollback=True):
            for sql in statements:
                db.execute(sql)
            return answers.balance(db, stack.topic_records)

    whole = spoiled()
    assert whole.is_whole and whole.stored > 20, whole
    one = "(select record_id from kasumori.record where external_id is null order by 1 limit 1)"
    gone = spoiled(f"delete from kasumori.record where record_id = {one}")
    assert (gone.lost, gone.strange) == (1, 0) and gone.doubled == 1, gone
    known = "(select record_id from kasumori.record where external_id is not null limit 1)"
    unread = spoiled(f"delete from kasumori.record where record_id = {known}")
    assert unread.lost >= 1, unread
    stranger = spoiled(
        f"""create temp table copy as select * from kasumori.record where record_id = {one}""",
        "update copy set record_id = overlay(record_id::text placing 'ffff' from 33)::uuid",
        "insert into kasumori.record select * from copy",
    )
    assert (stranger.lost, stranger.strange) == (0, 1), stranger
    twice = spoiled(
        """insert into kasumori.ingest_log
           select stream_no, kafka_offset + 1000000, tenant, record_id
           from kasumori.ingest_log limit 1"""
    )
    assert twice.doubled == 1, twice

"""The same messages again, another aggregator, another topic: nothing is lost, nothing doubled."""

from __future__ import annotations

import time

from tests.support.feeder import Feeder, feed_all
from tests.support.generator import World
from tests.support.ledger import Answers
from tests.support.process import wait_until
from tests.support.stack import Stack
from tests.support.topic import publish, read_all

FACTS = ("record", "record_text", "sealed_identity", "external_key", "sighting", "ingest_log")


def _dump(stack: Stack) -> dict[str, list]:
    found = {
        name: stack.query(f"select t::text from kasumori.{name} t order by 1") for name in FACTS
    }
    found["bad"] = stack.query("select class, count(*) from kasumori.bad_record group by class")
    return found


def _feed(stack: Stack, count: int, seed: int = 5) -> Answers:
    answers = Answers(stack.tenant)
    world = World(seed, time.time_ns() // 1000, count, stack.sites)
    work = {}
    for site in stack.sites:
        agent = stack.agents.get(f"{site.site}-a") or stack.add_agent(site.site)
        planned = [p for p in world.planned if p.site == site.site]
        work[agent.name] = lambda a=agent, p=planned: Feeder(a, answers, seed).post_all(p)
    feed_all(work)
    return answers


def test_the_whole_topic_again_changes_nothing(stack: Stack):
    stack.add_aggregator()
    answers = _feed(stack, 600)
    stack.wait_drained()
    before = _dump(stack)
    bad = stack.value("select count(*) from kasumori.bad_record")
    messages = read_all(stack.servers.kafka.bootstrap, stack.topic_records)
    publish(stack.servers.kafka.bootstrap, stack.topic_records, messages)
    stack.wait_drained()
    assert stack.position() == 2 * len(messages)
    after = _dump(stack)
    conflicts = stack.value("select count(*) from kasumori.bad_record where class = 'conflict'")
    for name in FACTS:
        assert after[name] == before[name], name
    # What conflicted with the stored record does so again, at its own place in the log.
    assert conflicts == 2 * bad
    with stack.connect() as db:
        ledger = answers.balance(db, stack.topic_records)
    assert ledger.is_whole, ledger


def test_a_second_aggregator_takes_over_and_the_first_is_fenced(stack: Stack):
    agent = stack.add_agent("s001")
    first = stack.add_aggregator("a1")
    answers = _feed(stack, 200, seed=1)
    stack.wait_drained()
    first.pause()
    try:
        second = stack.add_aggregator("a2")
        answers_later = _feed(stack, 200, seed=2)
        # The group waits for the first one's session to end before the second gets its partitions.
        stack.wait_drained(wait_s=90)
        epoch = stack.value(
            "select max(epoch) from kasumori.kafka_offset where topic = %s", stack.topic_records
        )
        assert epoch >= 2
    finally:
        first.resume()
    # The first one wakes with messages in hand and an old epoch: it must write none of them.
    third = _feed(stack, 200, seed=3)
    stack.wait_drained(wait_s=90)
    assert agent.is_alive() and second.is_alive()
    answers.merge(answers_later, third)
    with stack.connect() as db:
        ledger = answers.balance(db, stack.topic_records)
    assert ledger.is_whole, ledger
    wait_until(lambda: not first.is_alive() or first.status() in (200, 503), "the first answers")


def test_a_topic_made_anew_stops_until_the_operator_says_go_on(stack: Stack, report):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    client = agent.client()
    for _ in range(20):
        assert client.post_json("/v1/records", report()).status == 201
    stack.wait_drained()
    agent.stop()
    aggregator.stop()

    kafka = stack.servers.kafka
    kafka.delete_topic(stack.topic_records)
    time.sleep(1)
    stack.create_topics()
    agent.start()
    agent.wait_ready()
    assert agent.client().post_json("/v1/records", report()).status == 201
    wait_until(lambda: agent.metric("kasumori_agent_spool_undelivered") == 0, "sent")

    aggregator.start()
    wait_until(
        lambda: "accept-new-topic" in aggregator.log_text(), "a sentence that names the command"
    )
    time.sleep(1)
    assert stack.stored() == 20, "nothing is stored until the operator has spoken"
    assert aggregator.metric("kasumori_aggregator_partitions_stopped") == 1
    told = aggregator.client().get("/readyz")
    assert (told.status, told.text) == (200, "degraded: 1 partitions wait for an operator\n")
    aggregator.stop()

    stack.db_cli("offset", "accept-new-topic", "--topic", stack.topic_records, "--all")
    aggregator.start()
    aggregator.wait_ready()
    stack.wait_stored(21)

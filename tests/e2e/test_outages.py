"""Kafka or PostgreSQL away, disks of no size, a graceful stop: who waits, who refuses, who recovers."""

from __future__ import annotations

import time

from tests.support.ledger import Answers, Attempt
from tests.support.process import wait_until
from tests.support.stack import Agent, Stack

WAITING = "kasumori_agent_spool_undelivered"


def _post(agent: Agent, answers: Answers, report: dict, count: int) -> None:
    client = agent.client()
    for at in range(0, count, 50):
        answer = client.post_lines("/v1/records", [report] * min(50, count - at))
        assert answer.status == 200, answer.text
        for result in answer.json()["results"]:
            answers.attempt(Attempt(result["recordId"], agent.site, "form", None, True))
    client.close()


def _ledger(stack: Stack, answers: Answers):
    stack.wait_drained(wait_s=90)
    with stack.connect() as db:
        return answers.balance(db, stack.topic_records)


def test_without_kafka_the_agent_accepts_and_drains_on_its_return(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    answers = Answers(stack.tenant)
    _post(agent, answers, report(), 50)
    stack.wait_drained()
    kafka = stack.servers.kafka
    kafka.kill9()
    try:
        _post(agent, answers, report(), 300)
        assert agent.metric(WAITING) == 300
        assert agent.status() == 200, "Kafka away is degraded, not unready"
        wait_until(lambda: agent.client().get("/readyz").json()["state"] == "degraded", "degraded")
        agent.kill9()  # and in the middle of it the agent dies
        agent.start()
        agent.wait_ready()
        assert agent.metric(WAITING) == 300
        _post(agent, answers, report(), 50)
    finally:
        kafka.start()
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 400, ledger
    assert agent.client().get("/readyz").json()["state"] == "ready"


def test_an_agent_that_starts_without_kafka_is_ready(stack: Stack, report):
    agent = stack.add_agent("s001", start=False)
    stack.add_aggregator()
    answers = Answers(stack.tenant)
    kafka = stack.servers.kafka
    kafka.kill9()
    try:
        agent.start()
        agent.wait_ready()
        _post(agent, answers, report(), 20)
    finally:
        kafka.start()
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 20, ledger


def test_without_postgresql_the_aggregator_waits_and_goes_on(stack: Stack, report):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    answers = Answers(stack.tenant)
    _post(agent, answers, report(), 50)
    stack.wait_drained()
    stack.servers.postgres.kill9()
    try:
        _post(agent, answers, report(), 200)
        wait_until(lambda: agent.metric(WAITING) == 0, "all in Kafka")
        time.sleep(2)
        assert aggregator.is_alive()
    finally:
        stack.servers.postgres.start()
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 250 and ledger.duplicates == 0, ledger


def test_commits_the_server_forgot_are_read_again_though_nothing_new_comes(stack: Stack, report):
    """T1 commits with synchronous_commit = off: a crash takes the last ones back, offsets included."""
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    answers = Answers(stack.tenant)
    forgotten = 0
    for round_ in range(1, 6):
        _post(agent, answers, report(), 100)
        wait_until(lambda n=100 * round_: stack.position() >= n, "stored", every_s=0.001)
        stack.servers.postgres.kill9()
        stack.servers.postgres.start()
        forgotten += 100 * round_ - stack.position()
        stack.wait_drained(wait_s=40)
    assert forgotten > 0, "nothing was put to the test"
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 500, ledger


def test_an_aggregator_that_starts_without_its_servers_waits_for_them(stack: Stack, report):
    agent = stack.add_agent("s001")
    answers = Answers(stack.tenant)
    _post(agent, answers, report(), 20)
    aggregator = stack.add_aggregator(start=False)
    stack.servers.postgres.kill9()
    try:
        aggregator.start()
        time.sleep(2)
        assert aggregator.is_alive(), aggregator.log_tail()
        assert aggregator.status() != 200
    finally:
        stack.servers.postgres.start()
    aggregator.wait_ready()
    assert _ledger(stack, answers).is_whole


def test_a_graceful_stop_of_the_agent_loses_nothing(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    answers = Answers(stack.tenant)
    _post(agent, answers, report(), 500)
    started = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - started < 15
    agent.start()
    agent.wait_ready()
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 500, ledger
    assert stack.value("select count(distinct epoch) from kasumori.agent_seq") == 1


def test_a_graceful_stop_of_the_aggregator_loses_nothing(stack: Stack, report):
    agent = stack.add_agent("s001")
    aggregator = stack.add_aggregator()
    answers = Answers(stack.tenant)
    _post(agent, answers, report(), 500)
    assert aggregator.stop() == 0
    _post(agent, answers, report(), 100)
    aggregator.start()
    aggregator.wait_ready()
    ledger = _ledger(stack, answers)
    assert ledger.is_whole and ledger.stored == 600 and ledger.duplicates == 0, ledger


def test_a_full_spool_refuses_and_recovers_by_itself(stack: Stack, report):
    """The spool's own limit stands for the full disk: 507, nothing half-accepted."""
    run = stack.folder / "s001-a"
    spool = {"dir": str(run / "spool"), "segment_size": "256KiB", "max_size": "1MiB"}
    agent = stack.add_agent("s001", spool=spool)
    stack.add_aggregator()
    answers = Answers(stack.tenant)
    kafka = stack.servers.kafka
    kafka.kill9()
    try:
        client = agent.client()
        body = report(incident={"note": "あ" * 2000})
        for _ in range(200):
            answer = client.post_lines("/v1/records", [body] * 20)
            if answer.status != 200:
                break
            for result in answer.json()["results"]:
                answers.attempt(Attempt(result["recordId"], "s001", "form", None, True))
        assert answer.status == 507, answer.text
        assert "retry-after" in answer.headers
        assert client.post_json("/v1/records", body).status == 507
        assert agent.is_alive()
    finally:
        kafka.start()
    stack.wait_drained(wait_s=90)
    wait_until(lambda: client.post_json("/v1/records", report()).status == 201, "accepts again")
    stack.wait_drained()
    with stack.connect() as db:
        ledger = answers.balance(db, stack.topic_records)
    assert ledger.lost == 0 and ledger.doubled == 0, ledger
    # One more than counted: the record that proved recovery.
    assert ledger.stored == len(answers) + 1, ledger

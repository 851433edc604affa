"""Hands planned records and call-record files to agents over HTTP and keeps the list of what was
answered."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable

from tests.support.client import Answer, Client
from tests.support.generator import Call, Planned
from tests.support.ledger import Answers, Attempt
from tests.support.stack import Agent

RETRY_STATUS = (429, 503, 507)


class Refused(RuntimeError):
    """An agent refused what it had to accept."""


class Feeder:
    """Of one agent; used from one thread. With wait_s it goes on trying for so long: the records must
    then bear ids of their own, or a lost answer would put them in twice."""

    def __init__(self, agent: Agent, answers: Answers, seed: int, wait_s: float = 0.0):
        self.agent, self.answers, self.wait_s = agent, answers, wait_s
        self.ids: dict[int, str] = {}  # of planned.number
        self._rng = random.Random(f"{seed} {agent.site}")
        self._client: Client = agent.client()

    def close(self) -> None:
        self._client.close()

    def _until_answered(self, send: Callable[[], Answer]) -> Answer:
        deadline = time.monotonic() + self.wait_s
        while True:
            try:
                answer = send()
                if answer.status not in RETRY_STATUS or time.monotonic() > deadline:
                    return answer
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _attempt(self, planned: Planned) -> Attempt:
        body = planned.body
        return Attempt(
            body.get("recordId"), planned.site, body.get("source", ""), body.get("externalId")
        )

    def post_one(self, planned: Planned) -> None:
        attempt = self._attempt(planned)
        self.answers.attempt(attempt)
        answer = self._until_answered(lambda: self._client.post_json("/v1/records", planned.body))
        if answer.status != 201:
            raise Refused(f"{planned.kind}: {answer.status} {answer.text}")
        self._keep(planned, attempt, answer.json()["recordId"])

    def post_batch(self, batch: list[Planned]) -> None:
        attempts = [self._attempt(planned) for planned in batch]
        self.answers.attempt(*attempts)
        lines = [planned.body for planned in batch]
        answer = self._until_answered(lambda: self._client.post_lines("/v1/records", lines))
        found = answer.json() if answer.status == 200 else {}
        if answer.status != 200 or found["rejected"] != 0:
            raise Refused(f"{answer.status} {answer.text[:500]}")
        for planned, attempt, result in zip(batch, attempts, found["results"], strict=True):
            self._keep(planned, attempt, result["recordId"])

    def _keep(self, planned: Planned, attempt: Attempt, record_id: str) -> None:
        if attempt.record_id not in (None, record_id):
            raise Refused(f"{planned.kind}: the agent changed the id it was given")
        attempt.record_id = record_id
        attempt.is_answered = True
        self.ids[planned.number] = record_id

    def post_all(self, planned: list[Planned]) -> None:
        """In order: one by one or in batches, as it falls."""
        at = 0
        while at < len(planned):
            size = 1 if self._rng.random() < 0.5 else self._rng.randint(2, 100)
            batch = planned[at : at + size]
            if len(batch) == 1:
                self.post_one(batch[0])
            else:
                self.post_batch(batch)
            at += size

    def post_calls(self, text: str, calls: list[Call], pbx: str = "pbx1") -> None:
        """A Master.csv with the rows of these calls. Read again it makes the same records again, which
        the center recognises by their external ids."""
        attempts = [
            Attempt(None, self.agent.site, f"asterisk:{pbx}", call.linkedid) for call in calls
        ]
        self.answers.attempt(*attempts)
        answer = self._until_answered(
            lambda: self._client.send("POST", f"/v1/call-records?source={pbx}", text, "text/csv")
        )
        if answer.status != 200 or answer.json()["rejected"] != 0:
            raise Refused(f"call records: {answer.status} {answer.text[:500]}")
        if answer.json()["calls"] != len(calls):
            raise Refused(f"call records: {answer.json()['calls']} calls, not {len(calls)}")
        for attempt in attempts:
            attempt.is_answered = True


def feed_all(work: dict[str, Callable[[], None]]) -> None:
    """Runs the pieces of work at the same time; the first failure is raised once all have ended."""
    problems: list[tuple[str, BaseException]] = []

    def run(name: str, what: Callable[[], None]) -> None:
        try:
            what()
        except BaseException as error:
            problems.append((name, error))

    threads = [threading.Thread(target=run, args=item, name=item[0]) for item in work.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        name, error = problems[0]
        raise Refused(f"{name}: {error}") from error

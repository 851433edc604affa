"""A report's whole way: a worker files it on the form and sees it stored, at headquarters, reviewed;
the same person as a judge is refused, somebody else judges."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.component.monitor.service import Client
from tests.support.paths import free_port
from tests.support.stack import Servers, Stack
from tests.support.staff import PIN, SPOTS, WORKER

PATIENCE_MS = 60_000


@dataclass
class Way:
    stack: Stack
    url: str  # of the form

    def client(self, account: str) -> Client:
        """Signed in at the board."""
        token = secrets.token_hex(32)
        self.stack.query(
            "insert into kasumori.session (tenant, token_hash, account, expires_at) "
            "values (%s, %s, %s, now() + interval '1 day') returning account",
            self.stack.tenant, hashlib.sha256(token.encode()).digest(), account,
        )  # fmt: skip
        return Client(self.stack.monitor, cookie=token)

    def judge(self, account: str, record: str) -> tuple[int, str | None]:
        elements = {"act": True, "beyond": True, "harm": True}
        body = {"kind": "verdict", "records": [record], "value": "confirmed",
                "elements": elements, "reason": "heard both"}  # fmt: skip
        answer = self.client(account).post("/v1/decisions", body)
        return answer.status, answer.code


def secret(stack: Stack, name: str, text: str):
    path = stack.folder / name
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


@pytest.fixture(scope="module")
def agent(servers: Servers, work) -> Iterator[Way]:
    stack = Stack(servers, work / "whole-way").create()
    port = free_port()
    try:
        who = ("--tenant", stack.tenant)
        for account in ("hanako", "jiro"):
            stack.add_account(account, "supervisor", "correct horse battery", "s001")
        # hanako works at the till as w12; jiro has the same code at another site
        for account, site in (("hanako", "s001"), ("jiro", "s002")):
            stack.db_cli("account", "bind", *who, "--account", account, "--site", site,
                         "--worker", WORKER, "--keys", stack.keys_dir)  # fmt: skip
        workers = stack.folder / "workers"
        stack.cli("worker", "add", "--file", workers, "--worker", WORKER,
                  "--pin-file", secret(stack, "pin", PIN))  # fmt: skip
        key = stack.folder / "s001.key"
        stack.db_cli("machine-key", "add", *who, "--name", "s001", "--site", "s001",
                     "--scope", "lookup,receipt", "--days", "1", "--out", key)  # fmt: skip
        stack.add_aggregator(correlate_every="200ms")
        monitor = stack.add_monitor()
        stack.add_agent(
            "s001",
            http={"address": "127.0.0.1", "port": port, "unix": str(stack.folder / "s001.sock")},
            form={"enabled": True, "spots": SPOTS, "workers_file": str(workers)},
            lookup={"url": f"http://127.0.0.1:{monitor.port}", "key_file": str(key)},
        )
        yield Way(stack, f"http://127.0.0.1:{port}")
        stack.stop()
    finally:
        stack.kill9()
        stack.servers.postgres.dropdb(stack.database)


@pytest.mark.parametrize("language", ("ja", "en"))
def test_from_the_till_to_the_verdict(agent: Way, open_page, check, shoot, words, language):
    say = words[language]
    page = open_page("/form", language, is_phone=True)
    page.get_by_role("button", name=say["signIn"], exact=True).click()
    dialog = page.locator("#signInDialog")
    dialog.get_by_label(say["workerCode"]).fill(WORKER)
    dialog.get_by_label(say["pin"]).fill(PIN)
    dialog.get_by_role("button", name=say["signIn"]).click()
    page.get_by_role("button", name=say["categoryAbuse"], exact=True).click()
    page.get_by_label(say["exactWords"]).fill("「ばか」と言われた")
    with page.expect_response("**/form/v1/reports") as sent:
        page.get_by_role("button", name=say["send"], exact=True).click()
    record = sent.value.json()["recordId"]
    receipt = page.locator("#code-shown").inner_text()
    steps = page.locator("#states li")
    there = [say["stateStored"], say["stateDelivered"]]
    expect(steps).to_have_text([*there, say["stateReviewNext"]], timeout=PATIENCE_MS)
    check(page)
    shoot(page, f"form-state-next-{language}")

    assert agent.judge("hanako", record) == (403, "party")
    words_read = f"/v1/incidents/{record}?words=yes&purpose=review"
    assert agent.client("jiro").get(words_read).status == 200
    expect(steps).to_have_text([*there, say["stateInReview"]], timeout=PATIENCE_MS)
    check(page)
    shoot(page, f"form-state-review-{language}")

    assert agent.judge("jiro", record) == (202, None)
    expect(steps).to_have_text([*there, say["stateJudged"]], timeout=PATIENCE_MS)
    check(page)

    # whoever comes back with the number later sees the same
    page.get_by_role("button", name=say["navAdd"], exact=True).click()
    page.get_by_role("textbox", name=say["receiptLabel"]).fill(receipt)
    page.get_by_role("button", name=say["find"], exact=True).click()
    found = page.locator("#foundStates li")
    expect(found).to_have_text([*there, say["stateJudged"]], timeout=PATIENCE_MS)
    check(page)
    shoot(page, f"form-state-judged-{language}")


def test_headquarters_away_the_form_goes_on(agent: Way, open_page, words):
    say = words["ja"]
    agent.stack.monitor.stop()
    page = open_page("/form")
    page.get_by_role("button", name=say["send"], exact=True).click()
    expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])
    expect(page.locator("#states li")).to_have_text(
        [say["stateStored"], say["stateDelivered"], say["stateReviewUnknown"]],
        timeout=PATIENCE_MS,
    )

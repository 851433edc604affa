"""The look-up against the real monitor: a call at one site is known at another, by the number alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.support.process import wait_until

ASKED = {"number": "０９０－１２３４－５６７８", "purpose": "call", "callId": "pbx-9"}


def test_a_call_at_one_site_is_known_at_another(stack):
    key_file = stack.folder / "lookup.key"
    key_file.touch(mode=0o600)
    stack.add_aggregator()
    monitor = stack.add_monitor()
    who = ("--tenant", stack.tenant, "--name", "s002", "--scope", "lookup", "--days", "1")
    key_file.write_text(stack.db_cli("machine-key", "add", *who).stdout)
    caller = stack.add_agent("s001").client()
    lookup = {
        "url": f"http://127.0.0.1:{monitor.port}",
        "key_file": str(key_file),
        "timeout": "5s",
    }
    asker = stack.add_agent("s002", lookup=lookup).client()
    assert asker.post_json("/v1/caller", ASKED).json()["state"] == "unknown"
    record = {
        "site": "s001",
        "occurredStartUs": datetime.now(UTC).isoformat(),
        "channel": "PHONE",
        "direction": "INBOUND",
        "matter": "返品 A-1021",
        "persons": [
            {
                "role": "SUBJECT",
                "identifiers": [
                    {"kind": "PHONE", "assurance": "CARRIED", "value": "+81 90 1234 5678"}
                ],
            }
        ],
        "contact": {"outcome": "CONNECTED", "talkUs": 60_000_000},
    }
    assert caller.post_json("/v1/records", record).status == 201
    wait_until(lambda: asker.post_json("/v1/caller", ASKED).json()["state"] == "known", "known", 30)
    found = asker.post_json("/v1/caller", ASKED).json()["lookup"]
    assert (found["contacts"], found["certainty"]) == (1, "same_number")
    assert found["lastContacts"][0]["site"] == "s001"
    assert found["openMatters"][0]["matter"] == "返品 A-1021"
    other = {**ASKED, "number": "080-1111-2222"}
    assert asker.post_json("/v1/caller", other).json()["state"] == "unknown"
    looked = stack.query(
        "select purpose, object from kasumori.audit where action = 'lookup' order by 1 limit 1"
    )
    assert looked == [("call", "call pbx-9")]
    assert monitor.stop() == 0
    began = time.monotonic()
    assert asker.post_json("/v1/caller", ASKED).json()["state"] == "unavailable"
    assert time.monotonic() - began < 5
    caller.close()
    asker.close()

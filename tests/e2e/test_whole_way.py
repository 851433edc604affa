"""A report and a call-record file, sent by curl as a person would, found in PostgreSQL."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.support.people import normal_phone
from tests.support.stack import Agent, Stack

REPORT = """{
  "site": "s001",
  "source": "form",
  "occurredStartUs": "2026-04-01T10:00:00+09:00",
  "occurredEndUs": "2026-04-01T10:20:00.5+09:00",
  "channel": "CHANNEL_PHONE",
  "direction": "INBOUND",
  "worker": "s001-w007",
  "matter": "返品-4711",
  "persons": [
    {"role": "SUBJECT", "ordinal": 0, "identifiers": [
      {"kind": "PHONE", "assurance": "CARRIED", "value": "090-1234-5678"},
      {"kind": "IDENTIFIER_KIND_MAIL", "assurance": "TYPED", "value": "Taro.Yamada@Example.JP"}]},
    {"role": "VICTIM", "ordinal": 1, "identifiers": [
      {"kind": "WORKER", "assurance": "TYPED", "value": "s001-w007"}]}
  ],
  "incident": {
    "categories": [{"scheme": "mhlw9", "version": "2022", "code": "abuse"}],
    "words": [{"value": "お前じゃ話にならない", "atUs": "1775005260000000"}, "名前は佐藤花子だな"],
    "demandReasonable": "NO",
    "loss": {"staffMinutes": 35}
  }
}"""

# One call over two legs with one linkedid, and a withheld one; cdr_csv, accountcode first.
MASTER_CSV = (
    '"","0312345678","600","from-trunk","""山田 太郎"" <0312345678>","PJSIP/trunk-1","PJSIP/201-1",'
    '"Dial","PJSIP/201,20","2026-04-01 11:00:00","","2026-04-01 11:00:20",20,0,"NO ANSWER",'
    '"DOCUMENTATION","1775008800.10","","","1775008800.10",1\n'
    '"","0312345678","600","from-trunk","""山田 太郎"" <0312345678>","PJSIP/trunk-1","PJSIP/202-2",'
    '"Dial","PJSIP/202,20","2026-04-01 11:00:20","2026-04-01 11:00:25","2026-04-01 11:03:25",185,180,'
    '"ANSWERED","DOCUMENTATION","1775008800.11","","","1775008800.10",2\n'
    '"","anonymous","600","from-trunk","""Anonymous"" <anonymous>","PJSIP/trunk-2","PJSIP/201-3",'
    '"Dial","PJSIP/201,20","2026-04-01 12:00:00","2026-04-01 12:00:04","2026-04-01 12:01:04",64,60,'
    '"ANSWERED","DOCUMENTATION","1775012400.12","","","1775012400.12",3\n'
)


def curl(*args: str) -> tuple[int, str]:
    """Status and body."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", "-w", "\n%{http_code}", *args],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def _send(agent: Agent, path: str, content_type: str, file: Path) -> tuple[int, str]:
    return curl(
        "-H", f"Content-Type: {content_type}", "--data-binary", f"@{file}",
        f"http://127.0.0.1:{agent.port}{path}",
    )  # fmt: skip


def test_a_report_by_curl_is_stored_with_the_right_tokens(stack: Stack, tmp_path: Path):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    file = tmp_path / "report.json"
    file.write_text(REPORT)
    status, body = _send(agent, "/v1/records", "application/json", file)
    assert status == 201, body
    record_id = json.loads(body)["recordId"]
    stack.wait_stored(1)

    row = stack.query(
        """select kind, site, concerned_site, agent, source, occurred_start, occurred_end, channel,
                  direction, matter, categories, record_id::text
           from kasumori.record"""
    )[0]
    start = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)
    end = datetime(2026, 4, 1, 1, 20, 0, 500_000, tzinfo=UTC)
    assert row == (
        2, "s001", "s001", "s001-a", "form", start, end, 2, 1, "返品-4711",
        ["mhlw9:2022:abuse"], record_id,
    )  # fmt: skip

    sightings = stack.query(
        "select person, item, kind, role, assurance, replace(mac::text, '-', '') "
        "from kasumori.sighting order by person, item"
    )
    keys = stack.keys
    assert sightings == [
        (-1, 0, 9, 0, 1, keys.token("worker", "S001W007").hex()),
        (0, 0, 4, 1, 4, keys.token("phone", normal_phone("09012345678")).hex()),
        (0, 1, 5, 1, 1, keys.token("mail", "taro.yamada@example.jp").hex()),
        (1, 0, 9, 2, 1, keys.token("worker", "S001W007").hex()),
    ]

    texts = dict(stack.query("select place, text from kasumori.record_text"))
    assert texts["incident.words[0]"] == "お前じゃ話にならない"
    assert "佐藤花子" not in texts["incident.words[1]"]
    detail = stack.value("select detail from kasumori.record")
    assert detail["loss"] == {"staffMinutes": 35}
    assert "お前" not in json.dumps(detail, ensure_ascii=False)
    assert stack.value("select count(*) from kasumori.sealed_identity") == 4


def test_every_live_key_makes_a_token(stack: Stack, report):
    stack.cli("keygen", "--keys", stack.keys_dir, "--tenant", stack.tenant, "--rotate-tokens")
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    assert agent.client().post_json("/v1/records", report()).status == 201
    stack.wait_stored(1)
    found = stack.query(
        "select key_id, replace(mac::text, '-', '') from kasumori.sighting "
        "where kind = 4 order by key_id"
    )
    phone = normal_phone("09012345678")
    assert found == [(k, stack.keys.token("phone", phone, k).hex()) for k in (1, 2)]


def test_a_call_record_file_by_curl_is_stored_one_contact_a_call(stack: Stack, tmp_path: Path):
    agent = stack.add_agent("c001")
    stack.add_aggregator()
    file = tmp_path / "Master.csv"
    file.write_text(MASTER_CSV)
    status, body = _send(agent, "/v1/call-records?source=pbx1", "text/csv", file)
    assert status == 200, body
    stack.wait_stored(2)

    rows = stack.query(
        """select external_id, kind, source, occurred_start, talk_us, is_connected, channel, direction,
                  withheld from kasumori.record order by occurred_start"""
    )
    first, second = rows
    assert first[:8] == (
        "1775008800.10", 1, "asterisk:pbx1", datetime(2026, 4, 1, 2, 0, tzinfo=UTC), 180_000_000,
        True, 2, 1,
    )  # fmt: skip
    assert second[:5] == (
        "1775012400.12", 1, "asterisk:pbx1", datetime(2026, 4, 1, 3, 0, tzinfo=UTC), 60_000_000,
    )  # fmt: skip
    assert second[8] != 0, "withheld"
    tokens = stack.query(
        "select kind, assurance, replace(mac::text, '-', '') from kasumori.sighting"
    )
    assert tokens == [(4, 4, stack.keys.token("phone", normal_phone("0312345678")).hex())]

    status, body = _send(agent, "/v1/call-records?source=pbx1", "text/csv", file)
    assert status == 200, body
    stack.wait_drained()
    assert stack.stored() == 2, "reading the file again changes nothing"
    assert stack.value("select count(*) from kasumori.bad_record") == 0


def test_a_report_over_the_unix_socket(stack: Stack, tmp_path: Path):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    file = tmp_path / "report.json"
    file.write_text(REPORT)
    status, body = curl(
        "--unix-socket", str(agent.unix), "-H", "Content-Type: application/json",
        "--data-binary", f"@{file}", "http://agent/v1/records",
    )  # fmt: skip
    assert status == 201, body
    stack.wait_stored(1)


def test_heartbeats_arrive(stack: Stack, report):
    agent = stack.add_agent("s001")
    stack.add_aggregator()
    assert agent.client().post_json("/v1/records", report()).status == 201

    from tests.support.process import wait_until

    wait_until(
        lambda: stack.query(
            "select 1 from kasumori.agent_health "
            "where agent = 's001-a' and site = 's001' and accepted = 1 and sequence_last = 1"
        ),
        "a heartbeat that counts the record",
    )
    wait_until(
        lambda: stack.query(
            "select 1 from kasumori.agent_seq where agent = 's001-a' "
            "and received = '{[1,2)}'::int8multirange"
        ),
        "its sequence",
    )

"""One record, one subject: what was decided, who may read it, what leaves an audit row, and names."""

from __future__ import annotations

import json
import uuid

from tests.component.monitor.reads.asking import every, some


def test_verdicts_stand_as_decided(chain):
    client = chain.client("headquarters")
    for value in ("complaint", "suspected", "confirmed", "rejected"):
        page = client.get(f"/v1/incidents/{chain.judged[value]}").json()
        assert page["verdict"] == value
        decision = next(d for d in page["decisions"] if d["kind"] == "verdict")
        assert decision["inForce"] and not decision["pending"] and decision["madeBy"] == "sato"
    page = client.get(f"/v1/incidents/{chain.judged['revoked']}").json()
    assert "verdict" not in page
    assert [d["inForce"] for d in page["decisions"]] == [False]


def test_a_site_sees_its_own(chain):
    for account in ("site", "supervisor"):
        client = chain.client(account)
        for line in every(client, "/v1/incidents"):
            assert "s001" in (line["site"], line["concernedSite"])
        assert {one["site"] for one in client.get("/v1/sites").json()} == {"s001"}
        assert {one["site"] for one in client.get("/v1/agents").json()} == {"s001"}
        assert {one["site"] for one in client.get("/v1/now").json()["sites"]} == {"s001"}
        foreign = some(
            chain,
            "select record_id from kasumori.record where kind = 2 "
            "and site = 's002' and concerned_site = 's002' limit 1",
        )
        assert client.get(f"/v1/incidents/{foreign}").status == 404


def test_words_need_role_and_purpose_and_leave_a_row(chain):
    record = chain.judged["confirmed"]

    def rows() -> int:
        return chain.rows(
            "select count(*) from kasumori.audit where action = 'view.words' and object = %s",
            f"record {record}",
        )[0][0]

    before = rows()
    page = chain.client("site").get(f"/v1/incidents/{record}?purpose=x").json()
    assert page["wordsWithheld"] == "role" and "words" not in page
    page = chain.client("supervisor").get(f"/v1/incidents/{record}").json()
    assert page["wordsWithheld"] == "purpose" and "words" not in page
    assert rows() == before
    page = chain.client("supervisor").get(f"/v1/incidents/{record}?purpose=look").json()
    stored = chain.rows("select place, text from kasumori.record_text where record_id = %s", record)
    assert {(w["place"], w["text"]) for w in page["words"]} >= set(stored)
    assert rows() == before + 1
    assert chain.rows(
        "select actor, role, purpose from kasumori.audit where action = 'view.words' "
        "order by audit_no desc limit 1"
    ) == [("supervisor", "supervisor", "look")]


def test_a_subject_page_leaves_a_row(chain, paths):
    path = next(path for path in paths if "/subjects/" in path)
    client = chain.client("headquarters")
    assert client.get(path.split("?")[0]).status == 400
    assert client.get(path).status == 200
    assert chain.rows(
        "select actor, purpose from kasumori.audit where action = 'view.subject' "
        "order by audit_no desc limit 1"
    ) == [("headquarters", "test")]


def test_what_shows_nothing_new_leaves_no_row(chain, paths):
    person = next(path for path in paths if "/subjects/" in path)
    client = chain.client("headquarters")

    def rows() -> int:
        return chain.rows("select count(*) from kasumori.audit where action like 'view.%%'")[0][0]

    for path in (person, f"/v1/incidents/{chain.judged['confirmed']}?purpose=look"):
        before = rows()
        etag = client.get(path).headers["etag"]
        assert client.get(path, **{"If-None-Match": etag}).status == 304
        assert rows() == before + 1
        assert client.get(path, **{"If-None-Match": '"x"'}).status == 200
        assert rows() == before + 2


def dump(chain) -> list[dict]:
    done = chain.stack.db_cli("dump", "--canonical", "--tenant", "acme")
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(name: list) -> str:
    record, ordinal, kind, key, mac = name
    kinds = ("", "handle", "member", "account", "phone", "mail", "vehicle", "sns", "name")
    return f"{uuid.UUID(record)}.{ordinal}.{kinds[kind]}.{key}.{mac}"


def test_subjects_bear_the_canonical_name(chain):
    wanted = {
        written(line["subject"]) for line in dump(chain) if line["t"] == "node" and line["subject"]
    }
    found = chain.rows(
        "select kasumori.subject_name('acme', subject) from "
        "(select distinct subject from kasumori.class_run where subject is not null) s"
    )
    assert {name for (name,) in found} == wanted


def test_proposals_are_those_of_the_core(chain):
    client = chain.client("headquarters")
    wanted = {
        (line["record"], line["ordinal"], written(line["subject"]))
        for line in dump(chain)
        if line["t"] == "proposal" and line["kind"] == "typed"
    }
    desk = {
        (t["recordId"].replace("-", ""), t["ordinal"], t["subject"])
        for t in every(client, "/v1/review?kind=proposal")
    }
    assert wanted and desk == wanted
    pages = set()
    for record in {record for record, *_ in wanted}:
        page = client.get(f"/v1/incidents/{uuid.UUID(record)}").json()
        pages |= {
            (record, person["ordinal"], proposal["subject"])
            for person in page["persons"]
            for proposal in person["proposals"]
        }
    assert pages == wanted


def test_any_name_finds_the_subject(chain):
    client = chain.client("headquarters")
    page = None
    for line in every(client, "/v1/incidents"):
        record = client.get(f"/v1/incidents/{line['recordId']}").json()
        for person in record["persons"]:
            if "subject" in person:
                page = client.get(f"/v1/subjects/{person['subject']}?purpose=x").json()
                assert page["name"] == person["subject"]
                assert page["classes"] and page["occurrences"]["items"]
        if page and len(page["classes"]) > 1 and page["links"]:
            break
    assert page["links"][0]["reasons"].keys() == {"ja", "en"}


def test_versions(chain):
    client = chain.client("headquarters")
    path = f"/v1/incidents/{chain.judged['confirmed']}"
    etag = client.get(path).headers["etag"]
    assert etag.strip('"').split("-")[0] == str(chain.decisions["confirmed"])
    assert client.get(path, **{"If-None-Match": etag}).status == 304
    assert client.get(path, **{"If-None-Match": '"x"'}).status == 200


def test_an_alert_and_the_records_it_rests_on_lead_to_each_other(chain):
    client = chain.client("headquarters")
    alert = next(a for a in every(client, "/v1/alerts?state=open") if "subject" in a)
    page = client.get(f"/v1/alerts/{alert['alert']}").json()
    assert sorted(line["recordId"] for line in page["lines"]) == sorted(alert["records"])
    starts = [line["startAt"] for line in page["lines"]]
    assert starts == sorted(starts, reverse=True)
    for record in alert["records"]:
        told = client.get(f"/v1/incidents/{record}").json()["alerts"]
        assert alert["alert"] in {one["alert"] for one in told}
    subject = client.get(f"/v1/subjects/{alert['subject']}?purpose=x").json()
    assert alert["alert"] in {one.get("alert") for one in subject["findings"]}
    ours = chain.client("supervisor").get(f"/v1/alerts/{alert['alert']}")
    if ours.status == 200:
        assert all("s001" in (x["site"], x["concernedSite"]) for x in ours.json()["lines"])


def test_persons_without_identifiers_are_shown(chain):
    record, persons, roles = chain.rows(
        "select record_id, bare_persons, bare_roles from kasumori.record "
        "where kind = 2 and bare_persons is not null and target_id is null limit 1"
    )[0]
    words = ("subject", "victim", "witness", "other")
    told = chain.client("headquarters").get(f"/v1/incidents/{record}").json()["persons"]
    found = {p["ordinal"]: p for p in told}
    for person, role in zip(persons, roles, strict=True):
        assert found[person]["role"] == words[role - 1]
        assert found[person]["identifiers"] == []
    assert set(roles) == {1, 3}


def test_a_supplement_that_derived_values_lack_waits(chain):
    client = chain.client("headquarters")
    record, supplement, stream, offset = next(
        row
        for row in chain.rows(
            "select target_id, record_id, stream_no, kafka_offset from kasumori.record "
            "where kind = 3 and not is_training and kafka_offset is not null order by record_id"
        )
        if client.get(f"/v1/incidents/{row[0]}").status == 200
    )

    def state() -> str:
        told = client.get(f"/v1/incidents/{record}").json()["supplements"]
        return next(one["state"] for one in told if one["recordId"] == str(supplement))

    settled = state()
    assert settled in ("in_force", "inert")
    before = chain.rows(
        "select next_offset from kasumori.correlated_stream where stream_no = %s", stream
    )[0][0]
    move = "update kasumori.correlated_stream set next_offset = %s where stream_no = %s"
    chain.stack.aggregators["a1"].stop()
    try:
        with chain.db() as db:
            db.execute(move, (offset, stream))
        assert state() == "waiting"
        with chain.db() as db:
            db.execute(move, (before, stream))
        assert state() == settled
    finally:
        chain.stack.aggregators["a1"].start()
        chain.stack.aggregators["a1"].wait_ready()


def test_open_proposals_stand_on_the_subjects_page(chain, contract):
    client = chain.client("headquarters")
    alert = next(a for a in every(client, "/v1/alerts") if "subject" in a)
    path = f"/v1/subjects/{alert['subject']}?purpose=x"
    page = client.get(path).json()
    assert page["proposed"] == []
    body = {
        "kind": "restrict", "reason": "再三の暴言", "until": "2099-01-01T00:00:00Z",
        "classes": [page["classes"][0]["class"]],
    }  # fmt: skip
    answer = client.post("/v1/decisions", body)
    assert answer.status == 202, answer.body
    proposal = answer.json()["proposal"]
    for asked in (path, "/v1/proposed-decisions?state=open"):
        contract.check("GET", asked, client.get(asked))
    found = client.get(path).json()["proposed"]
    assert [(p["id"], p["mayApprove"]) for p in found] == [(proposal, False)]
    listed = client.get("/v1/proposed-decisions?state=open").json()["items"]
    assert found[0]["decision"] == next(p for p in listed if p["id"] == proposal)["decision"]
    withdrawn = client.post(f"/v1/proposed-decisions/{proposal}/withdraw", {"reason": "x"})
    assert withdrawn.status == 204
    assert client.get(path).json()["proposed"] == []


def test_the_timeline_speaks_in_words(chain):
    lines = chain.client("headquarters").get(f"/v1/timeline/{chain.judged['confirmed']}").json()
    decided = next(line for line in lines if line["what"] == "decision")
    assert decided["reasons"] == {"ja": "判定: カスハラに該当", "en": "verdict: confirmed"}
    assert all(not line["reasons"]["ja"].isascii() for line in lines)

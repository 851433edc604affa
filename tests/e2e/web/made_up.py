# ruff: noqa: E501 (made-up rows read best as rows)
"""Made-up data in the shapes of the API: every page full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

JST = timezone(timedelta(hours=9))
CATEGORIES = (
    ("time", "時間拘束", "time-binding"),
    ("repeat", "リピート", "repeat"),
    ("abuse", "暴言", "verbal abuse"),
    ("violence", "暴力", "violence"),
    ("threat", "威嚇・脅迫", "intimidation, threat"),
    ("authority", "権威", "authority"),
    ("offsite", "店舗外拘束", "confinement outside the store"),
    ("sns", "SNS・インターネット上での誹謗中傷", "defamation on the Internet"),
    ("sexual", "セクシュアルハラスメント", "sexual harassment"),
)
SITES = (
    ("s001", "本町店", "store", "スーパー", "東京"),
    ("s002", "港北店", "store", "スーパー", "神奈川"),
    ("s003", "大宮店", "store", "スーパー", "埼玉"),
    ("s004", "柏店", "store", "ドラッグストア", "千葉"),
    ("s005", "立川店", "store", "ドラッグストア", "東京"),
    ("c001", "東京お客様センター", "call_center", "コールセンター", "東京"),
    ("c002", "大阪お客様センター", "call_center", "コールセンター", "大阪"),
)
WORDS = ("お前じゃ話にならない、店長を出せ", "土下座しろ", "ネットに書いてやるからな")


def cat(code: str) -> str:
    return f"mhlw9:2022:{code}"


def rfc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def uid(number: int) -> str:
    return f"0197c0de-0000-7000-8000-{number:012d}"


SUBJECT = f"{uid(1)}.0.phone.1.{'0a1b' * 8}"
OTHER = f"{uid(9)}.0.phone.1.{'2c3d' * 8}"


class Shapes:
    """What the pages hold, from what World knows."""

    now: datetime
    role: str
    tokeniser: str | None
    decisions: list[dict]
    proposals: list[dict]
    party_records: set[str]
    shared: bool
    suppressed_by: int | None
    acknowledged: bool
    derived_no: int
    more_sites: int
    site_suffix: str
    page_size: int

    def ago(self, **delta: float) -> str:
        return rfc(self.now - timedelta(**delta))

    def record(self, number: int) -> dict:
        kinds = ("incident", "incident", "contact")
        codes = (["abuse"], ["time", "abuse"], [], ["threat"], ["repeat"])
        site = SITES[number % len(SITES)][0]
        kind = kinds[number % 3]
        start = self.now - timedelta(hours=3.1 * number + 0.4)
        record = {
            "recordId": uid(number),
            "kind": kind,
            "site": site,
            "concernedSite": "s001" if site.startswith("c") else site,
            "channel": ("phone", "face_to_face", "phone", "mail")[number % 4],
            "direction": "inbound",
            "startAt": rfc(start),
            "endAt": rfc(start + timedelta(minutes=18)),
            "recordedAt": rfc(start + timedelta(minutes=25)),
            "categories": [cat(code) for code in codes[number % 5]] if kind == "incident" else [],
            "matters": ["返金の件"] if number % 2 else [],
            "outcome": "connected",
            "talkMs": 1080_000,
            "occurrence": uid(1000 + number // 2),
            "standing": ("open", "judged", "open", "disputed", "innocent")[number % 5],
        }
        verdict = (None, "confirmed", None, None, "complaint")[number % 5]
        for one in self.decisions:
            if one["kind"] == "verdict" and uid(number) in one["records"] and not one["pending"]:
                verdict, record["standing"] = one["value"], "judged"
        if verdict:
            record["verdict"] = verdict
        return record

    def record_page(self, record_id: str, purpose: str | None) -> dict:
        number = int(record_id[-12:])
        page = self.record(number) | {
            "demandReasonable": "no",
            "firmAtFault": "unknown",
            "stillPresent": "no",
            "spot": {"till": "3", "floor": "1"},
            "measures": [{"kind": "asked_to_stop", "count": 3}, {"kind": "person_changed"}],
            "police": [{"line": "9110", "at": self.ago(hours=2), "evidenceHandedOver": False}],
            "evidence": [{"uri": "nas://rec/2026/11/a.wav", "sha256": "ab" * 32, "notice": "announced", "keepUntil": self.ago(days=-90)}],
            "victim": {"employment": "part_time", "duty": "レジ", "anonymityWanted": True, "injured": "no", "care": "offered", "followUpAt": self.ago(days=-3)},
            "lossMinutes": 45,
            "offender": {"count": 1, "sex": "male", "ageFrom": 50, "ageTo": 60},
            "legalHold": False,
            "answers": [{"recordId": record_id, "matter": "返金の件", "recordedAt": self.ago(hours=2), "final": True}],
            "persons": [
                {"ordinal": 0, "role": "subject", "identifiers": [{"kind": "phone", "assurance": "typed", "links": False}], "proposals": [{"subject": SUBJECT}]},
                {"ordinal": 1, "role": "victim", "identifiers": [], "proposals": []},
            ],
            "alerts": [
                {"alert": uid(600), "rule": "repetition", "isNotice": False, "state": "open", "changedAt": self.ago(hours=1), "reasons": self.finding("repetition")["reasons"]},
            ],
            "supplements": [{"recordId": uid(700), "recordedAt": self.ago(hours=1), "state": "in_force"}],
            "corrections": [],
            "others": [self.record(number ^ 1)],
            "decisions": [one for one in self.decisions if record_id in one["records"]],
            "reporterIsYou": record_id in self.party_records,
        }  # fmt: skip
        if self.role in ("admin",):
            page["wordsWithheld"] = "role"
        elif purpose is None:
            page["wordsWithheld"] = "purpose"
        else:
            page["words"] = [
                {"recordId": record_id, "place": f"incident.words[{i}]", "text": text, "saidAt": self.ago(hours=3), "masked": 0}
                for i, text in enumerate(WORDS)
            ] + [{"recordId": record_id, "place": "incident.demand", "text": "全額の返金と██さんの謝罪", "masked": 1}]  # fmt: skip
        return page

    def subject(self) -> dict:
        def known(label: str, kind: str, mac: str, sightings: int) -> dict:
            return {
                "label": label, "kind": kind, "firstAt": self.ago(days=40), "lastAt": self.ago(hours=3),
                "sightings": sightings, "shared": self.shared and kind == "phone",
                "class": {"kind": kind, "keyId": 1, "mac": mac * 8, "at": self.ago(hours=3)},
            }  # fmt: skip

        reasons = {
            "ja": "11月20日の記録で、電話番号(通信網から)と会員番号(読取)が同じ方のものとして記録されています。",
            "en": "On 20 November one record holds the phone number (from the network) and the member number (scanned) of one person.",
        }
        link = {
            "a": "電話 1", "b": "会員番号 1", "evidence": "machine", "suppressed": self.suppressed_by is not None,
            "recordId": uid(1), "policyVersion": 1, "reasons": reasons,
        }  # fmt: skip
        if self.suppressed_by is not None:
            link["decisionNo"] = self.suppressed_by
        return {
            "name": SUBJECT,
            "classes": [known("電話 1", "phone", "0a1b", 7), known("会員番号 1", "member", "4e5f", 3)],
            "links": [link],
            "overgrown": False,
            "occurrences": {
                "items": [
                    {
                        "occurrence": uid(1000 + i), "startAt": self.ago(days=3 * i, hours=3), "sites": [SITES[i % 3][0]],
                        "hasIncident": i % 2 == 0, "counts": i != 3, "standing": ("open", "judged", "open", "innocent")[i % 4],
                        "matters": ["返金の件"], "talkMs": 1500_000,
                    }
                    for i in range(5)
                ]
            },
            "findings": [self.finding("repetition") | {"alert": uid(600)}, self.finding("cross_site")],
            "answers": [
                {"recordId": uid(2), "matter": "返金の件", "recordedAt": self.ago(days=6), "final": False, "site": "s002"},
                {"recordId": uid(1), "matter": "返金の件", "recordedAt": self.ago(days=2), "final": True, "site": "s001"},
            ],
            "restrictions": [],
            "proposed": self.proposals,
            "sites": ["s001", "s002", "s003"],
        }  # fmt: skip

    def finding(self, rule: str) -> dict:
        reasons = {
            "repetition": ("30日間にカスハラ報告が3件あります", "3 incidents reported within 30 days"),
            "cross_site": ("14日間に2拠点以上でカスハラ報告が3件あります", "3 incidents reported at two sites or more within 14 days"),
            "confinement": ("応対が検知基準の時間以上に及びました", "talk of the limit or more"),
            "escalation": ("8日間の2件で言動が重くなっています", "severity rises over 2 incidents within 8 days"),
            "repeat_matter": ("最終回答のあとも、20日間に同じ用件で4件あります", "the same matter 4 times after the final answer, within 20 days"),
        }[rule]  # fmt: skip
        return {
            "finding": uid(500), "rule": rule, "subject": SUBJECT, "isNotice": rule == "confinement",
            "firstAt": self.ago(days=12), "lastAt": self.ago(hours=2), "occurrences": [uid(1000), uid(1001), uid(1002)],
            "policyVersion": 1, "reasons": {"ja": reasons[0], "en": reasons[1]},
        }  # fmt: skip

    def alert(self, index: int) -> dict:
        rule = ("repetition", "cross_site", "repeat_matter", "escalation")[index % 4]
        return {
            "alert": uid(600 + index), "rule": rule, "subject": SUBJECT, "isNotice": False, "state": "open",
            "changedAt": self.ago(hours=1.7 * index + 0.2), "change": "opened", "reason": "", "sites": [SITES[index % 7][0], SITES[(index + 2) % 7][0]],
            "acknowledged": self.acknowledged and index == 0, "finding": self.finding(rule), "records": [uid(1), uid(4), uid(7)],
        }  # fmt: skip

    def agent(self, index: int) -> dict:
        site = SITES[index]
        agent = {
            "agent": f"{site[0]}-a", "site": site[0], "state": "ok", "lastSeenAt": self.ago(seconds=20), "version": "0.1.0",
            "waiting": 0, "gaps": 0, "clockSuspect": False,
        }  # fmt: skip
        if index == 1:
            agent |= {"state": "silent", "lastSeenAt": self.ago(minutes=47)}
        elif index == 3:
            agent |= {"state": "planned_off", "plannedOffUntil": self.ago(hours=-9)}
        elif index == 6:
            agent |= {"gaps": 2, "waiting": 14}
        return agent

    def now_page(self) -> dict:
        counts = (4, 2, 0, 1, 0, 3, 2)
        sites = [
            {
                "site": site[0], "contacts": 40 * counts[i] + 17, "incidents": counts[i],
                "byCategory": [{"category": cat(("abuse", "time", "threat")[j]), "incidents": 1} for j in range(min(3, counts[i]))],
                "lastRecordAt": self.ago(minutes=4 + 31 * i), "agents": [self.agent(i)],
            }
            for i, site in enumerate(SITES)
        ]  # fmt: skip
        day = self.now.astimezone(JST).date()
        trend = [
            {"day": str(day - timedelta(days=29 - i)), "contacts": 420 + (i * 37) % 90 - 60 * (i % 7 == 5), "incidents": 6 + (i * 5) % 9}
            for i in range(30)
        ]  # fmt: skip
        return {
            "at": rfc(self.now), "day": str(day), "behind": 3, "decisionNo": self.derived_no, "sites": sites,
            "categories": [{"category": cat(code), "incidents": n} for code, n in (("abuse", 5), ("time", 3), ("threat", 2), ("repeat", 2))],
            "trend": trend, "alerts": [self.alert(i) for i in range(4)], "toSee": 4, "toJudge": 37, "openReviews": 9,
            "agents": {"total": len(SITES), "silent": 1, "refusing": 0, "withGaps": 1},
        }  # fmt: skip

    def review(self) -> list[dict]:
        tasks = []
        for i in range(8):
            number = (1, 3, 4, 6, 7, 9, 10, 12)[i]
            kind = (
                "suspected",
                "suspected",
                "suspected",
                "disputed",
                "proposal",
                "joined",
                "watch",
                "switchboard",
            )[i]
            reasons = {
                "suspected": ("判定がまだありません。", "Nobody has judged it yet."),
                "disputed": ("1つの事案に異なる判定があります。", "Verdicts of one occurrence differ."),
                "proposal": ("手入力の電話番号が一致しています。", "A typed phone number matches."),
                "joined": ("決定のあとに、新しい識別情報が加わりました。", "An identifier joined after the decision."),
                "watch": ("期限が近づいています。", "It is about to expire."),
                "switchboard": ("多くの方が使う番号のようです。", "Many people seem to use this number."),
            }[kind]  # fmt: skip
            task = {
                "task": f"t{i}",
                "kind": kind,
                "since": self.ago(hours=5 * i + 1),
                "reasons": {"ja": reasons[0], "en": reasons[1]},
            }
            if kind in ("suspected", "disputed", "proposal"):
                task |= {"recordId": uid(number), "site": SITES[number % 7][0]}
            if kind in ("suspected", "disputed"):
                task |= {"channel": "phone", "categories": [cat("abuse")]}
            if kind in ("proposal", "joined", "watch", "switchboard"):
                task["subject"] = SUBJECT
            judged = any(uid(number) in one["records"] for one in self.decisions)
            if not (judged and kind in ("suspected", "disputed")):
                tasks.append(task)
        return tasks

    # -- the lists and the chain

    def session_page(self) -> dict:
        session = {
            "tenant": "acme", "account": "hq-01", "name": "本部 一郎", "role": self.role, "sites": [],
            "expiresAt": self.ago(hours=-8),
        }  # fmt: skip
        return session | ({"tokeniserUrl": self.tokeniser} if self.tokeniser else {})

    def sites_page(self) -> list[dict]:
        many = [
            (f"x{i:04}", f"分店{i:04}", "store", "スーパー", "東京") for i in range(self.more_sites)
        ]
        return [
            {"site": s[0], "name": s[1] + self.site_suffix, "kind": s[2], "trade": s[3], "region": s[4], "address": "東京都中央区日本橋本町1-1-1", "landmark": "本町公園の北側", "openSince": self.ago(days=900)}
            for s in (*SITES, *many)
        ]  # fmt: skip

    def categories_page(self) -> list[dict]:
        return [
            {"scheme": "mhlw9", "version": "2022", "code": c, "ja": ja, "en": en}
            for c, ja, en in CATEGORIES
        ]

    def incidents_page(self, query: dict[str, str]) -> dict:
        page, size = int(query.get("cursor", "0")), self.page_size
        items = [self.record(page * size + i) for i in range(size)]
        items = [one for one in items if query.get("site") in (None, one["site"])]
        return {"items": items} | ({"next": str(page + 1)} if page < 2 else {})

    def occurrence_page(self, occurrence: str) -> dict:
        reasons = {"ja": "同じ通話の記録です", "en": "the same call id"}
        records = [self.record(n) | {"reason": "ref", "reasons": reasons} for n in (1, 2)]
        parts = [{"subject": SUBJECT, "hasIncident": True, "counts": True, "talkMs": 1080_000}]
        return {
            "occurrence": occurrence,
            "firstAt": records[1]["startAt"],
            "lastAt": records[0]["endAt"],
            "standing": "open",
            "records": records,
            "parts": parts,
        }

    def alert_page(self, alert: str) -> dict:
        history = [
            {"changeNo": 1, "change": "opened", "at": self.ago(days=1), "reason": ""},
            {"changeNo": 2, "change": "extended", "at": self.ago(hours=2), "reason": ""},
        ]
        page = self.alert(int(alert[-12:]) - 600)
        return page | {"history": history, "lines": [self.record(n) for n in (1, 4)]}

    def notices_page(self) -> dict:
        notice = {"isNotice": True, "rule": "confinement", "finding": self.finding("confinement")}
        return {"items": [self.alert(i) | notice for i in range(3)]}

    def bad_page(self) -> dict:
        items = [
            {"stream": 1, "offset": 4711 + i, "class": c, "reason": why, "appendedAt": self.ago(hours=9 * i), "site": "s003", "agent": "s003-a", "state": ("open", "open", "replayed")[i]}
            for i, (c, why) in enumerate((("malformed", "value: not a Record"), ("clock", "record_id: time is 412 days before the log's"), ("newer", "schema_major 2 is not known")))
        ]  # fmt: skip
        return {"items": items}

    def audit_page(self) -> dict:
        actions = ("view.subject", "decide.verdict", "export.csv", "account.add")
        objects = (f"subject {uid(1)}", "decision 42", f"record {uid(2)}", "account hq-02")
        items = [
            {"auditNo": 900 - i, "at": self.ago(minutes=7 * i), "actor": "hq-01", "role": "headquarters", "action": actions[i % 4], "purpose": ("handling", "録音を確認", "legal", "")[i % 4], "object": objects[i % 4], "sealed": i > 0}
            for i in range(12)
        ]  # fmt: skip
        return {"items": items}

    def timeline_page(self, record: str) -> list[dict]:
        lines = (
            ("record", "s001", "カスハラ報告", "incident reported"),
            ("alert", "kasumori", "通知(要対応): リピート 検知", "alert: repetition, found"),
            ("view", "hq-01", "閲覧: 判定のため", "looked at: judging"),
            ("decision", "hq-01", "判定: カスハラに該当", "verdict: confirmed"),
        )
        return [
            {"at": self.ago(hours=20 - 4 * i), "what": what, "by": by, "object": f"record {record}", "reasons": {"ja": ja, "en": en}}
            for i, (what, by, ja, en) in enumerate(lines)
        ]  # fmt: skip

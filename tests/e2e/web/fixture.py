# ruff: noqa: E501 (made-up rows read best as rows)
"""A server that answers in the shapes of api.ts from made-up data, for what a real installation does
not show on demand: every page full, empty, refused and away. Decisions move as the aggregator moves
them: accepted, pending, in effect.

python -m tests.e2e.web.fixture     serves on a free port until Ctrl-C, to look at the pages
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.paths import binaries

JST = timezone(timedelta(hours=9))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
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


class World:
    """What the server knows. Tests change it between requests."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.role = "headquarters"
        self.is_signed_in = True
        self.is_empty = False
        self.is_away = False
        self.refused: dict[str, tuple[int, str]] = {}  # path prefix → status, code
        self.derived_no = 41
        self.decisions: list[dict] = []
        self.proposals: list[dict] = []
        self.tokeniser: str | None = None
        self.party_records: set[str] = {uid(4)}
        self.events: list[tuple[int, str, dict]] = []
        self.requests: list[tuple[str, str, dict]] = []
        self.lock = threading.Condition()
        self.shared = False
        self.suppressed_by: int | None = None
        self.acknowledged = False

    def ago(self, **delta: float) -> str:
        return rfc(self.now - timedelta(**delta))

    # -- events

    def tell(self, name: str, data: dict) -> None:
        with self.lock:
            self.events.append((len(self.events) + 1, name, data))
            self.lock.notify_all()

    def derive(self) -> None:
        """What the aggregator does with decisions."""
        with self.lock:
            for one in self.decisions:
                one["pending"] = False
            self.derived_no = 41 + len(self.decisions)
        self.tell("decision", {"decisionNo": self.derived_no})

    # -- shapes

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
            "findings": [self.finding("repetition"), self.finding("cross_site")],
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
            "repetition": ("30日間に3件の報告があります(基準: 3件)。", "3 reports within 30 days (limit: 3)."),
            "cross_site": ("14日間に3拠点で報告があります(基準: 2拠点)。", "Reports at 3 sites within 14 days (limit: 2)."),
            "confinement": ("1回の通話が62分続きました(基準: 60分)。", "One call lasted 62 minutes (limit: 60)."),
            "escalation": ("言動の重さが2段階上がっています。", "Severity rose by 2 levels."),
            "repeat_matter": ("同じ用件で4回の申し出があります(基準: 3回)。", "The same matter came up 4 times (limit: 3)."),
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
            "trend": trend, "alerts": [self.alert(i) for i in range(4)], "openReviews": 9,
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
            if kind in ("proposal", "joined", "watch", "switchboard"):
                task["subject"] = SUBJECT
            judged = any(uid(number) in one["records"] for one in self.decisions)
            if not (judged and kind in ("suspected", "disputed")):
                tasks.append(task)
        return tasks

    def stats(self, measure: str) -> dict:
        day = self.now.astimezone(JST).date()

        def row(key: object, ja: str, en: str, **values: object) -> dict:
            return {"key": str(key), "label": {"ja": ja, "en": en}} | values

        if measure == "trend":
            rows = [
                row(day - timedelta(days=59 - i), str(day - timedelta(days=59 - i)), str(day - timedelta(days=59 - i)), contacts=400 + (i * 53) % 120, incidents=4 + (i * 7) % 11)
                for i in range(60)
            ]  # fmt: skip
        elif measure == "types":
            rows = [
                row(cat(code), ja, en, incidents=max(0, 61 - 9 * i))
                for i, (code, ja, en) in enumerate(CATEGORIES)
            ]
            rows[-1] |= {"suppressed": True}
            del rows[-1]["incidents"]
        elif measure == "sites":
            rows = [
                row(s[0], s[1], s[0], contacts=3000 - 200 * i, incidents=40 - 5 * i)
                for i, s in enumerate(SITES)
            ]
        elif measure == "trades":
            rows = [
                row(t, t, t, incidents=n)
                for t, n in (("スーパー", 96), ("コールセンター", 71), ("ドラッグストア", 22))
            ]
        elif measure == "hours":
            rows = [
                row(h, str(h), str(h), incidents=max(0, 20 - abs(h - 15) * 2)) for h in range(24)
            ]
        elif measure == "weekdays":
            rows = [
                row(i, ja, en, incidents=20 + 4 * i)
                for i, (ja, en) in enumerate(
                    zip("月火水木金土日", "Mon Tue Wed Thu Fri Sat Sun".split(), strict=True)
                )
            ]
        elif measure == "repeat":
            rows = [
                row("once", "1回のみ", "once", incidents=150, value=0.79),
                row("again", "繰り返し", "again", incidents=39, value=0.21),
            ]
        elif measure == "staff_minutes":
            rows = [
                row(cat(code), ja, en, value=300 - 30 * i)
                for i, (code, ja, en) in enumerate(CATEGORIES)
            ]
        else:
            rows = [
                row("median", "中央値", "median", value=21.5),
                row("p90", "90パーセンタイル", "90th percentile", value=66.2),
            ]
        total = {
            "contacts": sum(r.get("contacts", 0) for r in rows),
            "incidents": sum(r.get("incidents", 0) for r in rows),
        }
        if measure == "staff_minutes":
            total["value"] = sum(r["value"] for r in rows)
        return {
            "measure": measure,
            "from": str(day - timedelta(days=89)),
            "to": str(day),
            "rows": rows,
            "total": total,
        }

    # -- answers

    def get(self, path: str, query: dict[str, str]) -> object:
        page = self._get(path, query)
        if self.is_empty and isinstance(page, dict):
            if "items" in page:
                return {"items": []}
            for name in (
                "rows",
                "alerts",
                "categories",
                "trend",
                "sites",
                "findings",
                "links",
                "classes",
                "answers",
            ):
                if name in page and path.split("/")[1] in ("now", "stats", "subjects"):
                    page[name] = []
            if "occurrences" in page and path.startswith("/subjects"):
                page["occurrences"] = {"items": []}
        return page

    def _get(self, path: str, query: dict[str, str]) -> object:
        head, _, rest = path[1:].partition("/")
        if head == "session":
            session = {
                "tenant": "acme", "account": "hq-01", "name": "本部 一郎", "role": self.role, "sites": [],
                "expiresAt": self.ago(hours=-8),
            }  # fmt: skip
            return session | ({"tokeniserUrl": self.tokeniser} if self.tokeniser else {})
        if head == "sites":
            return {
                "items": [
                    {"site": s[0], "name": s[1], "kind": s[2], "trade": s[3], "region": s[4], "address": "東京都中央区日本橋本町1-1-1", "landmark": "本町公園の北側", "openSince": self.ago(days=900)}
                    for s in SITES
                ]
            }  # fmt: skip
        if head == "categories":
            return [
                {"scheme": "mhlw9", "version": "2022", "code": c, "ja": ja, "en": en}
                for c, ja, en in CATEGORIES
            ]
        if head == "now":
            return self.now_page()
        if head == "incidents":
            if rest:
                return self.record_page(rest, query.get("purpose"))
            page = int(query.get("cursor", "0"))
            items = [self.record(page * 20 + i) for i in range(20)]
            items = [one for one in items if query.get("site") in (None, one["site"])]
            return {"items": items} | ({"next": str(page + 1)} if page < 2 else {})
        if head == "occurrences":
            reasons = {
                "ja": "同じ通話番号(PBX)で結び付いています。",
                "en": "They share the PBX's call id.",
            }
            records = [self.record(n) | {"reason": "call", "reasons": reasons} for n in (1, 2)]
            parts = [{"subject": SUBJECT, "hasIncident": True, "counts": True, "talkMs": 1080_000}]
            return {
                "occurrence": rest,
                "firstAt": records[1]["startAt"],
                "lastAt": records[0]["endAt"],
                "standing": "open",
                "records": records,
                "parts": parts,
            }
        if head == "subjects":
            return self.subject()
        if head == "alerts":
            if not rest:
                return {"items": [self.alert(i) for i in range(9)]}
            history = [
                {"changeNo": 1, "change": "opened", "at": self.ago(days=1), "reason": "3 reports"},
                {
                    "changeNo": 2,
                    "change": "extended",
                    "at": self.ago(hours=2),
                    "reason": "4 reports",
                },
            ]
            return self.alert(int(rest[-12:]) - 600) | {"history": history}
        if head == "notices":
            return {
                "items": [
                    self.alert(i)
                    | {
                        "isNotice": True,
                        "rule": "confinement",
                        "finding": self.finding("confinement"),
                    }
                    for i in range(3)
                ]
            }
        if head == "review":
            return {
                "items": [one for one in self.review() if query.get("kind") in (None, one["kind"])]
            }
        if head == "proposed-decisions":
            return {"items": self.proposals}
        if head == "bad-records":
            items = [
                {"stream": 1, "offset": 4711 + i, "class": c, "reason": why, "appendedAt": self.ago(hours=9 * i), "site": "s003", "agent": "s003-a", "state": ("open", "open", "replayed")[i]}
                for i, (c, why) in enumerate((("malformed", "value: not a Record"), ("clock", "record_id: time is 412 days before the log's"), ("newer", "schema_major 2 is not known")))
            ]  # fmt: skip
            return {"items": items}
        if head == "audit":
            items = [
                {"auditNo": 900 - i, "at": self.ago(minutes=7 * i), "actor": "hq-01", "role": "headquarters", "action": ("subject.view", "decide.verdict", "export.incidents")[i % 3], "purpose": ("handling", "judging", "legal")[i % 3], "object": f"record {uid(i)}", "sealed": i > 0}
                for i in range(12)
            ]  # fmt: skip
            return {"items": items}
        if head == "stats":
            return self.stats(rest)
        if head == "timeline":
            lines = (
                ("record", "s001-w007", "カスハラ報告を受け付けました。"),
                ("alert", "kasumori", "リピートを検知しました。"),
                ("view", "hq-01", "本部が閲覧しました(判定のため)。"),
                ("decision", "hq-01", "「カスハラに該当」と判定しました。"),
            )
            return [
                {
                    "at": self.ago(hours=20 - 4 * i),
                    "what": w,
                    "by": by,
                    "object": rest,
                    "reasons": {"ja": ja, "en": ja},
                }
                for i, (w, by, ja) in enumerate(lines)
            ]
        return None

    def decide(self, decision: dict) -> dict:
        if decision["kind"] in ("restrict", "confirm_person"):
            proposal = {
                "id": uid(800 + len(self.proposals)),
                "decision": decision,
                "madeBy": "hq-02",
                "madeAt": rfc(datetime.now(UTC)),
                "state": "open",
                "mayApprove": True,
            }
            self.proposals.append(proposal)
            return {"proposal": proposal["id"]}
        number = 42 + len(self.decisions)
        self.decisions.append(
            {
                "decisionNo": number, "kind": decision["kind"], "madeAt": rfc(datetime.now(UTC)), "madeBy": "hq-01", "reason": decision["reason"],
                "inForce": True, "pending": True, "value": decision.get("value"), "records": decision.get("records", []), "elements": decision.get("elements"),
            }
        )  # fmt: skip
        if decision["kind"] == "suppress":
            self.suppressed_by = number
        elif decision["kind"] == "revoke" and decision["revokes"] == self.suppressed_by:
            self.suppressed_by = None
        elif decision["kind"] == "pin_shared":
            self.shared = decision["value"] == "yes"
        elif decision["kind"] == "ack":
            self.acknowledged = True
        return {"decisionNo": number}


def problem(status: int, code: str) -> dict:
    titles = {
        "unauthenticated": ("サインインが必要です", "Please sign in"),
        "forbidden": ("この操作は許可されていません", "You may not do this"),
        "not_found": ("見つかりません", "Not found"),
        "party": ("この報告の当事者は判定できません", "A party to the report cannot judge it"),
        "unavailable": ("データベースに接続できません", "The database is away"),
        "wrong": ("アカウントまたはパスワードが違います", "Wrong account or password"),
    }
    ja, en = titles.get(code, (code, code))
    return {
        "type": "about:blank",
        "status": status,
        "code": code,
        "title": ja,
        "titles": {"ja": ja, "en": en},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World
    files: Path

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: object, kind: str = "application/json") -> None:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        if status >= 400:
            kind = "application/problem+json"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, code: str) -> None:
        self.reply(status, problem(status, code))

    def is_refused(self, path: str) -> bool:
        world = self.world
        if world.is_away:
            self.refuse(503, "unavailable")
            return True
        if not world.is_signed_in and path != "/session":
            self.refuse(401, "unauthenticated")
            return True
        for prefix, (status, code) in world.refused.items():
            if path.startswith(prefix):
                self.refuse(status, code)
                return True
        return False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if not parts.path.startswith("/v1/"):
            self.serve_file(parts.path)
            return
        path = unquote(parts.path[3:])
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.world.requests.append(("GET", path, query))
        if path == "/session" and not self.world.is_signed_in:
            self.refuse(401, "unauthenticated")
        elif self.is_refused(path):
            pass
        elif path == "/events":
            self.serve_events()
        elif path.startswith("/exports/"):
            self.reply(200, "﻿recordId\r\n".encode(), "text/csv; charset=utf-8")
        else:
            page = self.world.get(path, query)
            self.refuse(404, "not_found") if page is None else self.reply(200, page)

    def do_POST(self) -> None:
        path = unquote(urlsplit(self.path).path[3:])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        world = self.world
        world.requests.append(("POST", path, body))
        if path == "/session":
            if body["password"] != "correct horse":
                self.refuse(401, "wrong")
                return
            world.is_signed_in = True
            self.reply(200, world.get("/session", {}))
        elif path == "/session/end":
            world.is_signed_in = False
            self.reply(200, {})
        elif self.is_refused(path):
            pass
        elif path == "/decisions":
            if set(body.get("records", [])) & world.party_records and body["kind"] == "verdict":
                self.refuse(403, "party")
            else:
                self.reply(202, world.decide(body))
        elif path == "/decisions/bulk":
            done, refused = 0, []
            for index, one in enumerate(body["decisions"]):
                if set(one["records"]) & world.party_records:
                    refused.append({"index": index, "problem": problem(403, "party")})
                else:
                    world.decide(one)
                    done += 1
            self.reply(200, {"done": done, "refused": refused})
        elif path.endswith("/approve"):
            proposal = next(one for one in world.proposals if one["id"] in path)
            world.proposals.remove(proposal)
            world.decisions.append(
                {
                    "decisionNo": 42 + len(world.decisions),
                    "kind": proposal["decision"]["kind"],
                    "madeAt": rfc(datetime.now(UTC)),
                    "madeBy": "hq-02",
                    "secondBy": "hq-01",
                    "reason": body["reason"],
                    "inForce": True,
                    "pending": True,
                    "records": [],
                }
            )
            self.reply(202, {"decisionNo": 41 + len(world.decisions)})
        else:
            self.refuse(404, "not_found")

    def serve_file(self, path: str) -> None:
        file = self.files / ("index.html" if path == "/" else path[1:])
        if ".." in path or not file.is_file():
            self.refuse(404, "not_found")
            return
        self.reply(200, file.read_bytes(), TYPES[file.suffix])

    def serve_events(self) -> None:
        after = self.headers.get("Last-Event-ID")
        world, seen = self.world, int(after or len(self.world.events))
        world.requests.append(("EVENTS", "/events", {"after": after}))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(b": hello\n\n")
            self.wfile.flush()
            while not world.is_away:
                with world.lock:
                    world.lock.wait_for(
                        lambda seen=seen: len(world.events) > seen or world.is_away, 1
                    )
                    fresh = world.events[seen:]
                for number, name, data in fresh:
                    self.wfile.write(
                        f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()
                    )
                    seen = number
                self.wfile.write(b":\n\n")
                self.wfile.flush()
        except OSError:
            pass
        self.close_connection = True


class Fixture:
    def __init__(self, files: Path | None = None):
        self.world = World()
        handler = type(
            "Bound",
            (Handler,),
            {"world": self.world, "files": files or binaries().parent / "board"},
        )
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Fixture:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.world.is_away = True
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    with Fixture() as fixture:
        print(fixture.url, flush=True)
        while True:
            time.sleep(3600)

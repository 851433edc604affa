"""Section 3: what counts. Windows, episodes, findings, notices, and the watch list."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from tests.model.effective import meaning
from tests.model.facts import Facts


class Rules:
    def __init__(self, facts: Facts, holding: dict, identity, happenings):
        self.facts, self.holding = facts, holding
        self.identity, self.happenings = identity, happenings
        self.findings = []  # (rule, subject, matter, parts of the episode)
        self.notices = set()  # (rule, record, subject or None, matter)
        self.parts_of = defaultdict(list)  # subject -> all its parts
        self.counted = defaultdict(list)  # subject -> counted ones, in list order
        for occurrence in happenings.occurrences.values():
            for part in occurrence.parts:
                self.parts_of[part.subject].append(part)
                if occurrence.state == "open" and part.inward:
                    self.counted[part.subject].append(part)
        for subject, parts in self.counted.items():
            parts.sort(key=lambda part: part.order)
            self.judge(subject, [part for part in parts if part.incident])
            for matter in self.answered_matters(subject):
                self.judge_matter(subject, matter, parts)
        self.make_confinement_notices()

    def rules(self, window):
        """The rules of a window: those in force at the start of its last part, at its places."""
        return self.facts.rules_at(window[-1].start, window[-1].places)

    def judge(self, subject, parts):
        for rule, sizes, qualifies in (
            ("confinement", (1,), self.is_confinement),
            ("repetition", (3,), self.is_repetition),
            ("cross_site", (2,), self.is_cross_site),
            ("escalation", (2, 3), self.is_escalation),
        ):
            self.find(rule, subject, "", parts, windows(parts, sizes, qualifies))

    def is_confinement(self, window):
        return window[0].talk >= self.rules(window)["confinement_talk"]

    def is_repetition(self, window):
        return span(window) <= self.rules(window)["repetition_window"]

    def is_cross_site(self, window):
        rules = self.rules(window)
        sites = window[0].sites | window[1].sites
        return (
            span(window) <= rules["cross_site_window"] and len(sites) >= rules["cross_site_sites"]
        )

    def is_escalation(self, window):
        rules = self.rules(window)
        severities = [part.severity for part in window]
        if span(window) > rules["escalation_window"]:
            return False
        if len(window) == 2:
            return severities[1] is not None and severities[1] >= rules["escalation_severity"]
        return None not in severities and severities[0] < severities[1] < severities[2]

    # repeat_matter

    def final_answers(self, subject):
        """(matter, when) of the final answers that the firm gave in any part of the subject."""
        for part in self.parts_of[subject]:
            for record in part.records:
                for answer in record.answers:
                    if answer.get("final"):
                        named = answer.get("matter", "")
                        for matter in {named} if named else record.matters:
                            yield matter, answer.get("recorded_at", 0)

    def answered_matters(self, subject):
        return sorted({matter for matter, _ in self.final_answers(subject)})

    def judge_matter(self, subject, matter, counted):
        since = min(at for m, at in self.final_answers(subject) if m == matter)
        parts = [part for part in counted if matter in part.matters and part.start > since]

        def is_near(window):
            return span(window) <= self.rules(window)["matter_window"]

        near = windows(parts, (3,), is_near)
        with_incident = [w for w in near if any(parts[i].incident for i in w)]
        self.find("repeat_matter", subject, matter, parts, with_incident)
        for window in near:
            if window not in with_incident:
                contact = max(parts[window[-1]].inward, key=lambda record: record.order)
                self.notices.add(("repeat_matter", contact.id, subject, matter))

    # Notices, episodes, findings

    def make_confinement_notices(self):
        for occurrence in self.happenings.occurrences.values():
            if occurrence.state != "open" or any(r.is_incident for r in occurrence.records):
                continue
            for record in occurrence.records:
                place = {(record.site, record.channel)}
                long_enough = self.facts.rules_at(record.start, place)["confinement_talk"]
                if not record.is_anchor or record.is_outward:
                    continue
                if record.talk + record.hold >= long_enough:
                    tells = self.happenings.tells[record.id]
                    subject = next(iter(tells)) if len(tells) == 1 else None
                    self.notices.add(("confinement", record.id, subject, ""))

    def find(self, rule, subject, matter, parts, qualifying):
        """Each maximal union of qualifying windows that share a part is one finding."""
        episode = set()
        for window in sorted(qualifying):
            if episode and episode.isdisjoint(window):
                self.findings.append((rule, subject, matter, [parts[i] for i in sorted(episode)]))
                episode = set()
            episode |= set(window)
        if episode:
            self.findings.append((rule, subject, matter, [parts[i] for i in sorted(episode)]))

    def finding_id(self, rule, subject, matter, parts):
        mentions = [
            mention.key
            for record in parts[0].records
            for mention in self.happenings.mentions_of[record.id]
            if mention.subject == subject
        ]
        least = min(r.id for r in parts[0].records)
        record_id, ordinal = min(mentions, default=(least, 0))
        told = rule.encode() + b"\0" + matter.encode() + b"\0"
        told += bytes.fromhex(record_id) + ordinal.to_bytes(4, "big")
        return hashlib.sha256(told).digest()[:16].hex()


def span(window):
    return window[-1].start - window[0].start


def windows(parts, sizes, qualifies):
    """Index tuples of the qualifying windows of neighbours."""
    return [
        tuple(range(i, i + size))
        for size in sizes
        for i in range(len(parts) - size + 1)
        if qualifies(parts[i : i + size])
    ]


class Watch:
    """Who is watched at the greatest tick, who is left out and why, and who has joined."""

    def __init__(self, facts: Facts, holding: dict, identity):
        self.facts, self.holding, self.identity = facts, holding, identity
        self.entries = set()  # (decision, class, scope)
        self.reviews = set()  # (decision, class, reason)
        if facts.as_of is None:
            return
        self.protected = {
            identity.named_class(named)
            for decision in holding.values()
            if decision["kind"] == "not_listable"
            for named in decision.get("classes", [])
        }
        for no, decision in holding.items():
            if is_burden(decision) and decision["until"] >= facts.as_of:
                self.burden(no, decision)

    def burden(self, no, decision):
        named_classes = {self.identity.named_class(named) for named in decision["classes"]}
        scope = tuple(sorted(set(decision.get("scope", []))))
        for named in decision["classes"]:
            c = self.identity.named_class(named)
            node = self.identity.resolve_named(named)
            if node is None:
                if c in self.identity.runs:
                    self.reviews.add((no, c, "gone"))
                continue
            subject = self.identity.subject_nodes.get(node, ())
            reason = self.reason_against(c, named.get("at", 0), node, subject)
            if reason is None:
                self.entries.add((no, c, scope))
            else:
                self.reviews.add((no, c, reason))
            for other in {node[0] for node in subject} - named_classes:
                self.reviews.add((no, other, "joined"))

    def reason_against(self, c, at, node, subject):
        last = self.identity.last[node]
        if any(run[0] > last for run in self.identity.runs[c]):
            return "new_owner"
        if self.facts.as_of - max(at, last) > self.facts.linking.expiry(c[0]):
            return "expired"
        if node in self.identity.shared:
            return "shared"
        if c in self.protected or any(member[0] in self.protected for member in subject):
            return "not_listable"
        return None


def is_burden(decision):
    """A restriction or confirmation that can mean anything: an end and two different persons."""
    made_by, second_by = decision.get("made_by", ""), decision.get("second_by", "")
    return (
        decision["kind"] in ("restrict", "confirm_person")
        and bool(decision.get("until"))
        and bool(made_by and second_by)
        and made_by != second_by
    )


def is_inert(facts: Facts, identity, no, decision):
    """1.1: a decision that means nothing as the facts stand."""
    kind = decision["kind"]

    def knows(named):
        return bool(identity.starts.get(identity.named_class(named)))

    def knows_any():
        return any(knows(named) for named in decision.get("classes", []))

    if kind in ("verdict", "same_occurrence", "matter", "ack"):
        return all(meaning(facts, name) is None for name in decision.get("records", []))
    if kind == "link":
        return no not in identity.linked
    if kind == "suppress":
        pair = {identity.named_class(decision["a"]), identity.named_class(decision["b"])}
        return not any({a[0], b[0]} == pair for a, b in identity.edges)
    if kind == "pin_shared":
        return no not in identity.pinned
    if kind == "attach":
        return no not in identity.attached
    if kind in ("restrict", "confirm_person"):
        return not (is_burden(decision) and knows_any())
    if kind == "not_listable":
        return not knows_any()
    revoked = decision.get("no_revoked")
    return revoked not in facts.decisions or revoked >= no

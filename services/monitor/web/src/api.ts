// The monitor's answers, as the board reads them; services/monitor/openapi.yaml says the same in OpenAPI.
// Times are RFC 3339 in UTC with microseconds, days are JST days, ids are UUIDs, durations milliseconds.

export type Role = "site" | "supervisor" | "headquarters" | "privacy" | "admin";
export type Time = string;
export type Day = string;
export type Id = string;

export interface Problem {
    type: string;
    status: number;
    code: string; // stable: "unauthenticated", "forbidden", "not_found", "bad_parameter", "stale", …
    title: string; // in the language of Accept-Language
    titles: { ja: string; en: string };
    detail?: string;
    place?: string; // the parameter or member at fault
}

export interface Page<T> {
    items: T[];
    next?: string; // opaque cursor
}

// GET /v1/session, POST /v1/session {tenant, account, password}, POST /v1/session/end {}
export interface Session {
    tenant: string;
    account: string;
    name: string; // of the account, shown to its owner
    role: Role;
    sites: string[]; // role site and supervisor: theirs; empty: all
    expiresAt: Time;
    tokeniserUrl?: string; // headquarters' own agent, for typed look-ups
}

export interface Site {
    site: string;
    name: string;
    kind: "store" | "call_center" | "headquarters";
    trade: string;
    region: string;
    address?: string; // for the police sheet
    landmark?: string;
    openSince: Time;
    closedAt?: Time;
}

export interface AgentHealth {
    agent: string;
    site: string;
    state: "ok" | "silent" | "planned_off" | "refusing" | "never_seen";
    lastSeenAt?: Time;
    version?: string;
    waiting: number; // records accepted there, not yet at headquarters
    oldestWaitingAt?: Time;
    gaps: number; // missing sequences past the grace time
    clockSuspect: boolean;
    plannedOffUntil?: Time;
}

export interface Category {
    scheme: string;
    version: string;
    code: string; // "mhlw9:2022:abuse" where one string names it
    ja: string;
    en: string;
}

// GET /v1/now
export interface Now {
    at: Time;
    day: Day;
    behind: number; // records not yet correlated
    decisionNo: number; // of the last decision that the derived values hold
    sites: SiteNow[];
    categories: { category: string; incidents: number }[]; // today
    trend: { day: Day; contacts: number; incidents: number }[]; // 30 days, oldest first
    alerts: Alert[]; // newest 10 open ones
    agents: { total: number; silent: number; refusing: number; withGaps: number };
    toSee: number; // alerts nobody acknowledged, of the newest 200 open ones
    toJudge: number; // of the newest 1,000 incidents of 30 days
    openReviews: number; // further questions
}
export interface SiteNow {
    site: string;
    contacts: number; // today
    incidents: number;
    byCategory: { category: string; incidents: number }[];
    lastRecordAt?: Time;
    agents: AgentHealth[];
}

export type Verdict = "complaint" | "suspected" | "confirmed" | "rejected";
export type Standing = "open" | "judged" | "innocent" | "disputed";
export type Rule = "confinement" | "repetition" | "repeat_matter" | "cross_site" | "escalation";
export type Kind = "handle" | "member" | "account" | "phone" | "mail" | "vehicle" | "sns" | "name";
export type Channel =
    | "unknown"
    | "face_to_face"
    | "phone"
    | "visit"
    | "mail"
    | "chat"
    | "sns"
    | "other";
export type Tri = "yes" | "no" | "unknown";
// A subject's name in URLs and bodies: record id "." ordinal "." kind "." key id "." mac (32 hexadecimal digits),
// for example 0197….0.phone.1.0a1b…; any of a subject's names finds it, the page says the canonical one.

export interface RecordLine {
    recordId: Id;
    kind: "contact" | "incident";
    site: string;
    concernedSite: string;
    channel: Channel;
    direction: "none" | "inbound" | "outbound" | "internal";
    startAt: Time;
    endAt: Time;
    recordedAt: Time;
    categories: string[];
    matters: string[];
    outcome?: "connected" | "abandoned" | "busy" | "no_answer" | "failed";
    talkMs?: number;
    holdMs?: number;
    occurrence: Id;
    standing: Standing;
    verdict?: Verdict; // the newest in force that names it
}

// GET /v1/incidents?from&to&site&category&standing&verdict&judged=no|yes&q=matter&limit&cursor → Page<RecordLine>
// GET /v1/incidents/{recordId} (ETag) → RecordPage; words only for roles that may, audited with ?purpose=
export interface RecordPage extends RecordLine {
    // Free text of the record, its winning correction and its supplements; place: "incident.words[0]", "incident.demand",
    // "incident.trigger", "incident.offender.clothes", "incident.victim.injury", "incident.answers[0].text", …
    words?: { recordId: Id; place: string; text: string; saidAt?: Time; masked: number }[];
    wordsWithheld?: "role" | "purpose"; // no right to them; no ?purpose= was given
    demandReasonable?: Tri;
    firmAtFault?: Tri;
    stillPresent?: Tri;
    spot?: { till?: string; floor?: string; landmark?: string };
    measures: {
        kind:
            | "unspecified"
            | "person_changed"
            | "asked_to_stop"
            | "ordered_to_leave"
            | "final_warning"
            | "call_cut"
            | "refused"
            | "banned"
            | "apologised"
            | "other";
        count?: number;
        at?: Time;
    }[];
    police: {
        line: "unspecified" | "110" | "9110" | "station";
        station?: string;
        at?: Time;
        reportNumber?: string;
        evidenceHandedOver: boolean;
    }[];
    evidence: {
        uri: string;
        sha256?: string;
        mediaType?: string;
        notice?: "announced" | "consented" | "none";
        keepUntil?: Time;
    }[];
    victim?: {
        employment?: string;
        duty?: string;
        anonymityWanted: boolean;
        injured?: Tri;
        care?: "offered" | "taken" | "declined";
        followUpAt?: Time;
    };
    lossMinutes?: number;
    lossYen?: number;
    offender?: {
        kind?: string;
        count?: number;
        sex?: "female" | "male";
        ageFrom?: number;
        ageTo?: number;
    };
    retentionClass?: string;
    legalHold: boolean;
    answers: { recordId: Id; matter?: string; recordedAt: Time; final: boolean }[]; // no matter: all of the record's
    persons: PersonLine[];
    supplements: { recordId: Id; recordedAt: Time; state: "in_force" | "waiting" | "inert" }[];
    corrections: {
        recordId: Id;
        recordedAt: Time;
        state: "winner" | "loser" | "waiting" | "inert";
        replaces: string;
    }[];
    alerts: {
        alert: Id;
        rule: Rule;
        matter?: string;
        isNotice: boolean;
        state: Alert["state"];
        changedAt: Time;
        reasons?: { ja: string; en: string };
    }[]; // that rest on it now
    others: RecordLine[]; // witnesses: the other records of its occurrence
    decisions: DecisionLine[]; // that name it
    reporterIsYou: boolean; // then a verdict is refused
}
export interface PersonLine {
    ordinal: number;
    role: "subject" | "victim" | "witness" | "other";
    identifiers: {
        kind: Kind;
        assurance: "typed" | "carried" | "scanned" | "confirmed";
        links: boolean;
    }[];
    subject?: string; // name for /v1/subjects/{name}
    proposals: { subject: string }[]; // typed identifiers that point at somebody; attach in one click
}

export interface DecisionLine {
    decisionNo: number;
    kind: string;
    madeAt: Time;
    madeBy: string;
    secondBy?: string;
    reason: string;
    inForce: boolean;
    pending: boolean; // not yet in the derived values
    value?: string;
    records: Id[];
    elements?: Elements;
}
export interface Elements {
    act: boolean; // words or acts of a customer
    beyond: boolean; // beyond what society accepts
    harm: boolean; // harms the working environment
}

// GET /v1/occurrences/{occurrence}
export interface OccurrencePage {
    occurrence: Id;
    firstAt: Time;
    lastAt: Time;
    standing: Standing;
    records: (RecordLine & { reason: string; reasons: { ja: string; en: string } })[]; // why each belongs to it
    parts: {
        subject: string;
        hasIncident: boolean;
        counts: boolean;
        talkMs: number;
        severity?: number;
    }[];
}

// GET /v1/subjects/{name}?purpose= (audited)
export interface SubjectPage {
    name: string; // canonical
    classes: {
        label: string; // "電話 1", "phone 1": kind and a number within the page
        class: ClassName;
        kind: Kind;
        firstAt: Time;
        lastAt: Time;
        sightings: number;
        shared: boolean;
    }[];
    links: {
        a: string; // labels
        b: string;
        evidence: "machine" | "attached" | "decided";
        suppressed: boolean;
        recordId?: Id;
        decisionNo?: number;
        assuranceA?: string;
        assuranceB?: string;
        policyVersion: number;
        reasons: { ja: string; en: string };
    }[];
    overgrown: boolean;
    occurrences: Page<{
        occurrence: Id;
        startAt: Time;
        sites: string[];
        hasIncident: boolean;
        counts: boolean;
        standing: Standing;
        matters: string[];
        severity?: number;
        talkMs: number;
    }>;
    findings: Finding[];
    answers: { recordId: Id; matter?: string; recordedAt: Time; final: boolean; site: string }[];
    restrictions: {
        decisionNo: number;
        kind: "restrict" | "confirm_person";
        until: Time;
        scope: string[];
        class: string;
    }[];
    proposed: ProposedDecision[];
    sites: string[];
}
export interface ClassName {
    kind: Kind;
    keyId: number;
    mac: string; // 32 hexadecimal digits
    at: Time;
}

export interface Finding {
    finding: Id;
    rule: Rule;
    matter?: string;
    subject?: string;
    isNotice: boolean;
    firstAt: Time;
    lastAt: Time;
    occurrences: Id[];
    policyVersion: number;
    alert?: Id; // on a subject's page
    reasons: { ja: string; en: string }; // "3 reports within 30 days …"
}

// GET /v1/alerts?state&acknowledged&rule&site&limit&cursor → Page<Alert>;  GET /v1/alerts/{id};  GET /v1/notices → Page<Alert>
export interface Alert {
    alert: Id;
    rule: Rule;
    matter?: string;
    subject?: string;
    isNotice: boolean;
    state: "open" | "withdrawn" | "merged";
    changedAt: Time;
    change: "opened" | "extended" | "withdrawn" | "merged" | "reopened";
    reason: string;
    acknowledged: boolean;
    mergedInto?: Id;
    sites: string[];
    finding?: Finding;
    records: Id[];
    lines?: RecordLine[]; // single alert only: those of its records that the reader may see
    history?: { changeNo: number; change: string; at: Time; reason: string }[]; // single alert only
}

// GET /v1/review?kind&limit&cursor → Page<ReviewTask>
export interface ReviewTask {
    task: string;
    kind:
        | "suspected" // an incident without a verdict, or with "suspected"
        | "disputed" // verdicts of one occurrence contradict each other
        | "proposal" // a typed identifier points at somebody
        | "tells_nobody"
        | "joined"
        | "retracted"
        | "switchboard"
        | "watch" // reason: "joined", "gone", "new_owner", "expired", "shared", "not_listable"
        | "void_alias"
        | "class_conflict" // aliases contradict: of the first urgency
        | "inert_decision"
        | "inert_record";
    reason?: string; // of kind watch
    class?: ClassName;
    ordinal?: number; // of a proposal: which person of the record
    since?: Time; // absent: about tokens alone
    recordId?: Id;
    occurrence?: Id;
    decisionNo?: number;
    subject?: string;
    site?: string;
    channel?: Channel; // of suspected and disputed, as categories
    categories?: string[];
    reasons: { ja: string; en: string };
}

// GET /v1/bad-records?class&state&limit&cursor (roles headquarters, admin)
export interface BadRecord {
    stream: number;
    offset: number;
    class: string;
    reason: string;
    appendedAt: Time;
    site?: string;
    agent?: string;
    recordId?: Id;
    state: "open" | "replayed" | "dismissed";
}

// POST /v1/decisions (Idempotency-Key) → 202 {decisionNo}; restrict and confirm_person → 202 {proposal}
export interface NewDecision {
    kind:
        | "verdict"
        | "link"
        | "suppress"
        | "pin_shared"
        | "attach"
        | "same_occurrence"
        | "matter"
        | "restrict"
        | "confirm_person"
        | "not_listable"
        | "ack"
        | "revoke";
    reason: string;
    records?: Id[];
    classes?: ClassName[];
    value?: Verdict | "yes" | "no";
    elements?: Elements; // verdict: all three answered; confirmed needs all three true
    ordinal?: number; // attach
    handle?: string; // attach: subject's name to attach to, or absent for a new handle
    name?: string; // matter's name; ack's rule
    scope?: string[]; // sites; absent: the chain
    until?: Time;
    revokes?: number;
}
// GET /v1/proposed-decisions?state=open; POST /v1/proposed-decisions/{id}/approve {reason} | /withdraw {reason}
export interface ProposedDecision {
    id: Id;
    decision: NewDecision;
    madeBy: string;
    madeAt: Time;
    state: "open" | "approved" | "withdrawn" | "expired";
    decisionNo?: number;
    expiresAt: Time; // until then it may be approved
    mayApprove: boolean; // another account with the right
}
// POST /v1/decisions/bulk {decisions: NewDecision[] ≤ 100} → 200
export interface BulkAnswer {
    done: number;
    decided: { index: number; decisionNo: number }[];
    refused: { index: number; problem: Problem }[];
}

// GET /v1/stats/{measure}?from&to&site&trade&category&lang
export interface Stats {
    measure:
        | "trend"
        | "types"
        | "sites"
        | "hours"
        | "weekdays"
        | "trades"
        | "repeat"
        | "staff_minutes"
        | "verdict_time";
    from: Day;
    to: Day;
    rows: {
        key: string;
        label: { ja: string; en: string };
        contacts?: number;
        incidents?: number;
        value?: number;
        suppressed?: boolean;
    }[];
    total: { contacts?: number; incidents?: number; value?: number; suppressed?: boolean };
}

// GET /v1/lookup-history is not there: POST /v1/lookup (machine key) {tokens, purpose, callId, site}
export interface Lookup {
    state: "known" | "unknown";
    certainty: "same_number" | "same_person_confirmed"; // what the machine may say
    sharedNumber: boolean;
    contacts: number; // past ones, not judged
    lastContacts: {
        at: Time;
        site: string;
        channel: Channel;
        matters: string[];
        judged: boolean;
    }[]; // newest 10
    openMatters: { matter: string; since: Time }[];
    answers: { matter: string; at: Time; final: boolean; site: string }[];
    restrictions: { kind: "restrict" | "confirm_person"; until: Time; scope: string[] }[];
    subject?: string; // for the link into the board, only for accounts that may see it
}

// GET /v1/events (SSE): event: record | alert | decision | agent | behind; id: resume with Last-Event-ID
export interface RecordEvent {
    recordId: Id;
    kind: "contact" | "incident" | "supplement" | "correction";
    site: string;
    categories: string[];
    startAt: Time;
}
export interface AlertEvent {
    alert: Id;
    change: Alert["change"];
    rule: Rule;
    isNotice: boolean;
}
export interface DecisionEvent {
    decisionNo: number;
} // derived values hold all up to it
export interface AgentEvent {
    agent: string;
    site: string;
    state: AgentHealth["state"];
}
export interface BehindEvent {
    records: number;
}

// GET /v1/exports/incidents.{csv,ndjson}?filters as /v1/incidents, updated_since, purpose
// GET /v1/audit?from&to&actor&action&cursor (roles privacy, admin)
export interface AuditLine {
    auditNo: number;
    at: Time;
    actor: string;
    role: string;
    action: string;
    purpose: string;
    object: string;
    sealed: boolean;
}

// GET /v1/timeline/{recordId}: the case, oldest first
export interface TimelineLine {
    at: Time;
    what: "record" | "supplement" | "correction" | "decision" | "alert" | "view" | "export";
    by: string;
    object: string;
    reasons: { ja: string; en: string };
}
// GET /v1/categories → Category[];  GET /v1/policies → {version, effectiveFrom, isLinking, loadedBy, loadedAt}[]

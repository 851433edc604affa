// One record: what was said, who else saw it, who it is about as far as known, and what people decided.
import { useState } from "preact/hooks";
import type { PersonLine, RecordPage } from "../api";
import { useDecide } from "../lib/decide";
import { dateOnly, dateTime, duration, number } from "../lib/format";
import { givePurpose, PurposeDialog, usePurpose } from "../lib/purpose";
import { type Resource, useResource } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href } from "../lib/route";
import { useNames } from "../lib/session";
import {
    At,
    Await,
    Badge,
    CategoryTags,
    Panel,
    ReasonDialog,
    Title,
    VerdictBadge,
} from "../lib/ui";
import { pick, t, tCode } from "../lib/words";
import { DecisionTable } from "./decisions";
import { RecordTable } from "./incidents";
import { RecordVerdict } from "./verdict";

export function IncidentPage({ id }: { id: string }) {
    const purpose = usePurpose(id);
    const suffix = purpose === undefined ? "" : `?purpose=${encodeURIComponent(purpose)}`;
    const record = useResource<RecordPage>(`/incidents/${encodeURIComponent(id)}${suffix}`, [
        "decision",
    ]);
    return (
        <Await of={record}>
            {(data) => <Incident record={data} of={record} hasPurpose={purpose !== undefined} />}
        </Await>
    );
}

function Incident(props: { record: RecordPage; of: Resource<RecordPage>; hasPurpose: boolean }) {
    const { record } = props;
    const names = useNames();
    const mayDecide = useMayDecide();
    return (
        <>
            <Title
                text={`${t(`kind.${record.kind}`)}  ${names.site(record.concernedSite || record.site)}`}
            >
                <VerdictBadge verdict={record.verdict} standing={record.standing} />
                <span class="spring" />
                <nav class="links" aria-label={t("sheet.links")}>
                    <a href={href(`/sheet-police/${record.recordId}`)}>{t("sheet.police")}</a>
                    <a href={href(`/sheet-timeline/${record.recordId}`)}>{t("sheet.timeline")}</a>
                </nav>
            </Title>
            <div class="two">
                <div>
                    <WordsPanel record={record} hasPurpose={props.hasPurpose} />
                    <FactsPanel record={record} />
                    <PersonsPanel record={record} onDone={props.of.refresh} />
                </div>
                <div>
                    <AlertsPanel record={record} />
                    {mayDecide("verdict") && (
                        <Panel title={t("verdict.title")}>
                            {record.reporterIsYou ? (
                                <p class="kind-note">{t("verdict.party")}</p>
                            ) : (
                                <RecordVerdict
                                    record={record.recordId}
                                    etag={props.of.etag}
                                    onDone={props.of.refresh}
                                />
                            )}
                        </Panel>
                    )}
                    <Panel title={t("decisions.title")}>
                        <DecisionTable decisions={record.decisions} onDone={props.of.refresh} />
                    </Panel>
                    <ChangesPanel record={record} />
                </div>
            </div>
            <Panel
                title={t("incident.others")}
                note={t("incident.others.note")}
                actions={
                    <a href={href(`/occurrences/${record.occurrence}`)}>
                        {t("incident.occurrence")}
                    </a>
                }
            >
                {record.others.length === 0 ? (
                    <p class="empty">{t("incident.others.empty")}</p>
                ) : (
                    <RecordTable items={record.others} label={t("incident.others")} />
                )}
            </Panel>
        </>
    );
}

/** The way back: what was found because of this record. */
function AlertsPanel({ record }: { record: RecordPage }) {
    if (record.alerts.length === 0) return null;
    return (
        <Panel title={t("incident.alerts")} note={t("incident.alerts.note")}>
            <ul class="lines">
                {record.alerts.map((one) => (
                    <li key={one.alert}>
                        <a href={href(`/alerts/${one.alert}`)}>{tCode("rule", one.rule)}</a>{" "}
                        <Badge tone={one.state === "open" ? "attention" : "quiet"}>
                            {t(
                                one.isNotice && one.state === "open"
                                    ? "alerts.notices"
                                    : `alert.${one.state}`,
                            )}
                        </Badge>{" "}
                        {one.matter && <span>{one.matter} </span>}
                        <span class="reason">{pick(one.reasons)}</span>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

/** "incident.words[0]" → "words": what a person calls the place of a text. */
export function placeName(place: string): string {
    const path = place
        .replace(/\[\d+\]/g, "")
        .replace(/^(incident|contact|supplement|correction)\./, "");
    return tCode("place", path);
}

function WordsPanel({ record, hasPurpose }: { record: RecordPage; hasPurpose: boolean }) {
    const [isAsking, setAsking] = useState(false);
    const isRefused = record.wordsWithheld === "role";
    const words = record.words ?? [];
    return (
        <Panel title={t("words.title")} note={t("words.note")}>
            {isRefused && <p class="empty">{t("words.role")}</p>}
            {!isRefused && !hasPurpose && (
                <p>
                    <button type="button" onClick={() => setAsking(true)}>
                        {t("words.show")}
                    </button>{" "}
                    <span class="note">{t("words.audited")}</span>
                </p>
            )}
            {!isRefused && hasPurpose && words.length === 0 && (
                <p class="empty">{t("words.empty")}</p>
            )}
            {words.map((one) => (
                <figure key={`${one.recordId} ${one.place}`} class="words">
                    <blockquote>{one.text}</blockquote>
                    <figcaption class="note">
                        {placeName(one.place)}
                        {one.saidAt && (
                            <>
                                {" "}
                                <At at={one.saidAt} isFull />
                            </>
                        )}
                        {one.masked > 0 && ` ${t("words.masked", { n: one.masked })}`}
                    </figcaption>
                </figure>
            ))}
            {isAsking && (
                <PurposeDialog
                    onClose={() => setAsking(false)}
                    onGive={(purpose) => {
                        setAsking(false);
                        givePurpose(record.recordId, purpose);
                    }}
                />
            )}
        </Panel>
    );
}

type Told = string | false | undefined;

function joined(parts: Told[]): string {
    return parts.filter(Boolean).join("、");
}

export function spotText(record: RecordPage): string {
    const { spot } = record;
    return joined([
        spot?.floor && t("spot.floor", { n: spot.floor }),
        spot?.till && t("spot.till", { n: spot.till }),
        spot?.landmark,
    ]);
}

export function offenderText({ offender }: RecordPage): string {
    if (offender === undefined) return "";
    const { ageFrom, ageTo } = offender;
    return joined([
        offender.kind && tCode("offender", offender.kind),
        offender.count !== undefined && t("offender.count", { n: offender.count }),
        offender.sex && t(`sex.${offender.sex}`),
        ageFrom !== undefined && t("offender.age", { from: ageFrom, to: ageTo ?? "" }),
    ]);
}

function policeText({ police }: RecordPage): string {
    return police
        .map((one) =>
            joined([
                t(`police.${one.line}`),
                one.station,
                one.at && dateTime(one.at),
                one.reportNumber && t("police.number", { n: one.reportNumber }),
                one.evidenceHandedOver && t("police.evidence"),
            ]),
        )
        .join(" / ");
}

function victimText({ victim }: RecordPage): string {
    if (victim === undefined) return "";
    return joined([
        victim.employment && tCode("employment", victim.employment),
        victim.duty,
        victim.anonymityWanted && t("victim.anonymous"),
        victim.injured && t("victim.injured", { answer: t(`answer.${victim.injured}`) }),
        victim.care && t(`care.${victim.care}`),
        victim.followUpAt && t("care.followup", { d: dateOnly(victim.followUpAt) }),
    ]);
}

function FactsPanel({ record }: { record: RecordPage }) {
    const names = useNames();
    const isElsewhere = record.concernedSite !== "" && record.concernedSite !== record.site;
    const measures = record.measures.map(
        (one) => t(`measure.${one.kind}`) + (one.count ? ` ×${one.count}` : ""),
    );
    const facts: [name: string, value: preact.ComponentChildren][] = [
        [
            t("col.when"),
            <>
                <At at={record.startAt} isFull /> – <At at={record.endAt} isFull />
            </>,
        ],
        [t("fact.recorded"), <At key="at" at={record.recordedAt} isFull />],
        [t("col.site"), joined([names.site(record.site), spotText(record)])],
        [t("fact.concerned"), isElsewhere && names.site(record.concernedSite)],
        [
            t("fact.channel"),
            joined([
                tCode("channel", record.channel),
                record.outcome && t(`outcome.${record.outcome}`),
            ]),
        ],
        [
            t("col.category"),
            record.categories.length > 0 && <CategoryTags names={record.categories} />,
        ],
        [t("col.matter"), joined(record.matters)],
        [t("fact.talk"), !!record.talkMs && duration(record.talkMs)],
        [t("fact.hold"), !!record.holdMs && duration(record.holdMs)],
        [t("fact.reasonable"), record.demandReasonable && t(`answer.${record.demandReasonable}`)],
        [t("fact.fault"), record.firmAtFault && t(`fault.${record.firmAtFault}`)],
        [t("fact.measures"), joined(measures)],
        [t("fact.police"), policeText(record)],
        [t("fact.victim"), victimText(record)],
        [t("fact.offender"), offenderText(record)],
        [
            t("fact.loss"),
            joined([
                !!record.lossMinutes && t("time.minutes", { n: record.lossMinutes }),
                !!record.lossYen && t("fact.yen", { n: number(record.lossYen) }),
            ]),
        ],
        [t("fact.hold.legal"), record.legalHold && t("answer.yes")],
    ];
    return (
        <Panel title={t("fact.title")}>
            <dl class="facts">
                {facts
                    .filter(([, value]) => value)
                    .map(([name, value]) => (
                        <div key={name}>
                            <dt>{name}</dt>
                            <dd>{value}</dd>
                        </div>
                    ))}
            </dl>
            <AnswerLines record={record} />
            <EvidenceLines record={record} />
        </Panel>
    );
}

function AnswerLines({ record }: { record: RecordPage }) {
    if (record.answers.length === 0) return null;
    return (
        <>
            <h3>{t("answers.given")}</h3>
            <ul class="lines">
                {record.answers.map((one) => (
                    <li key={`${one.matter} ${one.recordedAt}`}>
                        <At at={one.recordedAt} isFull /> {one.matter ?? t("answers.whole")}{" "}
                        {one.final && <Badge>{t("answers.final")}</Badge>}
                    </li>
                ))}
            </ul>
        </>
    );
}

function EvidenceLines({ record }: { record: RecordPage }) {
    if (record.evidence.length === 0) return null;
    return (
        <>
            <h3>{t("evidence.title")}</h3>
            <ul class="lines">
                {record.evidence.map((one) => (
                    <li key={one.uri}>
                        <code>{one.uri}</code>{" "}
                        <span class="note">
                            {joined([
                                one.sha256 && `SHA-256 ${one.sha256.slice(0, 16)}…`,
                                one.notice && t(`evidence.${one.notice}`),
                                one.keepUntil &&
                                    t("evidence.until", { d: dateOnly(one.keepUntil) }),
                            ])}
                        </span>
                    </li>
                ))}
            </ul>
        </>
    );
}

function PersonsPanel({ record, onDone }: { record: RecordPage; onDone: () => void }) {
    return (
        <Panel title={t("persons.title")} note={t("persons.note")}>
            {record.persons.length === 0 && <p class="empty">{t("persons.empty")}</p>}
            <ul class="persons">
                {record.persons.map((person) => (
                    <Person key={person.ordinal} person={person} record={record} onDone={onDone} />
                ))}
            </ul>
        </Panel>
    );
}

function Person(props: { person: PersonLine; record: RecordPage; onDone: () => void }) {
    const { person, record } = props;
    const [attaching, setAttaching] = useState<{ subject: string | undefined }>();
    const [reason, setReason] = useState("");
    const { decide, isBusy, trouble } = useDecide();
    const mayAttach = useMayDecide()("attach") && person.role === "subject";

    async function attach(): Promise<void> {
        const isAccepted = await decide({
            kind: "attach",
            records: [record.recordId],
            ordinal: person.ordinal,
            handle: attaching?.subject,
            reason,
        });
        if (!isAccepted) return;
        setAttaching(undefined);
        setReason("");
        props.onDone();
    }

    return (
        <li>
            <strong>{t(`person.${person.role}`)}</strong>{" "}
            {person.identifiers.map((one, index) => (
                <Badge key={index} tone={one.links ? "plain" : "quiet"}>
                    {t(`identifier.${one.kind}`)}・{t(`assurance.${one.assurance}`)}
                </Badge>
            ))}
            {person.identifiers.length === 0 && <span class="note">{t("persons.nothing")}</span>}
            {person.subject && (
                <p>
                    <a href={href(`/subjects/${person.subject}`)}>{t("persons.subject")}</a>
                </p>
            )}
            {mayAttach &&
                person.proposals.map((one) => (
                    <p key={one.subject}>
                        <span>{t("attach.proposed")}</span>{" "}
                        <a href={href(`/subjects/${one.subject}`)}>{t("persons.subject")}</a>{" "}
                        <button
                            type="button"
                            class="small"
                            onClick={() => setAttaching({ subject: one.subject })}
                        >
                            {t("attach.action")}
                        </button>
                    </p>
                ))}
            {mayAttach && !person.subject && person.proposals.length === 0 && (
                <p>
                    <button
                        type="button"
                        class="small"
                        onClick={() => setAttaching({ subject: undefined })}
                    >
                        {t("attach.new")}
                    </button>
                </p>
            )}
            {attaching && (
                <ReasonDialog
                    title={t("attach.title")}
                    action={t("attach.action")}
                    isBusy={isBusy}
                    trouble={trouble}
                    reason={reason}
                    onReason={setReason}
                    onClose={() => setAttaching(undefined)}
                    onSubmit={() => void attach()}
                >
                    <p class="note">{t("attach.note")}</p>
                </ReasonDialog>
            )}
        </li>
    );
}

function ChangesPanel({ record }: { record: RecordPage }) {
    if (record.supplements.length + record.corrections.length === 0) return null;
    return (
        <Panel title={t("changes.title")}>
            <ul class="lines">
                {record.supplements.map((one) => (
                    <li key={one.recordId}>
                        <At at={one.recordedAt} isFull /> {t("changes.supplement")}{" "}
                        <Badge tone="quiet">{t(`change.${one.state}`)}</Badge>
                    </li>
                ))}
                {record.corrections.map((one) => (
                    <li key={one.recordId}>
                        <At at={one.recordedAt} isFull /> {t("changes.correction")}{" "}
                        <Badge tone="quiet">{t(`change.${one.state}`)}</Badge>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

// 相手方: what the machine holds together, and why, and everything a person may undo.
import { useState } from "preact/hooks";
import type { NewDecision, SubjectPage as Subject } from "../api";
import { useDecide } from "../lib/decide";
import { dateOnly, duration } from "../lib/format";
import { Table } from "../lib/list";
import { givePurpose, PurposeForm, usePurpose } from "../lib/purpose";
import { type Resource, useResource } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href } from "../lib/route";
import { type Names, useNames } from "../lib/session";
import { At, Await, Badge, Panel, ReasonDialog, Title } from "../lib/ui";
import { pick, t, tCode } from "../lib/words";
import { policyText } from "./alerts";
import { Revoke } from "./decisions";
import { Proposals } from "./proposals";
import { RestrictForm } from "./restrict";

export function SubjectPage({ name }: { name: string }) {
    const purpose = usePurpose(name);
    const path =
        purpose === undefined
            ? null
            : `/subjects/${encodeURIComponent(name)}?purpose=${encodeURIComponent(purpose)}`;
    const subject = useResource<Subject>(path, ["decision"]);
    return (
        <>
            <Title text={t("subject.title")}>
                <span class="spring" />
                {purpose !== undefined && (
                    <nav class="links" aria-label={t("sheet.links")}>
                        <a href={href(`/sheet-answers/${name}`)}>{t("sheet.answers")}</a>
                    </nav>
                )}
            </Title>
            {purpose === undefined ? (
                <Panel title={t("purpose.ask")}>
                    <PurposeForm onGive={(given) => givePurpose(name, given)} />
                </Panel>
            ) : (
                <Await of={subject}>{(data) => <Person subject={data} of={subject} />}</Await>
            )}
        </>
    );
}

type Act = { title: string; action: string; decision: Omit<NewDecision, "reason">; note?: string };

function Person({ subject, of }: { subject: Subject; of: Resource<Subject> }) {
    const names = useNames();
    const may = useMayDecide();
    const mayDecide = may("suppress");
    const [act, setAct] = useState<Act>();
    const [revoking, setRevoking] = useState<{ decisionNo: number; kind: string }>();
    return (
        <>
            <p class="note">{t("subject.note")}</p>
            {subject.overgrown && <p class="kind-note">{t("subject.overgrown")}</p>}
            <div class="two">
                <div>
                    <FindingsPanel subject={subject} names={names} />
                    <OccurrencesPanel subject={subject} names={names} />
                    <AnswersPanel subject={subject} names={names} />
                </div>
                <div>
                    <ClassesPanel subject={subject} mayDecide={mayDecide} onAct={setAct} />
                    <LinksPanel
                        subject={subject}
                        mayDecide={mayDecide}
                        onAct={setAct}
                        onRevoke={setRevoking}
                    />
                    <RestrictionsPanel
                        subject={subject}
                        names={names}
                        mayDecide={mayDecide}
                        of={of}
                        onRevoke={setRevoking}
                    />
                </div>
            </div>
            {act && <ActDialog act={act} onClose={() => setAct(undefined)} onDone={of.refresh} />}
            {revoking && (
                <Revoke
                    decision={revoking}
                    onClose={() => setRevoking(undefined)}
                    onDone={of.refresh}
                />
            )}
        </>
    );
}

function ActDialog(props: { act: Act; onClose: () => void; onDone: () => void }) {
    const [reason, setReason] = useState("");
    const { decide, isBusy, trouble } = useDecide();

    async function send(): Promise<void> {
        if (!(await decide({ ...props.act.decision, reason }))) return;
        props.onClose();
        props.onDone();
    }

    return (
        <ReasonDialog
            title={props.act.title}
            action={props.act.action}
            isBusy={isBusy}
            trouble={trouble}
            reason={reason}
            onReason={setReason}
            onClose={props.onClose}
            onSubmit={() => void send()}
        >
            {props.act.note && <p class="note">{props.act.note}</p>}
        </ReasonDialog>
    );
}

function FindingsPanel({ subject, names }: { subject: Subject; names: Names }) {
    return (
        <Panel title={t("finding.title")} note={names.siteList(subject.sites)}>
            {subject.findings.length === 0 && <p class="empty">{t("finding.empty")}</p>}
            <ul class="lines">
                {subject.findings.map((one) => (
                    <li key={one.finding}>
                        {one.alert ? (
                            <a href={href(`/alerts/${one.alert}`)}>{tCode("rule", one.rule)}</a>
                        ) : (
                            tCode("rule", one.rule)
                        )}{" "}
                        {one.isNotice && <Badge tone="quiet">{t("alerts.notices")}</Badge>}{" "}
                        {one.matter && <span>{one.matter} </span>}
                        <span class="reason">{pick(one.reasons)}</span>{" "}
                        <span class="note">
                            <At at={one.firstAt} isFull /> – <At at={one.lastAt} isFull />
                        </span>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

function OccurrencesPanel({ subject, names }: { subject: Subject; names: Names }) {
    const items = subject.occurrences.items;
    return (
        <Panel title={t("subject.occurrences")} note={t("list.shown", { n: items.length })}>
            {items.length === 0 ? (
                <p class="empty">{t("subject.occurrences.empty")}</p>
            ) : (
                <Table
                    label={t("subject.occurrences")}
                    items={items}
                    keyOf={(one) => one.occurrence}
                    columns={[
                        {
                            head: t("col.when"),
                            cell: (one) => (
                                <a href={href(`/occurrences/${one.occurrence}`)}>
                                    <At at={one.startAt} isFull />
                                </a>
                            ),
                        },
                        { head: t("col.site"), cell: (one) => names.siteList(one.sites) },
                        {
                            head: t("col.matter"),
                            cell: (one) => (
                                <>
                                    {one.matters.join("、") || "—"}
                                    {one.talkMs > 0 && (
                                        <span class="note">
                                            {" "}
                                            {t("fact.spent")} {duration(one.talkMs)}
                                        </span>
                                    )}
                                </>
                            ),
                        },
                        {
                            head: t("col.verdict"),
                            cell: (one) => (
                                <Badge tone={one.standing === "disputed" ? "attention" : "quiet"}>
                                    {t(
                                        one.hasIncident
                                            ? `standing.${one.standing}`
                                            : "kind.contact",
                                    )}
                                </Badge>
                            ),
                        },
                        {
                            head: t("col.counts"),
                            cell: (one) => t(one.counts ? "counts.yes" : "counts.no"),
                        },
                    ]}
                />
            )}
        </Panel>
    );
}

function AnswersPanel({ subject, names }: { subject: Subject; names: Names }) {
    return (
        <Panel
            title={t("answers.given")}
            actions={<a href={href(`/sheet-answers/${subject.name}`)}>{t("sheet.print")}</a>}
        >
            {subject.answers.length === 0 && <p class="empty">{t("answers.empty")}</p>}
            <ul class="lines">
                {subject.answers.map((one) => (
                    <li key={`${one.recordId} ${one.matter}`}>
                        <a href={href(`/incidents/${one.recordId}`)}>
                            <At at={one.recordedAt} isFull />
                        </a>{" "}
                        {names.site(one.site)} {one.matter ?? t("answers.whole")}{" "}
                        {one.final && <Badge>{t("answers.final")}</Badge>}
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

function ClassesPanel(props: { subject: Subject; mayDecide: boolean; onAct: (act: Act) => void }) {
    const { subject } = props;
    const mayKeepOff = useMayDecide()("not_listable");
    return (
        <Panel title={t("classes.title")} note={t("classes.note")}>
            <ul class="lines">
                {subject.classes.map((one) => (
                    <li key={one.label}>
                        <strong>{one.label}</strong>{" "}
                        {one.shared && <Badge tone="attention">{t("classes.shared")}</Badge>}{" "}
                        <span class="note">
                            {t("classes.seen", { n: one.sightings })} <At at={one.firstAt} isFull />{" "}
                            – <At at={one.lastAt} isFull />
                        </span>
                        {props.mayDecide && one.kind === "phone" && (
                            <button
                                type="button"
                                class="small"
                                onClick={() =>
                                    props.onAct({
                                        title: t(one.shared ? "pin.title.no" : "pin.title.yes", {
                                            label: one.label,
                                        }),
                                        action: t(one.shared ? "pin.no" : "pin.yes"),
                                        note: t("pin.note"),
                                        decision: {
                                            kind: "pin_shared",
                                            classes: [one.class],
                                            value: one.shared ? "no" : "yes",
                                        },
                                    })
                                }
                            >
                                {t(one.shared ? "pin.no" : "pin.yes")}
                            </button>
                        )}
                    </li>
                ))}
            </ul>
            {mayKeepOff && subject.classes.length > 0 && (
                <p>
                    <button
                        type="button"
                        class="quiet small"
                        onClick={() =>
                            props.onAct({
                                title: t("unlistable.title"),
                                action: t("unlistable.action"),
                                note: t("unlistable.note"),
                                decision: {
                                    kind: "not_listable",
                                    classes: subject.classes.map((one) => one.class),
                                },
                            })
                        }
                    >
                        {t("unlistable.action")}
                    </button>
                </p>
            )}
        </Panel>
    );
}

type Link = Subject["links"][number];

interface LinkPair {
    key: string;
    a: string;
    b: string;
    isSuppressed: boolean;
    links: Link[];
}

/** Two identifiers are held together once, for however many reasons; they are unlinked once, too. */
function pairsOf(links: readonly Link[]): LinkPair[] {
    const pairs = new Map<string, LinkPair>();
    for (const one of links) {
        const key = JSON.stringify([one.a, one.b, one.suppressed]);
        const pair = pairs.get(key) ?? {
            key,
            a: one.a,
            b: one.b,
            isSuppressed: one.suppressed,
            links: [],
        };
        pair.links.push(one);
        pairs.set(key, pair);
    }
    return [...pairs.values()];
}

function Pair(props: {
    pair: LinkPair;
    mayDecide: boolean;
    onUnlink: () => void;
    onRelink: (decisionNo: number) => void;
}) {
    const { pair } = props;
    const decisionNo = pair.links.find((one) => one.decisionNo !== undefined)?.decisionNo;
    return (
        <li class={pair.isSuppressed ? "off" : ""}>
            <p>
                <strong>{pair.a}</strong> ⇔ <strong>{pair.b}</strong>{" "}
                {pair.isSuppressed && <Badge tone="attention">{t("links.off")}</Badge>}
            </p>
            {pair.links.map((one) => (
                <p key={`${one.recordId} ${one.decisionNo}`}>
                    <Badge tone="quiet">{t(`evidence.${one.evidence}`)}</Badge>{" "}
                    <span class="reason">{pick(one.reasons)}</span>{" "}
                    <span class="note">
                        {one.recordId && (
                            <a href={href(`/incidents/${one.recordId}`)}>{t("links.record")}</a>
                        )}{" "}
                        {policyText(one.policyVersion)}
                    </span>
                </p>
            ))}
            {props.mayDecide && !pair.isSuppressed && (
                <button type="button" class="small" onClick={props.onUnlink}>
                    {t("unlink.action")}
                </button>
            )}
            {props.mayDecide && pair.isSuppressed && decisionNo !== undefined && (
                <button type="button" class="small" onClick={() => props.onRelink(decisionNo)}>
                    {t("relink.action")}
                </button>
            )}
        </li>
    );
}

function LinksPanel(props: {
    subject: Subject;
    mayDecide: boolean;
    onAct: (act: Act) => void;
    onRevoke: (decision: { decisionNo: number; kind: string }) => void;
}) {
    const { subject } = props;
    const classOf = (label: string) => subject.classes.find((one) => one.label === label)?.class;

    function unlink(a: string, b: string): void {
        const [first, second] = [classOf(a), classOf(b)];
        if (first === undefined || second === undefined) return;
        props.onAct({
            title: t("unlink.title", { a, b }),
            action: t("unlink.action"),
            note: t("unlink.note"),
            decision: { kind: "suppress", classes: [first, second] },
        });
    }

    return (
        <Panel title={t("links.title")} note={t("links.note")}>
            {subject.links.length === 0 && <p class="empty">{t("links.empty")}</p>}
            <ul class="link-list">
                {pairsOf(subject.links).map((pair) => (
                    <Pair
                        key={pair.key}
                        pair={pair}
                        mayDecide={props.mayDecide}
                        onUnlink={() => unlink(pair.a, pair.b)}
                        onRelink={(decisionNo) => props.onRevoke({ decisionNo, kind: "suppress" })}
                    />
                ))}
            </ul>
        </Panel>
    );
}

function RestrictionsPanel(props: {
    subject: Subject;
    names: Names;
    mayDecide: boolean;
    of: Resource<Subject>;
    onRevoke: (decision: { decisionNo: number; kind: string }) => void;
}) {
    const { subject, names, of } = props;
    const [isProposing, setProposing] = useState(false);
    return (
        <Panel title={t("restrict.title")} note={t("restrict.two")}>
            {subject.restrictions.length === 0 && <p class="empty">{t("restrict.empty")}</p>}
            <ul class="lines">
                {subject.restrictions.map((one) => (
                    <li key={one.decisionNo}>
                        <Badge>{t(`decision.${one.kind}`)}</Badge>{" "}
                        {t("restrict.until", { d: dateOnly(one.until) })}{" "}
                        <span class="note">
                            {one.scope.length === 0
                                ? t("restrict.chain")
                                : names.siteList(one.scope)}{" "}
                            {one.class}
                        </span>
                        {props.mayDecide && (
                            <button
                                type="button"
                                class="quiet small"
                                onClick={() => props.onRevoke(one)}
                            >
                                {t("restrict.end")}
                            </button>
                        )}
                    </li>
                ))}
            </ul>
            {subject.proposed.length > 0 && (
                <Proposals proposals={subject.proposed} onDone={of.refresh} />
            )}
            {props.mayDecide && !isProposing && (
                <p>
                    <button type="button" onClick={() => setProposing(true)}>
                        {t("restrict.propose")}
                    </button>
                </p>
            )}
            {isProposing && (
                <RestrictForm
                    subject={subject}
                    onClose={() => setProposing(false)}
                    onDone={() => {
                        setProposing(false);
                        of.refresh();
                    }}
                />
            )}
        </Panel>
    );
}

// 相手方: what the machine holds together, and why, and everything a person may undo.
import { useState } from "preact/hooks";
import type { NewDecision, Page, ProposedDecision, SubjectPage as Subject } from "../api";
import { useDecide } from "../lib/decide";
import { dateOnly, duration } from "../lib/format";
import { givePurpose, PurposeForm, usePurpose } from "../lib/purpose";
import { type Resource, useResource } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href } from "../lib/route";
import { type Names, useNames, useRole } from "../lib/session";
import { At, Await, Badge, Panel, ReasonDialog, Title } from "../lib/ui";
import { pick, t, tCode } from "../lib/words";
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
        <Panel title={t("finding.title")} note={subject.sites.map(names.site).join("・")}>
            {subject.findings.length === 0 && <p class="empty">{t("finding.empty")}</p>}
            <ul class="lines">
                {subject.findings.map((one) => (
                    <li key={one.finding}>
                        <Badge tone={one.isNotice ? "quiet" : "attention"}>
                            {tCode("rule", one.rule)}
                        </Badge>{" "}
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
                <div class="scroll" tabIndex={0} role="group" aria-label={t("subject.occurrences")}>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{t("col.when")}</th>
                                <th scope="col">{t("col.site")}</th>
                                <th scope="col">{t("col.matter")}</th>
                                <th scope="col">{t("col.standing")}</th>
                                <th scope="col">{t("col.counts")}</th>
                            </tr>
                        </thead>
                        <tbody>
                            {items.map((one) => (
                                <tr key={one.occurrence}>
                                    <td>
                                        <a href={href(`/occurrences/${one.occurrence}`)}>
                                            <At at={one.startAt} isFull />
                                        </a>
                                    </td>
                                    <td>{one.sites.map(names.site).join("・")}</td>
                                    <td>
                                        {one.matters.join("、") || "—"}
                                        {one.talkMs > 0 && (
                                            <span class="note"> {duration(one.talkMs)}</span>
                                        )}
                                    </td>
                                    <td>
                                        <Badge
                                            tone={
                                                one.standing === "disputed" ? "attention" : "quiet"
                                            }
                                        >
                                            {t(
                                                one.hasIncident
                                                    ? `standing.${one.standing}`
                                                    : "kind.contact",
                                            )}
                                        </Badge>
                                    </td>
                                    <td>{t(one.counts ? "answer.yes" : "answer.no")}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
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
                {subject.links.map((one) => (
                    <li
                        key={`${one.a} ${one.b} ${one.recordId} ${one.decisionNo}`}
                        class={one.suppressed ? "off" : ""}
                    >
                        <p>
                            <strong>{one.a}</strong> ⇔ <strong>{one.b}</strong>{" "}
                            <Badge tone="quiet">{t(`evidence.${one.evidence}`)}</Badge>
                            {one.suppressed && <Badge tone="attention">{t("links.off")}</Badge>}
                        </p>
                        <p class="reason">{pick(one.reasons)}</p>
                        <p class="note">
                            {one.recordId && (
                                <a href={href(`/incidents/${one.recordId}`)}>{t("links.record")}</a>
                            )}{" "}
                            {t("links.policy", { n: one.policyVersion })}
                        </p>
                        {props.mayDecide && !one.suppressed && (
                            <button
                                type="button"
                                class="small"
                                onClick={() => unlink(one.a, one.b)}
                            >
                                {t("unlink.action")}
                            </button>
                        )}
                        {props.mayDecide && one.suppressed && one.decisionNo !== undefined && (
                            <button
                                type="button"
                                class="small"
                                onClick={() =>
                                    props.onRevoke({
                                        decisionNo: one.decisionNo ?? 0,
                                        kind: "suppress",
                                    })
                                }
                            >
                                {t("relink.action")}
                            </button>
                        )}
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

function isAbout(proposal: ProposedDecision, subject: Subject): boolean {
    const macs = subject.classes.map((one) => one.class.mac);
    return (proposal.decision.classes ?? []).some((one) => macs.includes(one.mac));
}

function RestrictionsPanel(props: {
    subject: Subject;
    names: Names;
    mayDecide: boolean;
    of: Resource<Subject>;
    onRevoke: (decision: { decisionNo: number; kind: string }) => void;
}) {
    const { subject, names } = props;
    const [isProposing, setProposing] = useState(false);
    const role = useRole();
    const isAsked = role === "headquarters" || role === "privacy";
    const proposals = useResource<Page<ProposedDecision>>(
        isAsked ? "/proposed-decisions?state=open" : null,
        ["decision"],
    );
    const open = (proposals.data?.items ?? []).filter((one) => isAbout(one, subject));
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
                                : one.scope.map(names.site).join("・")}{" "}
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
            {open.length > 0 && <Proposals proposals={open} onDone={proposals.refresh} />}
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
                        proposals.refresh();
                    }}
                />
            )}
        </Panel>
    );
}

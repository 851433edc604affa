// What a rule says about a subject (alerts) or about one contact (notices), and who has seen it.
import { useState } from "preact/hooks";
import type { Alert } from "../api";
import { useDecide } from "../lib/decide";
import { FilterForm, SiteSelect, useFilters } from "../lib/filters";
import { ListPanel, Table } from "../lib/list";
import { usePages, useResource } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href, useRoute } from "../lib/route";
import { useNames } from "../lib/session";
import { At, Await, Badge, Panel, ReasonDialog, Select, Title } from "../lib/ui";
import { pick, t, tCode } from "../lib/words";
import { RecordTable } from "./incidents";

const RULES = ["confinement", "repetition", "repeat_matter", "cross_site", "escalation"] as const;
/** As people tell them apart: what nobody has seen yet is another state than what is seen. */
const STATES = {
    open: { state: "open", acknowledged: "no" },
    acknowledged: { state: "open", acknowledged: "yes" },
    withdrawn: { state: "withdrawn" },
    merged: { state: "merged" },
} as const;
type State = keyof typeof STATES;
const EVENTS = ["alert", "decision"] as const;

export function AlertsPage() {
    const isNotices = useRoute().params.get("show") === "notices";
    const { values, field, clear } = useFilters(["state", "rule", "site"]);
    const state = STATES[values.state as State] ?? { state: values.state };
    const pages = usePages<Alert>(
        isNotices ? "/notices" : "/alerts",
        { ...values, ...state },
        EVENTS,
    );
    const kind = isNotices ? "notices" : "alerts";
    return (
        <>
            <Title text={t("alerts.title")} />
            <nav class="tabs" aria-label={t("alerts.title")}>
                <a href={href("/alerts")} aria-current={isNotices ? undefined : "page"}>
                    {t("alerts.alerts")}
                </a>
                <a
                    href={href("/alerts", { show: "notices" })}
                    aria-current={isNotices ? "page" : undefined}
                >
                    {t("alerts.notices")}
                </a>
            </nav>
            <FilterForm onClear={clear}>
                <Select
                    label={t("col.state")}
                    any={t("filter.any")}
                    choices={(Object.keys(STATES) as State[]).map((one) => [
                        one,
                        t(`alert.${one}`),
                    ])}
                    {...field("state")}
                />
                <Select
                    label={t("col.rule")}
                    any={t("filter.any")}
                    choices={RULES.map((one) => [one, t(`rule.${one}`)])}
                    {...field("rule")}
                />
                <SiteSelect {...field("site")} />
            </FilterForm>
            <ListPanel
                title={t(`alerts.${kind}`)}
                note={t(`alerts.${kind}.note`)}
                of={pages}
                empty="alerts.empty"
            >
                {(items) => <AlertTable items={items} onDone={pages.refresh} />}
            </ListPanel>
        </>
    );
}

function AlertTable(props: { items: readonly Alert[]; onDone: () => void }) {
    const names = useNames();
    return (
        <Table
            label={t("alerts.title")}
            items={props.items}
            keyOf={(one) => one.alert}
            columns={[
                {
                    head: t("alerts.when"),
                    cell: (one) => (
                        <a href={href(`/alerts/${one.alert}`)}>
                            <At at={one.changedAt} />
                        </a>
                    ),
                },
                {
                    head: t("col.rule"),
                    cell: (one) => (
                        <>
                            {tCode("rule", one.rule)}
                            {one.matter && <span class="note"> {one.matter}</span>}
                        </>
                    ),
                },
                { head: t("col.site"), cell: (one) => names.siteList(one.sites) },
                { head: t("col.why"), class: "reason", cell: reasonOf },
                {
                    head: t("col.state"),
                    cell: (one) => (
                        <>
                            <AlertState alert={one} />
                            <Acknowledge alert={one} onDone={props.onDone} />
                        </>
                    ),
                },
            ]}
        />
    );
}

/** An alert that is over has no finding; its last change says why. */
export function reasonOf(alert: Alert): string {
    return pick(alert.finding?.reasons) || alert.reason || t(`alertchange.${alert.change}`);
}

function AlertState({ alert }: { alert: Alert }) {
    if (alert.state === "open" && alert.acknowledged)
        return <Badge tone="good">{t("alert.acknowledged")}</Badge>;
    return (
        <Badge tone={alert.state === "open" ? "attention" : "quiet"}>
            {t(`alert.${alert.state}`)}
        </Badge>
    );
}

function Acknowledge(props: { alert: Alert; onDone: () => void }) {
    const { alert } = props;
    const mayDecide = useMayDecide();
    const [isAsking, setAsking] = useState(false);
    const [reason, setReason] = useState("");
    const { decide, isBusy, trouble } = useDecide();
    if (alert.state !== "open" || alert.acknowledged || !mayDecide("ack")) return null;

    async function send(): Promise<void> {
        const isAccepted = await decide({
            kind: "ack",
            name: alert.rule,
            records: alert.records,
            reason,
        });
        if (!isAccepted) return;
        setAsking(false);
        props.onDone();
    }

    return (
        <>
            {" "}
            <button type="button" class="small" onClick={() => setAsking(true)}>
                {t("alert.ack")}
            </button>
            {isAsking && (
                <ReasonDialog
                    title={t("alert.ack.title")}
                    action={t("alert.ack")}
                    isBusy={isBusy}
                    trouble={trouble}
                    reason={reason}
                    onReason={setReason}
                    onClose={() => setAsking(false)}
                    onSubmit={() => void send()}
                />
            )}
        </>
    );
}

export function AlertPage({ id }: { id: string }) {
    const alert = useResource<Alert>(`/alerts/${encodeURIComponent(id)}`, EVENTS);
    return (
        <>
            <Title text={t("alert.title")} />
            <Await of={alert}>{(data) => <Whole alert={data} onDone={alert.refresh} />}</Await>
        </>
    );
}

function Whole({ alert, onDone }: { alert: Alert; onDone: () => void }) {
    const lines = alert.lines ?? [];
    const hidden = alert.records.length - lines.length;
    return (
        <>
            <WhyPanel alert={alert} onDone={onDone} />
            <Panel title={t("alert.rests")} note={t("alert.rests.note", { n: lines.length })}>
                <RecordTable items={lines} label={t("alert.rests")} />
                {hidden > 0 && <p class="note">{t("alert.hidden", { n: hidden })}</p>}
            </Panel>
            <Panel title={t("alert.history")}>
                <ol class="lines">
                    {(alert.history ?? []).map((one) => (
                        <li key={one.changeNo}>
                            <At at={one.at} isFull /> {tCode("alertchange", one.change)}{" "}
                            <span class="note">{one.reason}</span>
                        </li>
                    ))}
                </ol>
            </Panel>
        </>
    );
}

/** What was found, what the rule looks for, and what to do now. */
function WhyPanel({ alert, onDone }: { alert: Alert; onDone: () => void }) {
    const names = useNames();
    const mayDecide = useMayDecide();
    const { finding } = alert;
    return (
        <Panel title={tCode("rule", alert.rule)} note={names.siteList(alert.sites)}>
            <p class="lead">{reasonOf(alert)}</p>
            <p class="note">{tCode("ruleabout", alert.rule)}</p>
            <p>
                <AlertState alert={alert} />
                <Acknowledge alert={alert} onDone={onDone} />
            </p>
            {alert.state === "open" && !alert.acknowledged && mayDecide("ack") && (
                <p class="note">{t("alert.next")}</p>
            )}
            <ul class="lines">
                {alert.subject && (
                    <li>
                        <a href={href(`/subjects/${alert.subject}`)}>{t("persons.subject")}</a>
                    </li>
                )}
                {alert.mergedInto && (
                    <li>
                        <a href={href(`/alerts/${alert.mergedInto}`)}>{t("alert.into")}</a>
                    </li>
                )}
                {finding && (
                    <li class="note">
                        {t("alert.span")} <At at={finding.firstAt} isFull /> –{" "}
                        <At at={finding.lastAt} isFull /> {policyText(finding.policyVersion)}
                    </li>
                )}
            </ul>
        </Panel>
    );
}

export function policyText(version: number): string {
    return version === 0 ? t("links.policy.standard") : t("links.policy", { n: version });
}

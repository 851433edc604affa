// What a rule says about a subject (alerts) or about one contact (notices), and who has seen it.
import { useState } from "preact/hooks";
import type { Alert } from "../api";
import { useDecide } from "../lib/decide";
import { usePages, useResource } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href, setParams, useRoute } from "../lib/route";
import { useNames } from "../lib/session";
import { At, Await, Badge, More, Panel, ReasonDialog, Select, Title } from "../lib/ui";
import { pick, t, tCode } from "../lib/words";
import { SiteSelect } from "./incidents";

const RULES = ["confinement", "repetition", "repeat_matter", "cross_site", "escalation"] as const;
const STATES = ["open", "withdrawn", "merged"] as const;
const EVENTS = ["alert", "decision"] as const;

export function AlertsPage() {
    const { params } = useRoute();
    const isNotices = params.get("show") === "notices";
    const filters = {
        state: params.get("state") ?? undefined,
        rule: params.get("rule") ?? undefined,
        site: params.get("site") ?? undefined,
    };
    const pages = usePages<Alert>(isNotices ? "/notices" : "/alerts", filters, EVENTS);
    const set = (name: string) => (value: string) => setParams({ [name]: value });
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
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
                <Select
                    label={t("col.state")}
                    value={filters.state ?? ""}
                    any={t("filter.any")}
                    onChange={set("state")}
                    choices={STATES.map((one) => [one, t(`alert.${one}`)])}
                />
                <Select
                    label={t("col.rule")}
                    value={filters.rule ?? ""}
                    any={t("filter.any")}
                    onChange={set("rule")}
                    choices={RULES.map((one) => [one, t(`rule.${one}`)])}
                />
                <SiteSelect value={filters.site ?? ""} onChange={set("site")} />
            </form>
            <Panel
                title={t(isNotices ? "alerts.notices" : "alerts.alerts")}
                note={t(isNotices ? "alerts.notices.note" : "alerts.alerts.note")}
            >
                <Await of={pages} isEmpty={(items) => items.length === 0} empty="alerts.empty">
                    {(items) => <AlertTable items={items} onDone={pages.refresh} />}
                </Await>
                <More of={pages} />
            </Panel>
        </>
    );
}

function AlertTable(props: { items: readonly Alert[]; onDone: () => void }) {
    const names = useNames();
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={t("alerts.title")}>
            <table>
                <thead>
                    <tr>
                        <th scope="col">{t("col.when")}</th>
                        <th scope="col">{t("col.rule")}</th>
                        <th scope="col">{t("col.site")}</th>
                        <th scope="col">{t("col.why")}</th>
                        <th scope="col">{t("col.state")}</th>
                    </tr>
                </thead>
                <tbody>
                    {props.items.map((one) => (
                        <tr key={one.alert}>
                            <td>
                                <a href={href(`/alerts/${one.alert}`)}>
                                    <At at={one.changedAt} />
                                </a>
                            </td>
                            <td>
                                {tCode("rule", one.rule)}
                                {one.matter && <span class="note"> {one.matter}</span>}
                            </td>
                            <td>{one.sites.map(names.site).join("・")}</td>
                            <td class="reason">{pick(one.finding?.reasons) || one.reason}</td>
                            <td>
                                <AlertState alert={one} />
                                <Acknowledge alert={one} onDone={props.onDone} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
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
    const names = useNames();
    return (
        <>
            <Title text={t("alert.title")} />
            <Await of={alert}>
                {(data) => (
                    <>
                        <Panel
                            title={tCode("rule", data.rule)}
                            note={data.sites.map(names.site).join("・")}
                        >
                            <p class="reason">{pick(data.finding?.reasons) || data.reason}</p>
                            <p>
                                <AlertState alert={data} />
                                <Acknowledge alert={data} onDone={alert.refresh} />
                            </p>
                            <ul class="lines">
                                {data.subject && (
                                    <li>
                                        <a href={href(`/subjects/${data.subject}`)}>
                                            {t("persons.subject")}
                                        </a>
                                    </li>
                                )}
                                {data.mergedInto && (
                                    <li>
                                        <a href={href(`/alerts/${data.mergedInto}`)}>
                                            {t("alert.into")}
                                        </a>
                                    </li>
                                )}
                                {data.finding && (
                                    <li class="note">
                                        <At at={data.finding.firstAt} isFull /> –{" "}
                                        <At at={data.finding.lastAt} isFull />{" "}
                                        {t("links.policy", { n: data.finding.policyVersion })}
                                    </li>
                                )}
                            </ul>
                        </Panel>
                        <Panel title={t("alert.rests")} note={t("alert.rests.note")}>
                            <ul class="lines">
                                {data.records.map((record, index) => (
                                    <li key={record}>
                                        <a href={href(`/incidents/${record}`)}>
                                            {t("alert.record", { n: index + 1 })}
                                        </a>
                                    </li>
                                ))}
                                {data.finding?.occurrences.map((one, index) => (
                                    <li key={one}>
                                        <a href={href(`/occurrences/${one}`)}>
                                            {t("alert.occurrence", { n: index + 1 })}
                                        </a>
                                    </li>
                                ))}
                            </ul>
                        </Panel>
                        <Panel title={t("alert.history")}>
                            <ol class="lines">
                                {(data.history ?? []).map((one) => (
                                    <li key={one.changeNo}>
                                        <At at={one.at} isFull /> {tCode("alertchange", one.change)}{" "}
                                        <span class="note">{one.reason}</span>
                                    </li>
                                ))}
                            </ol>
                        </Panel>
                    </>
                )}
            </Await>
        </>
    );
}

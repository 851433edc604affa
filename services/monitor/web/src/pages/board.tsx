// What is happening now, where and why.
import { useEffect, useState } from "preact/hooks";
import type { AgentHealth, Alert, Now, SiteNow } from "../api";
import { CellBar, TrendChart } from "../lib/chart";
import { clock, number, since } from "../lib/format";
import { useResource } from "../lib/resource";
import { href, useRoute } from "../lib/route";
import { type Names, useNames } from "../lib/session";
import { At, Await, Badge, CategoryTags, Panel, Title } from "../lib/ui";
import { pick, t, tCode } from "../lib/words";

const EVENTS = ["record", "alert", "decision", "agent", "behind"] as const;

export function BoardPage() {
    const now = useResource<Now>("/now", EVENTS);
    const isWall =
        useRoute().params.has("wall") || new URLSearchParams(location.search).has("wall");
    return (
        <div class="board">
            <Title text={t("board.title")}>
                <Clock />
                <span class="spring" />
                <a class="note" href={href("/board", isWall ? {} : { wall: "1" })}>
                    {t(isWall ? "board.wall.leave" : "board.wall")}
                </a>
            </Title>
            <Await of={now}>{(data) => <Board now={data} />}</Await>
        </div>
    );
}

function Clock() {
    const [at, setAt] = useState(new Date());
    useEffect(() => {
        const timer = setInterval(() => setAt(new Date()), 10_000);
        return () => clearInterval(timer);
    }, []);
    return <time class="clock">{clock(at)}</time>;
}

function Board({ now }: { now: Now }) {
    const names = useNames();
    const total = (pickOf: (site: SiteNow) => number) =>
        now.sites.reduce((sum, one) => sum + pickOf(one), 0);
    return (
        <>
            <Figures
                incidents={total((one) => one.incidents)}
                contacts={total((one) => one.contacts)}
                now={now}
            />
            <div class="two board-two">
                <div>
                    <AlertsPanel alerts={now.alerts} names={names} />
                    <Panel title={t("board.trend")} note={t("board.trend.note")} class="trend">
                        <TrendChart points={now.trend} label={trendText(now)} />
                        <p class="legend">
                            <span class="key bar-key" /> {t("board.contacts")}
                            <span class="key line-key" /> {t("board.incidents")}
                        </p>
                    </Panel>
                </div>
                <div>
                    <Panel title={t("board.categories")} note={t("board.today")} class="categories">
                        <Categories now={now} names={names} />
                    </Panel>
                    <AgentsPanel now={now} names={names} />
                </div>
            </div>
            <SitesPanel now={now} names={names} />
        </>
    );
}

function trendText(now: Now): string {
    const sum = (name: "contacts" | "incidents") =>
        number(now.trend.reduce((all, one) => all + one[name], 0));
    return t("board.trend.text", {
        days: now.trend.length,
        contacts: sum("contacts"),
        incidents: sum("incidents"),
    });
}

function Figures(props: { incidents: number; contacts: number; now: Now }) {
    const { now } = props;
    const quiet = now.agents.silent + now.agents.refusing;
    return (
        <dl class="figures">
            <Figure
                name={t("board.incidents.today")}
                value={props.incidents}
                link={href("/incidents")}
            />
            <Figure name={t("board.contacts.today")} value={props.contacts} />
            <Figure
                name={t("board.alerts.open")}
                value={now.alerts.length}
                link={href("/alerts")}
            />
            <Figure name={t("board.reviews.open")} value={now.openReviews} link={href("/review")} />
            <Figure
                name={t("board.agents.quiet")}
                value={quiet}
                of={now.agents.total}
                isSystem={quiet > 0}
            />
            <Figure name={t("board.behind")} value={now.behind} isSystem={now.behind > 1000} />
        </dl>
    );
}

function Figure(props: {
    name: string;
    value: number;
    of?: number;
    link?: string;
    isSystem?: boolean;
}) {
    const value = (
        <>
            {number(props.value)}
            {props.of !== undefined && <small> / {number(props.of)}</small>}
        </>
    );
    return (
        <div class={props.isSystem ? "figure system" : "figure"}>
            <dt>{props.name}</dt>
            <dd>
                {props.link ? (
                    <a href={props.link} aria-label={`${props.name} ${number(props.value)}`}>
                        {value}
                    </a>
                ) : (
                    value
                )}
            </dd>
        </div>
    );
}

function AlertsPanel({ alerts, names }: { alerts: Alert[]; names: Names }) {
    return (
        <Panel
            title={t("board.alerts")}
            class="alerts"
            actions={<a href={href("/alerts")}>{t("action.all")}</a>}
        >
            {alerts.length === 0 ? (
                <p class="empty">{t("board.alerts.empty")}</p>
            ) : (
                <ul class="alert-list">
                    {alerts.map((alert) => (
                        <li key={alert.alert}>
                            <a href={href(`/alerts/${alert.alert}`)}>
                                <span class="alert-head">
                                    <Badge tone={alert.isNotice ? "quiet" : "attention"}>
                                        {tCode("rule", alert.rule)}
                                    </Badge>
                                    <span>{alert.sites.map(names.site).join("・")}</span>
                                    <span class="spring" />
                                    <At at={alert.changedAt} />
                                </span>
                                <span class="reason">
                                    {pick(alert.finding?.reasons) || alert.reason}
                                </span>
                            </a>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

function Categories({ now, names }: { now: Now; names: Names }) {
    const rows = [...now.categories].sort((a, b) => b.incidents - a.incidents);
    const max = Math.max(1, ...rows.map((row) => row.incidents));
    if (rows.length === 0) return <p class="empty">{t("board.categories.empty")}</p>;
    return (
        <table class="plain">
            <thead class="visually-hidden">
                <tr>
                    <th scope="col">{t("col.category")}</th>
                    <th scope="col">{t("col.incidents")}</th>
                </tr>
            </thead>
            <tbody>
                {rows.map((row) => (
                    <tr key={row.category}>
                        <th scope="row">
                            <a href={href("/incidents", { category: row.category, from: now.day })}>
                                {names.category(row.category)}
                            </a>
                        </th>
                        <td class="with-bar">
                            <CellBar value={row.incidents} max={max} />
                            <span class="num">{number(row.incidents)}</span>
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

interface Quiet {
    region: string;
    agents: AgentHealth[];
    total: number;
}

/** Agents that need somebody, by region: a region that is silent whole is a line, not twenty shops. */
export function quietByRegion(now: Now, regionOf: (site: string) => string): Quiet[] {
    const regions = new Map<string, Quiet>();
    for (const site of now.sites) {
        const region = regionOf(site.site);
        const entry = regions.get(region) ?? { region, agents: [], total: 0 };
        regions.set(region, entry);
        for (const agent of site.agents) {
            entry.total++;
            if (agent.state !== "ok" || agent.gaps > 0 || agent.clockSuspect)
                entry.agents.push(agent);
        }
    }
    const isBad = (agent: AgentHealth) => agent.state !== "planned_off";
    return [...regions.values()]
        .filter((entry) => entry.agents.length > 0)
        .sort((a, b) => b.agents.filter(isBad).length - a.agents.filter(isBad).length);
}

function AgentsPanel({ now, names }: { now: Now; names: Names }) {
    const regions = quietByRegion(
        now,
        (site) => names.sites.get(site)?.region || t("board.region.none"),
    );
    return (
        <Panel
            title={t("board.agents")}
            note={t("board.agents.note", { n: now.agents.total })}
            class="agents"
        >
            {regions.length === 0 ? (
                <p class="empty good">{t("board.agents.ok")}</p>
            ) : (
                regions.map((entry) => (
                    <div key={entry.region} class="region">
                        <h3>
                            {entry.region}{" "}
                            <span class="note">
                                {t("board.agents.of", { n: entry.agents.length, all: entry.total })}
                            </span>
                        </h3>
                        <ul>
                            {entry.agents.map((agent) => (
                                <AgentLine key={agent.agent} agent={agent} names={names} />
                            ))}
                        </ul>
                    </div>
                ))
            )}
        </Panel>
    );
}

function AgentLine({ agent, names }: { agent: AgentHealth; names: Names }) {
    const isBad = agent.state === "silent" || agent.state === "refusing";
    return (
        <li class="agent">
            <Badge tone={isBad ? "system" : "quiet"}>{tCode("agent", agent.state)}</Badge>
            <span>{names.site(agent.site)}</span>
            <span class="note">
                {agent.lastSeenAt && since(agent.lastSeenAt)}
                {agent.plannedOffUntil && (
                    <>
                        {" "}
                        {t("agent.until")} <At at={agent.plannedOffUntil} />
                    </>
                )}
                {agent.waiting > 0 && ` ${t("agent.waiting", { n: number(agent.waiting) })}`}
                {agent.gaps > 0 && ` ${t("agent.gaps", { n: number(agent.gaps) })}`}
                {agent.clockSuspect && ` ${t("agent.clock")}`}
            </span>
        </li>
    );
}

const SITES_SHOWN = 12;

function SitesPanel({ now, names }: { now: Now; names: Names }) {
    const [isWhole, setWhole] = useState(false);
    const sorted = [...now.sites].sort(
        (a, b) =>
            b.incidents - a.incidents || b.contacts - a.contacts || a.site.localeCompare(b.site),
    );
    const shown = isWhole ? sorted : sorted.slice(0, SITES_SHOWN);
    const max = Math.max(1, ...sorted.map((one) => one.incidents));
    if (sorted.length === 0) return null;
    return (
        <Panel title={t("board.sites")} note={t("board.today")} class="sites">
            <div class="scroll" tabIndex={0} role="group" aria-label={t("board.sites")}>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t("col.site")}</th>
                            <th scope="col">{t("col.incidents")}</th>
                            <th scope="col" class="num">
                                {t("col.contacts")}
                            </th>
                            <th scope="col">{t("col.category")}</th>
                            <th scope="col">{t("col.last")}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map((one) => (
                            <tr key={one.site}>
                                <th scope="row">
                                    <a href={href("/incidents", { site: one.site })}>
                                        {names.site(one.site)}
                                    </a>
                                </th>
                                <td class="with-bar">
                                    <CellBar value={one.incidents} max={max} />
                                    <span class="num">{number(one.incidents)}</span>
                                </td>
                                <td class="num">{number(one.contacts)}</td>
                                <td>
                                    {one.byCategory.length > 0 && (
                                        <CategoryTags
                                            names={one.byCategory.map((row) => row.category)}
                                        />
                                    )}
                                </td>
                                <td>
                                    <At at={one.lastRecordAt} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {sorted.length > SITES_SHOWN && (
                <p class="more">
                    <button type="button" onClick={() => setWhole(!isWhole)}>
                        {isWhole ? t("action.less") : t("board.sites.all", { n: sorted.length })}
                    </button>
                </p>
            )}
        </Panel>
    );
}

// What is happening now, where and why.
import { useEffect, useRef, useState } from "preact/hooks";
import type { AgentHealth, Now, SiteNow } from "../api";
import { CellBar, TrendChart } from "../lib/chart";
import { FilterForm, sitesLike } from "../lib/filters";
import { clock, day, number, since } from "../lib/format";
import { Table } from "../lib/list";
import { useResource } from "../lib/resource";
import { mayOpen, type PageName } from "../lib/rights";
import { href, useRoute } from "../lib/route";
import { type Names, useNames, useRole } from "../lib/session";
import { At, Await, Badge, CategoryTags, Input, Panel, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";
import { reasonOf } from "./alerts";

const EVENTS = ["record", "alert", "decision", "agent", "behind"] as const;

export function BoardPage() {
    const now = useResource<Now>("/now", EVENTS);
    const isWall =
        useRoute().params.has("wall") || new URLSearchParams(location.search).has("wall");
    return (
        <div class="board">
            <Title text={t("board.title")}>
                <Clock onDay={now.refresh} />
                <span class="spring" />
                <a class="note" href={href("/board", isWall ? {} : { wall: "1" })}>
                    {t(isWall ? "board.wall.leave" : "board.wall")}
                </a>
            </Title>
            <Await of={now}>{(data) => <Board now={data} isWall={isWall} />}</Await>
        </div>
    );
}

/** onDay: a quiet board would show yesterday's figures as today's. */
function Clock({ onDay }: { onDay: () => void }) {
    const [at, setAt] = useState(new Date());
    const today = day(at);
    const shown = useRef(today);
    useEffect(() => {
        const timer = setInterval(() => setAt(new Date()), 10_000);
        return () => clearInterval(timer);
    }, []);
    useEffect(() => {
        if (shown.current !== today) onDay();
        shown.current = today;
    }, [today]);
    return <time class="clock">{clock(at)}</time>;
}

function Board({ now, isWall }: { now: Now; isWall: boolean }) {
    const names = useNames();
    const sites = <SitesPanel now={now} names={names} />;
    const trend = (
        <Panel title={t("board.trend")} note={t("board.trend.note")} class="trend">
            <TrendChart points={now.trend} label={trendText(now)} />
            <p class="legend">
                <span class="key bar-key" /> {t("board.contacts")}
                <span class="key line-key" /> {t("board.incidents")}
            </p>
        </Panel>
    );
    return (
        <>
            {now.behind > 0 && (
                <p class="note" role="status">
                    {t("board.behind", { n: number(now.behind) })}
                </p>
            )}
            <Figures now={now} />
            <div class="two board-two">
                <AlertsPanel now={now} names={names} />
                <div>
                    <Panel title={t("board.categories")} note={t("board.today")} class="categories">
                        <Categories now={now} names={names} />
                    </Panel>
                    {isWall && sites}
                    {trend}
                    <AgentsPanel now={now} names={names} />
                </div>
            </div>
            {!isWall && sites}
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

/** The API counts no further. */
const TO_SEE_MOST = 200;
const TO_JUDGE_MOST = 1000;

function atLeast(value: number, most: number): string {
    return value < most ? number(value) : `${number(most)}+`;
}

function Figures({ now }: { now: Now }) {
    const role = useRole();
    const quiet = now.agents.silent + now.agents.refusing;
    const total = (pickOf: (site: SiteNow) => number) =>
        number(now.sites.reduce((sum, one) => sum + pickOf(one), 0));
    const link = (page: PageName, params?: Record<string, string>) =>
        mayOpen(role, page) ? href(`/${page}`, params) : undefined;
    return (
        <dl class="figures">
            <Figure
                name={t("board.incidents.today")}
                value={total((one) => one.incidents)}
                note={t("board.incidents.about")}
                link={link("incidents", { from: now.day })}
            />
            <Figure
                name={t("board.contacts.today")}
                value={total((one) => one.contacts)}
                note={t("board.contacts.about")}
            />
            {mayOpen(role, "alerts") && (
                <Figure
                    name={t("board.alerts.open")}
                    value={atLeast(now.toSee, TO_SEE_MOST)}
                    note={t("board.alerts.about")}
                    link={link("alerts", { state: "open" })}
                />
            )}
            {mayOpen(role, "incidents") && (
                <Figure
                    name={t("board.reviews.open")}
                    value={atLeast(now.toJudge, TO_JUDGE_MOST)}
                    note={t("board.reviews.about", { n: number(now.openReviews) })}
                    link={link("review")}
                />
            )}
            <Figure
                name={t("board.agents.quiet")}
                value={number(quiet)}
                note={t("board.agents.about", { n: number(now.agents.total) })}
                isSystem={quiet > 0}
            />
        </dl>
    );
}

function Figure(props: {
    name: string;
    value: string;
    note: string;
    link?: string | undefined;
    isSystem?: boolean;
}) {
    return (
        <div class={props.isSystem ? "figure system" : "figure"}>
            <dt>{props.name}</dt>
            <dd>
                {props.link ? (
                    <a href={props.link} aria-label={`${props.name} ${props.value}`}>
                        {props.value}
                    </a>
                ) : (
                    props.value
                )}
            </dd>
            <dd class="note">{props.note}</dd>
        </div>
    );
}

function AlertsPanel({ now, names }: { now: Now; names: Names }) {
    const role = useRole();
    if (!mayOpen(role, "alerts")) return null;
    const { alerts } = now;
    const isMore = now.toSee > alerts.length;
    return (
        <Panel
            title={t("board.alerts")}
            note={isMore ? t("board.alerts.newest", { n: alerts.length }) : undefined}
            class="alerts"
            actions={<a href={href("/alerts", { state: "open" })}>{t("action.all")}</a>}
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
                                    <span>{names.siteList(alert.sites)}</span>
                                    <span class="spring" />
                                    <At at={alert.changedAt} />
                                </span>
                                <span class="reason">{reasonOf(alert)}</span>
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
    const mayRead = mayOpen(useRole(), "incidents");
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
                            {mayRead ? (
                                <a
                                    href={href("/incidents", {
                                        category: row.category,
                                        from: now.day,
                                    })}
                                >
                                    {names.category(row.category)}
                                </a>
                            ) : (
                                names.category(row.category)
                            )}
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
                {agent.agent} {agent.lastSeenAt && since(agent.lastSeenAt)}
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
const SITES_MORE = 100;

function SitesPanel({ now, names }: { now: Now; names: Names }) {
    const role = useRole();
    const [most, setMost] = useState(SITES_SHOWN);
    const [text, setText] = useState("");
    if (now.sites.length === 0) return null;
    const isSearched = now.sites.length > SITES_SHOWN;
    const like = isSearched ? new Set(sitesLike(names, text, now.sites.length)) : undefined;
    const found = [...now.sites]
        .filter((one) => like === undefined || text === "" || like.has(one.site))
        .sort(
            (a, b) =>
                b.incidents - a.incidents ||
                b.contacts - a.contacts ||
                a.site.localeCompare(b.site),
        );
    const max = Math.max(1, ...now.sites.map((one) => one.incidents));
    return (
        <Panel title={t("board.sites")} note={t("board.today")} class="sites">
            {isSearched && (
                <FilterForm>
                    <Input
                        label={t("board.sites.find", { n: now.sites.length })}
                        type="search"
                        value={text}
                        onValue={setText}
                    />
                </FilterForm>
            )}
            <Table
                label={t("board.sites")}
                items={found.slice(0, most)}
                keyOf={(one) => one.site}
                columns={[
                    {
                        head: t("col.site"),
                        isHeader: true,
                        cell: (one) =>
                            mayOpen(role, "incidents") ? (
                                <a href={href("/incidents", { site: one.site })}>
                                    {names.site(one.site)}
                                </a>
                            ) : (
                                names.site(one.site)
                            ),
                    },
                    {
                        head: t("col.incidents"),
                        class: "with-bar",
                        cell: (one) => (
                            <>
                                <CellBar value={one.incidents} max={max} />
                                <span class="num">{number(one.incidents)}</span>
                            </>
                        ),
                    },
                    {
                        head: t("col.contacts"),
                        class: "num",
                        cell: (one) => number(one.contacts),
                    },
                    {
                        head: t("col.category"),
                        cell: (one) =>
                            one.byCategory.length > 0 && (
                                <CategoryTags names={one.byCategory.map((row) => row.category)} />
                            ),
                    },
                    { head: t("col.last"), cell: (one) => <At at={one.lastRecordAt} /> },
                ]}
            />
            {found.length > most && (
                <p class="more">
                    <button type="button" onClick={() => setMost(most + SITES_MORE)}>
                        {t("board.sites.more", { n: found.length - most })}
                    </button>
                </p>
            )}
        </Panel>
    );
}

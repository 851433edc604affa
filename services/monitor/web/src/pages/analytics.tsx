// 集計: every measure as a chart and as a table, with the filters in the address. A cell that would show a
// person is not told, in neither.
import type { Stats } from "../api";
import { BarChart, type BarRow, ColumnChart, TrendChart } from "../lib/chart";
import { query } from "../lib/client";
import { daysAgo, number, percent } from "../lib/format";
import { useResource } from "../lib/resource";
import { setParams, useRoute } from "../lib/route";
import { useNames } from "../lib/session";
import { Await, Input, Panel, Select, Title } from "../lib/ui";
import { type Key, pick, t } from "../lib/words";
import { SiteSelect } from "./incidents";

type Measure = Stats["measure"];
type Shape = "trend" | "bars" | "columns";

const MEASURES: readonly { measure: Measure; shape: Shape; unit?: Key }[] = [
    { measure: "trend", shape: "trend" },
    { measure: "types", shape: "bars" },
    { measure: "sites", shape: "bars" },
    { measure: "trades", shape: "bars" },
    { measure: "hours", shape: "columns" },
    { measure: "weekdays", shape: "columns" },
    { measure: "repeat", shape: "bars" },
    { measure: "staff_minutes", shape: "bars", unit: "unit.minutes" },
    { measure: "verdict_time", shape: "bars", unit: "unit.hours" },
];
const FILTERS = ["from", "to", "site", "trade", "category"] as const;

export function AnalyticsPage() {
    const { params } = useRoute();
    const names = useNames();
    const filters: Record<string, string | undefined> = { from: daysAgo(89), to: daysAgo(0) };
    for (const name of FILTERS) filters[name] = params.get(name) ?? filters[name];
    const trades = [...new Set([...names.sites.values()].map((site) => site.trade))]
        .filter(Boolean)
        .sort();
    const set = (name: string) => (value: string) => setParams({ [name]: value });
    return (
        <>
            <Title text={t("analytics.title")} />
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
                <Input
                    label={t("filter.from")}
                    type="date"
                    value={filters.from ?? ""}
                    onValue={set("from")}
                />
                <Input
                    label={t("filter.to")}
                    type="date"
                    value={filters.to ?? ""}
                    onValue={set("to")}
                />
                <SiteSelect value={filters.site ?? ""} onChange={set("site")} />
                {trades.length > 0 && (
                    <Select
                        label={t("col.trade")}
                        value={filters.trade ?? ""}
                        any={t("filter.any")}
                        onChange={set("trade")}
                        choices={trades.map((one) => [one, one])}
                    />
                )}
                <Select
                    label={t("col.category")}
                    value={filters.category ?? ""}
                    any={t("filter.any")}
                    onChange={set("category")}
                    choices={[...names.categories.keys()].map((key) => [key, names.category(key)])}
                />
            </form>
            <p class="note">{t("analytics.note")}</p>
            {MEASURES.map((one) => (
                <MeasurePanel key={one.measure} {...one} filters={filters} />
            ))}
        </>
    );
}

function MeasurePanel(props: {
    measure: Measure;
    shape: Shape;
    unit?: Key;
    filters: Record<string, string | undefined>;
}) {
    const stats = useResource<Stats>(`/stats/${props.measure}${query(props.filters)}`);
    return (
        <Panel
            title={t(`stats.${props.measure}`)}
            note={t(`stats.${props.measure}.note`)}
            class="measure"
        >
            <Await of={stats} isEmpty={(data) => data.rows.length === 0} empty="stats.empty">
                {(data) => (
                    <div class="chart-and-table">
                        <Chart stats={data} shape={props.shape} />
                        <StatsTable stats={data} unit={props.unit} />
                    </div>
                )}
            </Await>
        </Panel>
    );
}

/** The share of repeats is told as a share, its counts as numbers. */
function shareOrNumber(value: number): string {
    return value <= 1 ? percent(value) : number(value);
}

/** What a row is about: a value where the measure has one, else its incidents. */
function figureOf(row: Stats["rows"][number]): number | undefined {
    return row.suppressed ? undefined : (row.value ?? row.incidents ?? 0);
}

function Chart({ stats, shape }: { stats: Stats; shape: Shape }) {
    const label = t(`stats.${stats.measure}`);
    if (shape === "trend")
        return (
            <TrendChart
                label={label}
                points={stats.rows.map((row) => ({
                    day: row.key,
                    contacts: row.contacts ?? 0,
                    incidents: row.incidents ?? 0,
                }))}
            />
        );
    const rows: BarRow[] = stats.rows.map((row) => ({
        key: row.key,
        label: pick(row.label),
        value: figureOf(row),
    }));
    return shape === "bars" ? (
        <BarChart
            rows={rows}
            label={label}
            told={stats.measure === "repeat" ? shareOrNumber : undefined}
        />
    ) : (
        <ColumnChart rows={rows} label={label} />
    );
}

function told(value: number | undefined, isSuppressed: boolean | undefined): string {
    if (isSuppressed) return t("stats.suppressed");
    return value === undefined ? "—" : number(value);
}

function StatsTable({ stats, unit }: { stats: Stats; unit: Key | undefined }) {
    const hasContacts = stats.rows.some((row) => row.contacts !== undefined);
    const hasIncidents = stats.rows.some((row) => row.incidents !== undefined || row.suppressed);
    const hasValue = stats.rows.some((row) => row.value !== undefined);
    const isShare = stats.measure === "repeat";
    const value = (of: number | undefined) =>
        of === undefined ? "—" : isShare ? shareOrNumber(of) : number(of);
    return (
        <div
            class="scroll stats-table"
            tabIndex={0}
            role="group"
            aria-label={t(`stats.${stats.measure}`)}
        >
            <table>
                <thead>
                    <tr>
                        <th scope="col">{t(`stats.${stats.measure}.key`)}</th>
                        {hasContacts && (
                            <th scope="col" class="num">
                                {t("col.contacts")}
                            </th>
                        )}
                        {hasIncidents && (
                            <th scope="col" class="num">
                                {t("col.incidents")}
                            </th>
                        )}
                        {hasValue && (
                            <th scope="col" class="num">
                                {t(unit ?? "col.value")}
                            </th>
                        )}
                    </tr>
                </thead>
                <tbody>
                    {stats.rows.map((row) => (
                        <tr key={row.key}>
                            <th scope="row">{pick(row.label) || row.key}</th>
                            {hasContacts && <td class="num">{told(row.contacts, false)}</td>}
                            {hasIncidents && (
                                <td class="num">{told(row.incidents, row.suppressed)}</td>
                            )}
                            {hasValue && (
                                <td class="num">
                                    {row.suppressed ? t("stats.suppressed") : value(row.value)}
                                </td>
                            )}
                        </tr>
                    ))}
                </tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{t("stats.total")}</th>
                        {hasContacts && <td class="num">{number(stats.total.contacts)}</td>}
                        {hasIncidents && <td class="num">{number(stats.total.incidents)}</td>}
                        {hasValue && <td class="num">{value(stats.total.value)}</td>}
                    </tr>
                </tfoot>
            </table>
        </div>
    );
}

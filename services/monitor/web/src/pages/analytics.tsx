// 集計: every measure as a chart and as a table, with the filters in the address. A cell that would show a
// person is not told, in neither.
import type { Stats } from "../api";
import { BarChart, type BarRow, ColumnChart, TrendChart } from "../lib/chart";
import { query } from "../lib/client";
import { CategorySelect, DayFields, FilterForm, SiteSelect, useFilters } from "../lib/filters";
import { daysAgo, number, percent } from "../lib/format";
import { useResource } from "../lib/resource";
import { useNames } from "../lib/session";
import { Await, Panel, Select, Title } from "../lib/ui";
import { type Key, pick, t } from "../lib/words";

type Measure = Stats["measure"];
type Shape = "trend" | "bars" | "columns";

const MEASURES: readonly { measure: Measure; shape: Shape; unit?: Key }[] = [
    { measure: "trend", shape: "trend" },
    { measure: "types", shape: "bars" },
    { measure: "sites", shape: "bars" },
    { measure: "trades", shape: "bars" },
    { measure: "hours", shape: "columns" },
    { measure: "weekdays", shape: "columns" },
    { measure: "repeat", shape: "bars", unit: "unit.repeats" },
    { measure: "staff_minutes", shape: "bars", unit: "unit.minutes" },
    { measure: "verdict_time", shape: "bars", unit: "unit.minutes" },
];
const FILTERS = ["from", "to", "site", "trade", "category"] as const;

export function AnalyticsPage() {
    const names = useNames();
    const filters = useFilters(FILTERS, { from: daysAgo(89), to: daysAgo(0) });
    const { values, field } = filters;
    const trades = [...new Set([...names.sites.values()].map((site) => site.trade))]
        .filter(Boolean)
        .sort();
    return (
        <>
            <Title text={t("analytics.title")} />
            <FilterForm onClear={filters.clear}>
                <DayFields of={filters} />
                <SiteSelect {...field("site")} />
                {trades.length > 0 && (
                    <Select
                        label={t("col.trade")}
                        any={t("filter.any")}
                        choices={trades.map((one) => [one, one])}
                        {...field("trade")}
                    />
                )}
                <CategorySelect {...field("category")} />
            </FilterForm>
            <p class="note">{t("analytics.note")}</p>
            {MEASURES.map((one) => (
                <MeasurePanel key={one.measure} {...one} filters={values} />
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
            <Await
                of={stats}
                isEmpty={(data) =>
                    data.rows.length === 0 ||
                    (props.unit !== undefined && data.rows.every((row) => !row.value))
                }
                empty={props.unit === undefined ? "stats.empty" : "stats.value.empty"}
            >
                {(data) => (
                    <div class="chart-and-table">
                        <Chart stats={data} shape={props.shape} unit={props.unit} />
                        <StatsTable stats={data} unit={props.unit} />
                    </div>
                )}
            </Await>
        </Panel>
    );
}

type Row = Stats["rows"][number];

const isShare = (stats: Stats) => stats.measure === "repeat";

/** How many of the incidents; undefined: of none. */
function shareOf(row: { incidents?: number; value?: number }): number | undefined {
    return row.incidents ? (row.value ?? 0) / row.incidents : undefined;
}

/** What a row is about: a share, a value where the measure has one, else its incidents. */
function figureOf(stats: Stats, row: Row, unit: Key | undefined): number | undefined {
    if (row.suppressed) return undefined;
    if (isShare(stats)) return shareOf(row);
    return unit === undefined ? (row.incidents ?? 0) : row.value;
}

function Chart(props: { stats: Stats; shape: Shape; unit: Key | undefined }) {
    const { stats, shape } = props;
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
        value: figureOf(stats, row, props.unit),
    }));
    return shape === "bars" ? (
        <BarChart rows={rows} label={label} told={isShare(stats) ? percent : undefined} />
    ) : (
        <ColumnChart rows={rows} label={label} />
    );
}

function told(value: number | undefined, isSuppressed: boolean | undefined): string {
    if (isSuppressed) return t("stats.suppressed");
    return value === undefined ? "—" : number(value);
}

function StatsTable({ stats, unit }: { stats: Stats; unit: Key | undefined }) {
    const hasContacts = stats.rows.some((row) => row.contacts);
    const hasIncidents = stats.rows.some((row) => row.incidents !== undefined || row.suppressed);
    const hasValue = stats.rows.some((row) => row.value !== undefined);
    const share = (of: { incidents?: number; value?: number }) => {
        const part = shareOf(of);
        return part === undefined ? "—" : percent(part);
    };
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
                        {isShare(stats) && (
                            <th scope="col" class="num">
                                {t("unit.share")}
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
                            {hasValue && <td class="num">{told(row.value, row.suppressed)}</td>}
                            {isShare(stats) && (
                                <td class="num">
                                    {row.suppressed ? t("stats.suppressed") : share(row)}
                                </td>
                            )}
                        </tr>
                    ))}
                </tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{t("stats.total")}</th>
                        {hasContacts && (
                            <td class="num">
                                {told(stats.total.contacts, stats.total.suppressed)}
                            </td>
                        )}
                        {hasIncidents && (
                            <td class="num">
                                {told(stats.total.incidents, stats.total.suppressed)}
                            </td>
                        )}
                        {hasValue && (
                            <td class="num">{told(stats.total.value, stats.total.suppressed)}</td>
                        )}
                        {isShare(stats) && (
                            <td class="num">
                                {stats.total.suppressed
                                    ? t("stats.suppressed")
                                    : share(stats.total)}
                            </td>
                        )}
                    </tr>
                </tfoot>
            </table>
        </div>
    );
}

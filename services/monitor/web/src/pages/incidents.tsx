import type { RecordLine } from "../api";
import {
    CategorySelect,
    DayFields,
    FilterForm,
    type Filters,
    instants,
    SiteSelect,
    useFilters,
    type Values,
} from "../lib/filters";
import { ListPanel, Table } from "../lib/list";
import { usePages } from "../lib/resource";
import { href } from "../lib/route";
import { useNames } from "../lib/session";
import { At, CategoryTags, Input, Select, Title, VerdictBadge } from "../lib/ui";
import { t, tCode } from "../lib/words";

const NAMES = ["from", "to", "site", "category", "standing", "verdict", "judged", "q"] as const;
const STANDINGS = ["open", "judged", "innocent", "disputed"] as const;
const VERDICTS = ["complaint", "suspected", "confirmed", "rejected"] as const;
type Name = (typeof NAMES)[number];

export function useIncidentFilters(): Filters<Name> {
    return useFilters(NAMES);
}

/** As the list and its export take them. */
export function incidentQuery(filters: Filters<Name>): Values<Name> {
    return instants(filters.values);
}

export function IncidentsPage() {
    const filters = useIncidentFilters();
    const pages = usePages<RecordLine>("/incidents", incidentQuery(filters), [
        "record",
        "decision",
    ]);
    return (
        <>
            <Title text={t("incidents.title")} />
            <IncidentFilters of={filters} />
            <ListPanel title={t("incidents.list")} of={pages} empty="incidents.empty">
                {(items) => <RecordTable items={items} label={t("incidents.list")} />}
            </ListPanel>
        </>
    );
}

export function IncidentFilters({ of }: { of: Filters<Name> }) {
    const { field } = of;
    const any = t("filter.any");
    return (
        <FilterForm onClear={of.clear}>
            <DayFields of={of} />
            <SiteSelect {...field("site")} />
            <CategorySelect {...field("category")} />
            <Select
                label={t("col.verdict")}
                any={any}
                choices={VERDICTS.map((one) => [one, t(`verdict.${one}`)])}
                {...field("verdict")}
            />
            <Select
                label={t("col.standing")}
                any={any}
                choices={STANDINGS.map((one) => [one, t(`standing.${one}`)])}
                {...field("standing")}
            />
            <Select
                label={t("filter.judged")}
                any={any}
                choices={[
                    ["no", t("filter.judged.no")],
                    ["yes", t("filter.judged.yes")],
                ]}
                {...field("judged")}
            />
            <Input label={t("filter.matter")} type="search" {...field("q")} />
        </FilterForm>
    );
}

export function RecordTable(props: {
    items: readonly RecordLine[];
    label: string;
    reason?: (one: RecordLine) => string;
}) {
    const names = useNames();
    const { reason } = props;
    return (
        <Table
            class="records"
            label={props.label}
            items={props.items}
            keyOf={(one) => one.recordId}
            columns={[
                {
                    head: t("col.when"),
                    cell: (one) => (
                        <a href={href(`/incidents/${one.recordId}`)}>
                            <At at={one.startAt} />
                        </a>
                    ),
                },
                {
                    head: t("col.site"),
                    cell: (one) => (
                        <>
                            {names.site(one.site)}
                            {one.concernedSite && one.concernedSite !== one.site && (
                                <span class="note"> → {names.site(one.concernedSite)}</span>
                            )}
                        </>
                    ),
                },
                {
                    head: t("col.kind"),
                    cell: (one) => (
                        <>
                            {t(`kind.${one.kind}`)}
                            <span class="note"> {tCode("channel", one.channel)}</span>
                        </>
                    ),
                },
                {
                    head: t("col.category"),
                    cell: (one) =>
                        one.kind === "incident" && <CategoryTags names={one.categories} />,
                },
                { head: t("col.matter"), cell: (one) => one.matters.join("、") || "—" },
                {
                    head: t("col.verdict"),
                    cell: (one) => <VerdictBadge verdict={one.verdict} standing={one.standing} />,
                },
                reason && { head: t("col.why"), class: "reason", cell: reason },
            ]}
        />
    );
}

import type { RecordLine } from "../api";
import { daysAgo } from "../lib/format";
import { usePages } from "../lib/resource";
import { href, setParams, useRoute } from "../lib/route";
import { useNames } from "../lib/session";
import {
    At,
    Await,
    CategoryTags,
    Input,
    More,
    Panel,
    Select,
    Title,
    VerdictBadge,
} from "../lib/ui";
import { t, tCode } from "../lib/words";

const NAMES = ["from", "to", "site", "category", "standing", "verdict", "judged", "q"] as const;
const STANDINGS = ["open", "judged", "innocent", "disputed"] as const;
const VERDICTS = ["complaint", "suspected", "confirmed", "rejected"] as const;

export function IncidentsPage() {
    const { params } = useRoute();
    const filters: Record<string, string | undefined> = {};
    for (const name of NAMES) filters[name] = params.get(name) ?? undefined;
    const pages = usePages<RecordLine>("/incidents", filters, ["record", "decision"]);
    return (
        <>
            <Title text={t("incidents.title")} />
            <IncidentFilters filters={filters} />
            <Panel
                title={t("incidents.list")}
                note={pages.data && t("list.shown", { n: pages.data.length })}
            >
                <Await of={pages} isEmpty={(items) => items.length === 0} empty="incidents.empty">
                    {(items) => <RecordTable items={items} label={t("incidents.list")} />}
                </Await>
                <More of={pages} />
            </Panel>
        </>
    );
}

export function IncidentFilters(props: { filters: Record<string, string | undefined> }) {
    const { filters } = props;
    const names = useNames();
    const value = (name: string) => filters[name] ?? "";
    const set = (name: string) => (next: string) => setParams({ [name]: next });
    return (
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
            <Input
                label={t("filter.from")}
                type="date"
                value={value("from")}
                onValue={set("from")}
                max={daysAgo(0)}
            />
            <Input label={t("filter.to")} type="date" value={value("to")} onValue={set("to")} />
            <SiteSelect value={value("site")} onChange={set("site")} />
            <Select
                label={t("col.category")}
                value={value("category")}
                any={t("filter.any")}
                onChange={set("category")}
                choices={[...names.categories.keys()].map((key) => [key, names.category(key)])}
            />
            <Select
                label={t("col.verdict")}
                value={value("verdict")}
                any={t("filter.any")}
                onChange={set("verdict")}
                choices={VERDICTS.map((one) => [one, t(`verdict.${one}`)])}
            />
            <Select
                label={t("col.standing")}
                value={value("standing")}
                any={t("filter.any")}
                onChange={set("standing")}
                choices={STANDINGS.map((one) => [one, t(`standing.${one}`)])}
            />
            <Select
                label={t("filter.judged")}
                value={value("judged")}
                any={t("filter.any")}
                onChange={set("judged")}
                choices={[
                    ["no", t("filter.judged.no")],
                    ["yes", t("filter.judged.yes")],
                ]}
            />
            <Input label={t("filter.matter")} type="search" value={value("q")} onValue={set("q")} />
            <button
                type="button"
                class="quiet"
                onClick={() =>
                    setParams(Object.fromEntries(NAMES.map((name) => [name, undefined])))
                }
            >
                {t("filter.clear")}
            </button>
        </form>
    );
}

export function SiteSelect(props: { value: string; onChange: (value: string) => void }) {
    const names = useNames();
    return (
        <Select
            label={t("col.site")}
            value={props.value}
            any={t("filter.any.site")}
            onChange={props.onChange}
            choices={[...names.sites.keys()].map((site) => [site, names.site(site)])}
        />
    );
}

export function RecordTable(props: {
    items: readonly RecordLine[];
    label: string;
    reason?: (one: RecordLine) => string;
}) {
    const names = useNames();
    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
            <table class="records">
                <thead>
                    <tr>
                        <th scope="col">{t("col.when")}</th>
                        <th scope="col">{t("col.site")}</th>
                        <th scope="col">{t("col.kind")}</th>
                        <th scope="col">{t("col.category")}</th>
                        <th scope="col">{t("col.matter")}</th>
                        <th scope="col">{t("col.verdict")}</th>
                        {props.reason && <th scope="col">{t("col.why")}</th>}
                    </tr>
                </thead>
                <tbody>
                    {props.items.map((one) => (
                        <tr key={one.recordId}>
                            <td>
                                <a href={href(`/incidents/${one.recordId}`)}>
                                    <At at={one.startAt} />
                                </a>
                            </td>
                            <td>
                                {names.site(one.site)}
                                {one.concernedSite && one.concernedSite !== one.site && (
                                    <span class="note"> → {names.site(one.concernedSite)}</span>
                                )}
                            </td>
                            <td>
                                {t(`kind.${one.kind}`)}
                                <span class="note"> {tCode("channel", one.channel)}</span>
                            </td>
                            <td>
                                {one.kind === "incident" && <CategoryTags names={one.categories} />}
                            </td>
                            <td>{one.matters.join("、") || "—"}</td>
                            <td>
                                <VerdictBadge verdict={one.verdict} standing={one.standing} />
                            </td>
                            {props.reason && <td class="reason">{props.reason(one)}</td>}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

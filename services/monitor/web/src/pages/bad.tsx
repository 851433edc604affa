// 取込エラー: messages that could not become records, with the reason; nothing of them is lost.
import type { BadRecord } from "../api";
import { FilterForm, useFilters } from "../lib/filters";
import { ListPanel, Table } from "../lib/list";
import { usePages } from "../lib/resource";
import { useNames } from "../lib/session";
import { At, Badge, Select, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";

const STATES = ["open", "replayed", "dismissed"] as const;
const CLASSES = [
    "malformed",
    "oversized",
    "newer",
    "forged",
    "clock",
    "archived",
    "conflict",
] as const;

export function BadRecordsPage() {
    const { values, field, clear } = useFilters(["state", "class"]);
    const pages = usePages<BadRecord>("/bad-records", values);
    return (
        <>
            <Title text={t("bad.title")} />
            <p class="note">{t("bad.note")}</p>
            <FilterForm onClear={clear}>
                <Select
                    label={t("col.state")}
                    any={t("filter.any")}
                    choices={STATES.map((one) => [one, t(`bad.${one}`)])}
                    {...field("state")}
                />
                <Select
                    label={t("bad.class")}
                    any={t("filter.any")}
                    choices={CLASSES.map((one) => [one, t(`badclass.${one}`)])}
                    {...field("class")}
                />
            </FilterForm>
            <ListPanel title={t("bad.list")} of={pages} empty="bad.empty">
                {(items) => <BadTable items={items} />}
            </ListPanel>
        </>
    );
}

function BadTable({ items }: { items: readonly BadRecord[] }) {
    const names = useNames();
    return (
        <Table
            label={t("bad.list")}
            items={items}
            keyOf={(one) => `${one.stream}/${one.offset}`}
            columns={[
                { head: t("bad.received"), cell: (one) => <At at={one.appendedAt} isFull /> },
                {
                    head: t("col.site"),
                    cell: (one) => (
                        <>
                            {one.site ? names.site(one.site) : "—"}
                            {one.agent && <span class="note"> {one.agent}</span>}
                        </>
                    ),
                },
                {
                    head: t("col.why"),
                    class: "reason",
                    cell: (one) => (
                        <>
                            <strong>{tCode("badclass", one.class)}</strong>{" "}
                            {tCode("badcause", one.class)}
                            <br />
                            <code class="note" lang="en">
                                {one.reason}
                            </code>
                        </>
                    ),
                },
                {
                    head: t("col.state"),
                    cell: (one) => (
                        <Badge tone={one.state === "open" ? "system" : "quiet"}>
                            {t(`bad.${one.state}`)}
                        </Badge>
                    ),
                },
                {
                    head: t("bad.where"),
                    class: "num",
                    cell: (one) => `${one.stream}/${one.offset}`,
                },
            ]}
        />
    );
}

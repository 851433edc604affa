// 監査記録: who looked at what and why; sealed lines are in the chain that kasumori audit verify checks.
import type { AuditLine } from "../api";
import { DayFields, FilterForm, instants, useFilters } from "../lib/filters";
import { ListPanel, Table } from "../lib/list";
import { usePages } from "../lib/resource";
import { mayOpen } from "../lib/rights";
import { href } from "../lib/route";
import { useRole } from "../lib/session";
import { At, Badge, Input, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";

export function AuditPage() {
    const filters = useFilters(["from", "to", "actor", "action"]);
    const pages = usePages<AuditLine>("/audit", instants(filters.values));
    return (
        <>
            <Title text={t("audit.title")} />
            <p class="note">{t("audit.note")}</p>
            <FilterForm onClear={filters.clear}>
                <DayFields of={filters} />
                <Input label={t("audit.actor")} type="search" {...filters.field("actor")} />
                <Input
                    label={t("audit.action")}
                    type="search"
                    hint={t("audit.action.hint")}
                    {...filters.field("action")}
                />
            </FilterForm>
            <ListPanel title={t("audit.list")} of={pages} empty="audit.empty">
                {(items) => <AuditTable items={items} />}
            </ListPanel>
        </>
    );
}

/** "decide.verdict" → what was done, in words; what these words do not know stays as it is. */
function actionText(action: string): string {
    const [verb = "", thing = ""] = action.split(".");
    const isKnown = tCode("did", action) !== action;
    if (isKnown || tCode("decision", thing) === thing) return tCode("did", action);
    return `${tCode("did", verb)}: ${tCode("decision", thing)}`;
}

/** "record 0197…": its page, for who may open it. */
function Thing({ object }: { object: string }) {
    const mayRead = mayOpen(useRole(), "incidents");
    const [kind = "", id = ""] = object.split(" ");
    const isCase = kind === "record" || kind === "subject";
    if (!isCase || !mayRead)
        return (
            <>
                {tCode("object", kind)} {isCase || kind === "proposal" ? <code>{id}</code> : id}
            </>
        );
    return <a href={href(`/incidents/${id}`)}>{tCode("object", kind)}</a>;
}

function AuditTable({ items }: { items: readonly AuditLine[] }) {
    return (
        <Table
            label={t("audit.list")}
            items={items}
            keyOf={(one) => one.auditNo}
            columns={[
                { head: "#", class: "num", cell: (one) => one.auditNo },
                { head: t("col.when"), cell: (one) => <At at={one.at} isFull /> },
                {
                    head: t("audit.actor"),
                    cell: (one) => (
                        <>
                            {one.actor} <span class="note">{tCode("role", one.role)}</span>
                        </>
                    ),
                },
                {
                    head: t("audit.action"),
                    cell: (one) => (
                        <>
                            {actionText(one.action) !== one.action && actionText(one.action)}{" "}
                            <code class="note">{one.action}</code>
                        </>
                    ),
                },
                {
                    head: t("audit.purpose"),
                    cell: (one) => tCode("purpose", one.purpose) || "—",
                },
                {
                    head: t("audit.object"),
                    class: "object",
                    cell: (one) => <Thing object={one.object} />,
                },
                {
                    head: t("audit.sealed"),
                    cell: (one) => (
                        <Badge tone={one.sealed ? "good" : "quiet"}>
                            {t(one.sealed ? "audit.sealed.yes" : "audit.sealed.no")}
                        </Badge>
                    ),
                },
            ]}
        />
    );
}

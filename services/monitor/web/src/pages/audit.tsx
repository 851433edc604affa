// 監査記録: who looked at what and why; sealed lines are in the chain that kasumori audit verify checks.
import type { AuditLine } from "../api";
import { usePages } from "../lib/resource";
import { setParams, useRoute } from "../lib/route";
import { At, Await, Badge, Input, More, Panel, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";

const NAMES = ["from", "to", "actor", "action"] as const;

export function AuditPage() {
    const { params } = useRoute();
    const filters: Record<string, string | undefined> = {};
    for (const name of NAMES) filters[name] = params.get(name) ?? undefined;
    const pages = usePages<AuditLine>("/audit", filters);
    const set = (name: string) => (value: string) => setParams({ [name]: value });
    return (
        <>
            <Title text={t("audit.title")} />
            <p class="note">{t("audit.note")}</p>
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
                <Input
                    label={t("audit.actor")}
                    type="search"
                    value={filters.actor ?? ""}
                    onValue={set("actor")}
                />
                <Input
                    label={t("audit.action")}
                    type="search"
                    value={filters.action ?? ""}
                    onValue={set("action")}
                />
            </form>
            <Panel
                title={t("audit.list")}
                note={pages.data && t("list.shown", { n: pages.data.length })}
            >
                <Await of={pages} isEmpty={(items) => items.length === 0} empty="audit.empty">
                    {(items) => (
                        <div class="scroll" tabIndex={0} role="group" aria-label={t("audit.list")}>
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col" class="num">
                                            #
                                        </th>
                                        <th scope="col">{t("col.when")}</th>
                                        <th scope="col">{t("audit.actor")}</th>
                                        <th scope="col">{t("audit.action")}</th>
                                        <th scope="col">{t("purpose.title")}</th>
                                        <th scope="col">{t("audit.object")}</th>
                                        <th scope="col">{t("audit.sealed")}</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {items.map((one) => (
                                        <tr key={one.auditNo}>
                                            <td class="num">{one.auditNo}</td>
                                            <td>
                                                <At at={one.at} isFull />
                                            </td>
                                            <td>
                                                {one.actor}{" "}
                                                <span class="note">{tCode("role", one.role)}</span>
                                            </td>
                                            <td>
                                                <code>{one.action}</code>
                                            </td>
                                            <td>{tCode("purpose", one.purpose)}</td>
                                            <td class="object">{one.object}</td>
                                            <td>
                                                <Badge tone={one.sealed ? "good" : "quiet"}>
                                                    {t(
                                                        one.sealed
                                                            ? "audit.sealed.yes"
                                                            : "audit.sealed.no",
                                                    )}
                                                </Badge>
                                            </td>
                                        </tr>
                                    ))}
                                </tbody>
                            </table>
                        </div>
                    )}
                </Await>
                <More of={pages} />
            </Panel>
        </>
    );
}

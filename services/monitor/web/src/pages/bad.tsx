// 取込エラー: messages that could not become records, with the reason; nothing of them is lost.
import type { BadRecord } from "../api";
import { usePages } from "../lib/resource";
import { setParams, useRoute } from "../lib/route";
import { useNames } from "../lib/session";
import { At, Await, Badge, More, Panel, Select, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";

const STATES = ["open", "replayed", "dismissed"] as const;

export function BadRecordsPage() {
    const { params } = useRoute();
    const names = useNames();
    const filters = {
        state: params.get("state") ?? undefined,
        class: params.get("class") ?? undefined,
    };
    const pages = usePages<BadRecord>("/bad-records", filters);
    const classes = [
        ...new Set([...(pages.data ?? []).map((one) => one.class), filters.class ?? ""]),
    ]
        .filter(Boolean)
        .sort();
    return (
        <>
            <Title text={t("bad.title")} />
            <p class="note">{t("bad.note")}</p>
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
                <Select
                    label={t("col.state")}
                    value={filters.state ?? ""}
                    any={t("filter.any")}
                    onChange={(value) => setParams({ state: value })}
                    choices={STATES.map((one) => [one, t(`bad.${one}`)])}
                />
                <Select
                    label={t("bad.class")}
                    value={filters.class ?? ""}
                    any={t("filter.any")}
                    onChange={(value) => setParams({ class: value })}
                    choices={classes.map((one) => [one, tCode("badclass", one)])}
                />
            </form>
            <Panel
                title={t("bad.list")}
                note={pages.data && t("list.shown", { n: pages.data.length })}
            >
                <Await of={pages} isEmpty={(items) => items.length === 0} empty="bad.empty">
                    {(items) => (
                        <div class="scroll" tabIndex={0} role="group" aria-label={t("bad.list")}>
                            <table>
                                <thead>
                                    <tr>
                                        <th scope="col">{t("bad.received")}</th>
                                        <th scope="col">{t("bad.class")}</th>
                                        <th scope="col">{t("col.site")}</th>
                                        <th scope="col">{t("col.why")}</th>
                                        <th scope="col">{t("col.state")}</th>
                                        <th scope="col">{t("bad.where")}</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {items.map((one) => (
                                        <tr key={`${one.stream}/${one.offset}`}>
                                            <td>
                                                <At at={one.appendedAt} isFull />
                                            </td>
                                            <td>{tCode("badclass", one.class)}</td>
                                            <td>
                                                {one.site ? names.site(one.site) : "—"}
                                                {one.agent && (
                                                    <span class="note"> {one.agent}</span>
                                                )}
                                            </td>
                                            <td class="reason">{one.reason}</td>
                                            <td>
                                                <Badge
                                                    tone={one.state === "open" ? "system" : "quiet"}
                                                >
                                                    {t(`bad.${one.state}`)}
                                                </Badge>
                                            </td>
                                            <td class="num">
                                                {one.stream}/{one.offset}
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

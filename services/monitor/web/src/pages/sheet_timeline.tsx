// 経過表: the case from its first record to its last view, from the facts and the audit.
import type { TimelineLine } from "../api";
import { dateTime } from "../lib/format";
import { useResource } from "../lib/resource";
import { useNames } from "../lib/session";
import { Sheet } from "../lib/sheet";
import { Await } from "../lib/ui";
import { t } from "../lib/words";

const WHAT: Readonly<Record<TimelineLine["what"], string>> = {
    record: "記録",
    supplement: "追記",
    correction: "訂正",
    decision: "判定・決定",
    alert: "検知",
    view: "閲覧",
    export: "出力",
};

const AT_A_SITE: readonly TimelineLine["what"][] = ["record", "supplement", "correction"];

export function TimelineSheet({ record }: { record: string }) {
    const names = useNames();
    const who = (line: TimelineLine) =>
        AT_A_SITE.includes(line.what) ? names.site(line.by) : line.by;
    const page = useResource<TimelineLine[] | { items: TimelineLine[] }>(
        `/timeline/${encodeURIComponent(record)}`,
    );
    return (
        <Sheet name={t("sheet.timeline")} paper="経過表">
            <Await of={page}>
                {(data) => {
                    const lines = Array.isArray(data) ? data : data.items;
                    return (
                        <table>
                            <thead>
                                <tr>
                                    <th scope="col">日時</th>
                                    <th scope="col">区分</th>
                                    <th scope="col">内容</th>
                                    <th scope="col">誰が</th>
                                </tr>
                            </thead>
                            <tbody>
                                {lines.map((one) => (
                                    <tr key={`${one.at} ${one.what} ${one.object}`}>
                                        <td>{dateTime(one.at)}</td>
                                        <td>{WHAT[one.what] ?? one.what}</td>
                                        <td>{one.reasons.ja}</td>
                                        <td>{who(one)}</td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    );
                }}
            </Await>
            <p>記録番号 {record}</p>
        </Sheet>
    );
}

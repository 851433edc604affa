// 回答履歴: "on dates x, y, z you came with the same matter; our answer does not change."
import type { SubjectPage } from "../api";
import { longDate } from "../lib/format";
import { givePurpose, PurposeForm, usePurpose } from "../lib/purpose";
import { useResource } from "../lib/resource";
import { type Names, useNames } from "../lib/session";
import { Sheet } from "../lib/sheet";
import { At, Await, Panel } from "../lib/ui";
import { t } from "../lib/words";

export function AnswerSheet({ subject }: { subject: string }) {
    const purpose = usePurpose(subject);
    const names = useNames();
    const path =
        purpose === undefined
            ? null
            : `/subjects/${encodeURIComponent(subject)}?purpose=${encodeURIComponent(purpose)}`;
    const page = useResource<SubjectPage>(path);
    if (purpose === undefined)
        return (
            <>
                <h1>{t("sheet.answers")}</h1>
                <Panel title={t("purpose.ask")}>
                    <PurposeForm onGive={(given) => givePurpose(subject, given)} />
                </Panel>
            </>
        );
    return (
        <Sheet name={t("sheet.answers")} paper="回答履歴">
            <Await of={page}>{(data) => <Paper subject={data} names={names} />}</Await>
        </Sheet>
    );
}

interface Matter {
    matter: string;
    asked: { at: string; sites: string[] }[];
    answered: { at: string; site: string; isFinal: boolean }[];
}

/** Each matter with the days it was brought up and the answers it got, oldest first. */
export function mattersOf(subject: SubjectPage): Matter[] {
    const matters = new Map<string, Matter>();
    const of = (matter: string): Matter => {
        const found = matters.get(matter) ?? { matter, asked: [], answered: [] };
        matters.set(matter, found);
        return found;
    };
    for (const one of subject.occurrences.items)
        for (const matter of one.matters.length > 0 ? one.matters : [""])
            of(matter).asked.push({ at: one.startAt, sites: one.sites });
    for (const one of subject.answers)
        of(one.matter ?? "").answered.push({
            at: one.recordedAt,
            site: one.site,
            isFinal: one.final,
        });
    for (const one of matters.values()) {
        one.asked.sort((a, b) => a.at.localeCompare(b.at));
        one.answered.sort((a, b) => a.at.localeCompare(b.at));
    }
    return [...matters.values()].sort((a, b) => b.answered.length - a.answered.length);
}

function Paper({ subject, names }: { subject: SubjectPage; names: Names }) {
    const matters = mattersOf(subject);
    if (matters.length === 0) return <p>お申し出と回答の記録はありません。</p>;
    return (
        <>
            {matters.map((one) => (
                <section key={one.matter}>
                    <h3>用件: {one.matter || "(用件の記載なし)"}</h3>
                    {one.asked.length > 0 && (
                        <p>
                            {one.asked.map((asked) => longDate(asked.at)).join("、")}に、
                            {one.asked.length > 1 && one.matter ? "同じ用件で" : ""}
                            お申し出をいただいています(
                            {one.asked.length}回)。
                        </p>
                    )}
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">日時</th>
                                <th scope="col">拠点</th>
                                <th scope="col">区分</th>
                            </tr>
                        </thead>
                        <tbody>
                            {one.asked.map((asked) => (
                                <tr key={`q ${asked.at}`}>
                                    <td>
                                        <At at={asked.at} isFull />
                                    </td>
                                    <td>{asked.sites.map(names.site).join("・")}</td>
                                    <td>お申し出</td>
                                </tr>
                            ))}
                            {one.answered.map((answered) => (
                                <tr key={`a ${answered.at} ${answered.site}`}>
                                    <td>
                                        <At at={answered.at} isFull />
                                    </td>
                                    <td>{names.site(answered.site)}</td>
                                    <td>{answered.isFinal ? "当社の最終回答" : "当社の回答"}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                    {one.answered.some((answered) => answered.isFinal) && (
                        <p>
                            <strong>
                                上記のとおり、
                                {longDate(
                                    one.answered.filter((answered) => answered.isFinal).at(-1)
                                        ?.at ?? "",
                                )}
                                に最終の回答をお伝えしています。当社の回答は変わりません。
                            </strong>
                        </p>
                    )}
                </section>
            ))}
        </>
    );
}

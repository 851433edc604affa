// One happening, as counted: every record of it and why it belongs.
import type { OccurrencePage as Occurrence } from "../api";
import { duration } from "../lib/format";
import { useResource } from "../lib/resource";
import { href } from "../lib/route";
import { At, Await, Badge, Panel, Title } from "../lib/ui";
import { pick, t } from "../lib/words";
import { RecordTable } from "./incidents";

export function OccurrencePage({ id }: { id: string }) {
    const occurrence = useResource<Occurrence>(`/occurrences/${encodeURIComponent(id)}`, [
        "decision",
    ]);
    return (
        <>
            <Title text={t("occurrence.title")} />
            <Await of={occurrence}>
                {(data) => (
                    <>
                        <p class="lead">
                            <At at={data.firstAt} isFull /> – <At at={data.lastAt} isFull />{" "}
                            <Badge tone={data.standing === "disputed" ? "attention" : "quiet"}>
                                {t(`standing.${data.standing}`)}
                            </Badge>
                        </p>
                        <Panel title={t("occurrence.records")} note={t("occurrence.note")}>
                            <RecordTable
                                items={data.records}
                                label={t("occurrence.records")}
                                reason={(one) =>
                                    pick(
                                        data.records.find((row) => row.recordId === one.recordId)
                                            ?.reasons,
                                    )
                                }
                            />
                        </Panel>
                        <Panel title={t("occurrence.parts")}>
                            {data.parts.length === 0 && <p class="empty">{t("persons.empty")}</p>}
                            <ul class="lines">
                                {data.parts.map((part) => (
                                    <li key={part.subject}>
                                        <a href={href(`/subjects/${part.subject}`)}>
                                            {t("persons.subject")}
                                        </a>{" "}
                                        <Badge tone="quiet">
                                            {t(
                                                part.counts
                                                    ? "occurrence.counts"
                                                    : "occurrence.counts.not",
                                            )}
                                        </Badge>{" "}
                                        <span class="note">
                                            {t(part.hasIncident ? "kind.incident" : "kind.contact")}
                                            {part.talkMs > 0 &&
                                                ` ${t("fact.spent")} ${duration(part.talkMs)}`}
                                        </span>
                                    </li>
                                ))}
                            </ul>
                        </Panel>
                    </>
                )}
            </Await>
        </>
    );
}

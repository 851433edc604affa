// 判定デスク: what waits for a person. Bulk judging takes a note and says honestly what was refused; what
// is found to be harassment is judged one by one, on its own page.
import { useState } from "preact/hooks";
import type {
    BulkAnswer,
    Elements,
    NewDecision,
    ProposedDecision,
    ReviewTask,
    Verdict,
} from "../api";
import { newKey, post, Trouble } from "../lib/client";
import { noteSent } from "../lib/decide";
import { usePages } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href, setParams, useRoute } from "../lib/route";
import { useNames, useRole } from "../lib/session";
import { At, Await, Badge, More, Panel, ReasonField, Select, Title, TroubleBox } from "../lib/ui";
import { lang, pick, t, tCode } from "../lib/words";
import { Proposals } from "./proposals";
import { isWhole, VerdictFields } from "./verdict";

const KINDS = [
    "suspected",
    "disputed",
    "proposal",
    "tells_nobody",
    "joined",
    "retracted",
    "watch",
    "switchboard",
    "void_alias",
    "class_conflict",
    "inert_decision",
    "inert_record",
] as const;
const JUDGEABLE: readonly ReviewTask["kind"][] = ["suspected", "disputed"];
const BULK_VERDICTS: readonly Verdict[] = ["complaint", "rejected"];
const BULK_MAX = 100;

function isJudgeable(task: ReviewTask): boolean {
    return JUDGEABLE.includes(task.kind) && task.recordId !== undefined;
}

export function ReviewPage() {
    const { params } = useRoute();
    const role = useRole();
    const mayPropose = role === "headquarters" || role === "privacy";
    const kind = params.get("kind") ?? "";
    const pages = usePages<ReviewTask>("/review", { kind }, ["decision", "record"]);
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const mayJudge = useMayDecide()("verdict");
    const tasks = pages.data ?? [];
    const picked = tasks
        .filter((task) => mayJudge && chosen.has(task.task) && isJudgeable(task))
        .slice(0, BULK_MAX);

    return (
        <>
            <Title text={t("review.title")} />
            <p class="note">{t("review.note")}</p>
            {mayPropose && <ProposalsPanel />}
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
                <Select
                    label={t("review.kind")}
                    value={kind}
                    any={t("filter.any")}
                    onChange={(value) => setParams({ kind: value })}
                    choices={KINDS.map((one) => [one, t(`task.${one}`)])}
                />
            </form>
            <Panel
                title={t("review.tasks")}
                note={pages.data && t("list.shown", { n: tasks.length })}
            >
                <Await of={pages} isEmpty={(items) => items.length === 0} empty="review.empty">
                    {(items) => (
                        <TaskTable
                            tasks={items}
                            mayJudge={mayJudge}
                            chosen={chosen}
                            onChosen={setChosen}
                        />
                    )}
                </Await>
                <More of={pages} />
            </Panel>
            <BulkForm
                tasks={picked}
                onDone={() => {
                    setChosen(new Set());
                    pages.refresh();
                }}
            />
        </>
    );
}

function ProposalsPanel() {
    const proposals = usePages<ProposedDecision>("/proposed-decisions", { state: "open" }, [
        "decision",
    ]);
    return (
        <Panel title={t("proposal.title")} note={t("restrict.two")}>
            <Await of={proposals} isEmpty={(items) => items.length === 0} empty="proposal.empty">
                {(items) => <Proposals proposals={items} onDone={proposals.refresh} />}
            </Await>
        </Panel>
    );
}

function TaskTable(props: {
    tasks: readonly ReviewTask[];
    mayJudge: boolean;
    chosen: ReadonlySet<string>;
    onChosen: (chosen: ReadonlySet<string>) => void;
}) {
    const names = useNames();
    const { tasks, chosen, onChosen } = props;
    const judgeable = tasks.filter((task) => props.mayJudge && isJudgeable(task));
    const isAll = judgeable.length > 0 && judgeable.every((task) => chosen.has(task.task));

    function toggle(task: ReviewTask): void {
        const next = new Set(chosen);
        if (!next.delete(task.task)) next.add(task.task);
        onChosen(next);
    }

    return (
        <div class="scroll" tabIndex={0} role="group" aria-label={t("review.tasks")}>
            <table>
                <thead>
                    <tr>
                        <th scope="col">
                            <input
                                type="checkbox"
                                aria-label={t("review.all")}
                                disabled={judgeable.length === 0}
                                checked={isAll}
                                onChange={() =>
                                    onChosen(
                                        new Set(isAll ? [] : judgeable.map((task) => task.task)),
                                    )
                                }
                            />
                        </th>
                        <th scope="col">{t("col.when")}</th>
                        <th scope="col">{t("review.kind")}</th>
                        <th scope="col">{t("col.site")}</th>
                        <th scope="col">{t("col.why")}</th>
                        <th scope="col">{t("review.open")}</th>
                    </tr>
                </thead>
                <tbody>
                    {tasks.map((task) => (
                        <tr key={task.task}>
                            <td>
                                {judgeable.includes(task) && (
                                    <input
                                        type="checkbox"
                                        aria-label={t("review.choose")}
                                        checked={chosen.has(task.task)}
                                        onChange={() => toggle(task)}
                                    />
                                )}
                            </td>
                            <td>
                                <At at={task.since} />
                            </td>
                            <td>
                                <Badge tone={isJudgeable(task) ? "attention" : "quiet"}>
                                    {tCode("task", task.kind)}
                                </Badge>
                            </td>
                            <td>{task.site ? names.site(task.site) : "—"}</td>
                            <td class="reason">{pick(task.reasons)}</td>
                            <td>
                                <TaskLinks task={task} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function TaskLinks({ task }: { task: ReviewTask }) {
    return (
        <span class="links">
            {task.recordId && (
                <a href={href(`/incidents/${task.recordId}`)}>{t("review.record")}</a>
            )}
            {!task.recordId && task.occurrence && (
                <a href={href(`/occurrences/${task.occurrence}`)}>{t("incident.occurrence")}</a>
            )}
            {task.subject && <a href={href(`/subjects/${task.subject}`)}>{t("persons.subject")}</a>}
            {task.decisionNo !== undefined && <span class="note">#{task.decisionNo}</span>}
        </span>
    );
}

interface Outcome {
    done: number;
    refused: { task: ReviewTask; title: string }[];
}

function BulkForm(props: { tasks: readonly ReviewTask[]; onDone: () => void }) {
    const { tasks } = props;
    const names = useNames();
    const [verdict, setVerdict] = useState<Verdict>();
    const [answers, setAnswers] = useState<Partial<Elements>>({});
    const [reason, setReason] = useState("");
    const [outcome, setOutcome] = useState<Outcome>();
    const [trouble, setTrouble] = useState<Trouble>();
    const [isBusy, setBusy] = useState(false);

    async function send(): Promise<void> {
        if (verdict === undefined || !isWhole(answers)) return;
        const decisions: NewDecision[] = tasks.map((task) => ({
            kind: "verdict",
            records: [task.recordId ?? ""],
            value: verdict,
            elements: answers,
            reason,
        }));
        setBusy(true);
        setTrouble(undefined);
        try {
            const answer = await post<BulkAnswer & { decisionNo?: number }>(
                "/decisions/bulk",
                { decisions },
                { idempotencyKey: newKey() },
            );
            if (answer.decisionNo !== undefined) noteSent({ decisionNo: answer.decisionNo });
            setOutcome({
                done: answer.done,
                refused: answer.refused.flatMap((one) => {
                    const task = tasks[one.index];
                    return task
                        ? [{ task, title: one.problem.titles[lang.get()] || one.problem.title }]
                        : [];
                }),
            });
            setReason("");
            props.onDone();
        } catch (error) {
            setTrouble(error instanceof Trouble ? error : new Trouble());
        } finally {
            setBusy(false);
        }
    }

    return (
        <>
            <div role="status">
                {outcome && (
                    <div class="panel outcome">
                        <p>
                            <strong>{t("bulk.done", { n: outcome.done })}</strong>{" "}
                            {outcome.refused.length > 0 &&
                                t("bulk.refused", { n: outcome.refused.length })}
                        </p>
                        <ul class="lines">
                            {outcome.refused.map((one) => (
                                <li key={one.task.task}>
                                    <a href={href(`/incidents/${one.task.recordId}`)}>
                                        {one.task.site
                                            ? names.site(one.task.site)
                                            : t("review.record")}
                                    </a>{" "}
                                    {one.title}
                                </li>
                            ))}
                        </ul>
                    </div>
                )}
            </div>
            {tasks.length > 0 && (
                <Panel title={t("bulk.title", { n: tasks.length })} class="bulk">
                    <form
                        onSubmit={(event) => {
                            event.preventDefault();
                            void send();
                        }}
                    >
                        <p class="note">{t("bulk.note")}</p>
                        <VerdictFields
                            verdict={verdict}
                            verdicts={BULK_VERDICTS}
                            answers={answers}
                            onVerdict={setVerdict}
                            onAnswers={setAnswers}
                        />
                        <ReasonField value={reason} onValue={setReason} />
                        {trouble && <TroubleBox trouble={trouble} />}
                        <div class="buttons">
                            <button type="submit" class="primary" disabled={isBusy}>
                                {t("bulk.send", { n: tasks.length })}
                            </button>
                        </div>
                    </form>
                </Panel>
            )}
        </>
    );
}

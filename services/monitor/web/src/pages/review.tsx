// 判定デスク: what waits for a person. Bulk judging takes a note, says honestly what was refused, and can be
// undone; what is found to be harassment is judged one by one, on its own page.
import { useState } from "preact/hooks";
import type { BulkAnswer, NewDecision, ProposedDecision, ReviewTask, Verdict } from "../api";
import { noteSent, useSending } from "../lib/decide";
import { FilterForm, useFilters } from "../lib/filters";
import { ListPanel, Table } from "../lib/list";
import { usePages } from "../lib/resource";
import { useMayDecide } from "../lib/rights";
import { href } from "../lib/route";
import { type Names, useNames, useRole } from "../lib/session";
import { At, Await, Badge, CategoryTags, Panel, ReasonDialog, Select, Title } from "../lib/ui";
import { lang, pick, t, tCode } from "../lib/words";
import { Proposals } from "./proposals";
import { VerdictForm } from "./verdict";

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
const ALL = "all";
const JUDGEABLE: readonly ReviewTask["kind"][] = ["suspected", "disputed"];
const BULK_VERDICTS: readonly Verdict[] = ["complaint", "rejected"];
const BULK_MAX = 100;

function isJudgeable(task: ReviewTask): boolean {
    return JUDGEABLE.includes(task.kind) && task.recordId !== undefined;
}

export function ReviewPage() {
    const role = useRole();
    const mayPropose = role === "headquarters" || role === "privacy";
    const { values, field } = useFilters(["kind"], { kind: "suspected" });
    const kind = values.kind === ALL ? undefined : values.kind;
    const pages = usePages<ReviewTask>("/review", { kind }, ["decision", "record"]);
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const mayJudge = useMayDecide()("verdict");
    const picked = (pages.data ?? [])
        .filter((task) => mayJudge && chosen.has(task.task) && isJudgeable(task))
        .slice(0, BULK_MAX);

    return (
        <>
            <Title text={t("review.title")} />
            <p class="note">{t("review.note")}</p>
            {mayPropose && <ProposalsPanel />}
            <FilterForm>
                <Select
                    label={t("review.kind")}
                    choices={[
                        ...KINDS.map((one) => [one, t(`task.${one}`)] as const),
                        [ALL, t("filter.any")],
                    ]}
                    {...field("kind")}
                />
            </FilterForm>
            {kind !== undefined && <p class="note">{tCode("todo", kind)}</p>}
            <ListPanel title={t("review.tasks")} of={pages} empty="review.empty">
                {(items) => (
                    <TaskTable
                        tasks={items}
                        mayJudge={mayJudge}
                        chosen={chosen}
                        onChosen={setChosen}
                    />
                )}
            </ListPanel>
            <Bulk
                tasks={picked}
                onDone={() => {
                    setChosen(new Set());
                    pages.refresh();
                }}
            />
        </>
    );
}

/** Nothing to approve takes no room. */
function ProposalsPanel() {
    const proposals = usePages<ProposedDecision>("/proposed-decisions", { state: "open" }, [
        "decision",
    ]);
    return (
        <Await of={proposals}>
            {(items) => (
                <Panel title={t("proposal.title")} note={t("restrict.two")}>
                    {items.length === 0 ? (
                        <p class="empty">{t("proposal.empty")}</p>
                    ) : (
                        <Proposals proposals={items} onDone={proposals.refresh} />
                    )}
                </Panel>
            )}
        </Await>
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
        <Table
            label={t("review.tasks")}
            items={tasks}
            keyOf={(task) => task.task}
            columns={[
                judgeable.length > 0 && {
                    head: (
                        <input
                            type="checkbox"
                            aria-label={t("review.all")}
                            checked={isAll}
                            onChange={() =>
                                onChosen(new Set(isAll ? [] : judgeable.map((task) => task.task)))
                            }
                        />
                    ),
                    cell: (task) =>
                        judgeable.includes(task) && (
                            <input
                                type="checkbox"
                                aria-label={t("review.choose", { what: taskText(task, names) })}
                                checked={chosen.has(task.task)}
                                onChange={() => toggle(task)}
                            />
                        ),
                },
                { head: t("col.when"), cell: (task) => <At at={task.since} /> },
                new Set(tasks.map((task) => task.kind)).size > 1 && {
                    head: t("review.kind"),
                    cell: (task) => (
                        <Badge tone={isJudgeable(task) ? "attention" : "quiet"}>
                            {tCode("task", task.kind)}
                        </Badge>
                    ),
                },
                {
                    head: t("col.site"),
                    cell: (task) => (
                        <>
                            {task.site ? names.site(task.site) : "—"}
                            {task.channel && (
                                <span class="note"> {tCode("channel", task.channel)}</span>
                            )}
                        </>
                    ),
                },
                tasks.some((task) => task.categories !== undefined) && {
                    head: t("col.category"),
                    cell: (task) => task.categories && <CategoryTags names={task.categories} />,
                },
                { head: t("col.why"), class: "reason", cell: (task) => pick(task.reasons) },
                { head: t("review.open"), cell: (task) => <TaskLinks task={task} /> },
            ]}
        />
    );
}

function taskText(task: ReviewTask, names: Names): string {
    const site = task.site ? names.site(task.site) : "";
    return [site, ...(task.categories ?? []).map(names.category)].filter(Boolean).join(" ");
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

interface Line {
    task: ReviewTask;
    decisionNo?: number;
    title?: string; // why not
}

interface Outcome {
    done: Line[];
    refused: Line[];
}

function outcomeOf(answer: BulkAnswer, tasks: readonly ReviewTask[]): Outcome {
    const line = (index: number, rest: Omit<Line, "task">): Line[] => {
        const task = tasks[index];
        return task === undefined ? [] : [{ task, ...rest }];
    };
    return {
        done: answer.decided.flatMap((one) => line(one.index, { decisionNo: one.decisionNo })),
        refused: answer.refused.flatMap(({ index, problem }) =>
            line(index, { title: problem.titles[lang.get()] || problem.title }),
        ),
    };
}

function useBulk() {
    const { isBusy, trouble, send } = useSending();
    async function decideAll(decisions: NewDecision[]): Promise<BulkAnswer | undefined> {
        const answer = await send<BulkAnswer>("/decisions/bulk", { decisions });
        const last = answer?.decided.at(-1);
        if (last !== undefined) noteSent({ decisionNo: last.decisionNo });
        return answer;
    }
    return { isBusy, trouble, decideAll };
}

function Bulk(props: { tasks: readonly ReviewTask[]; onDone: () => void }) {
    const { tasks } = props;
    const [outcome, setOutcome] = useState<Outcome>();
    const { isBusy, trouble, decideAll } = useBulk();
    return (
        <>
            <div role="status">
                {outcome && (
                    <OutcomePanel
                        outcome={outcome}
                        onUndone={(left) => {
                            setOutcome(left);
                            props.onDone();
                        }}
                    />
                )}
            </div>
            {tasks.length > 0 && (
                <Panel title={t("bulk.title", { n: tasks.length })} class="bulk">
                    <VerdictForm
                        verdicts={BULK_VERDICTS}
                        note={t("bulk.note")}
                        action={t("bulk.send", { n: tasks.length })}
                        isBusy={isBusy}
                        trouble={trouble}
                        onSend={async (parts) => {
                            const answer = await decideAll(
                                tasks.map((task) => ({ ...parts, records: [task.recordId ?? ""] })),
                            );
                            if (answer === undefined) return false;
                            setOutcome(outcomeOf(answer, tasks));
                            props.onDone();
                            return true;
                        }}
                    />
                </Panel>
            )}
        </>
    );
}

/** What became of each, by its number, and the way back for all of them at once. */
function OutcomePanel(props: { outcome: Outcome; onUndone: (left: Outcome | undefined) => void }) {
    const { outcome } = props;
    const [isAsking, setAsking] = useState(false);
    const [reason, setReason] = useState("");
    const { isBusy, trouble, decideAll } = useBulk();

    async function undo(): Promise<void> {
        const answer = await decideAll(
            outcome.done.map((one) => ({ kind: "revoke", revokes: one.decisionNo, reason })),
        );
        if (answer === undefined) return;
        setAsking(false);
        const tasks = outcome.done.map((one) => one.task);
        const { refused } = outcomeOf(answer, tasks);
        props.onUndone(refused.length === 0 ? undefined : { done: [], refused });
    }

    return (
        <div class="panel outcome">
            <p>
                <strong>{t("bulk.done", { n: outcome.done.length })}</strong>{" "}
                {outcome.refused.length > 0 && t("bulk.refused", { n: outcome.refused.length })}
            </p>
            <ul class="lines">
                {[...outcome.refused, ...outcome.done].map((one) => (
                    <OutcomeLine key={one.task.task} line={one} />
                ))}
            </ul>
            {outcome.done.length > 0 && (
                <p>
                    <button type="button" class="small" onClick={() => setAsking(true)}>
                        {t("bulk.undo", { n: outcome.done.length })}
                    </button>
                </p>
            )}
            {isAsking && (
                <ReasonDialog
                    title={t("bulk.undo.title", { n: outcome.done.length })}
                    action={t("decisions.revoke")}
                    isBusy={isBusy}
                    trouble={trouble}
                    reason={reason}
                    onReason={setReason}
                    onClose={() => setAsking(false)}
                    onSubmit={() => void undo()}
                />
            )}
        </div>
    );
}

function OutcomeLine({ line }: { line: Line }) {
    const names = useNames();
    return (
        <li>
            <a href={href(`/incidents/${line.task.recordId}`)}>
                {line.task.site ? names.site(line.task.site) : t("review.record")}
            </a>{" "}
            <At at={line.task.since} />{" "}
            {line.decisionNo !== undefined && t("bulk.number", { no: line.decisionNo })}
            {line.title}
        </li>
    );
}

// Refusals that wait for a second person. Whoever proposed one may withdraw it, not approve it.
import { useState } from "preact/hooks";
import type { ProposedDecision } from "../api";
import { type Accepted, noteSent, useSending } from "../lib/decide";
import { dateOnly } from "../lib/format";
import { useMayDecide } from "../lib/rights";
import { useNames } from "../lib/session";
import { At, Badge, ReasonDialog } from "../lib/ui";
import { t } from "../lib/words";

interface Answering {
    proposal: ProposedDecision;
    verb: "approve" | "withdraw";
}

export function Proposals(props: { proposals: readonly ProposedDecision[]; onDone: () => void }) {
    const names = useNames();
    const [answering, setAnswering] = useState<Answering>();
    const mayClose = useMayDecide()("restrict");
    return (
        <>
            <ul class="lines">
                {props.proposals.map((one) => (
                    <li key={one.id}>
                        <Badge tone="attention">{t("proposal.open")}</Badge>{" "}
                        <strong>
                            {t(
                                one.decision.kind === "confirm_person"
                                    ? "decision.confirm_person"
                                    : "decision.restrict",
                            )}
                        </strong>{" "}
                        {one.decision.until &&
                            t("restrict.until", { d: dateOnly(one.decision.until) })}{" "}
                        <span class="note">
                            {names.siteList(one.decision.scope ?? []) || t("restrict.chain")}
                        </span>
                        <p>{one.decision.reason}</p>
                        <p class="note">
                            <At at={one.madeAt} isFull /> {one.madeBy} ·{" "}
                            {t("proposal.expires", { d: dateOnly(one.expiresAt) })}
                        </p>
                        <div class="buttons">
                            {one.mayApprove ? (
                                <button
                                    type="button"
                                    class="small"
                                    onClick={() => setAnswering({ proposal: one, verb: "approve" })}
                                >
                                    {t("proposal.approve")}
                                </button>
                            ) : (
                                <span class="note">{t("proposal.other")}</span>
                            )}
                            {mayClose && (
                                <button
                                    type="button"
                                    class="quiet small"
                                    onClick={() =>
                                        setAnswering({ proposal: one, verb: "withdraw" })
                                    }
                                >
                                    {t("proposal.withdraw")}
                                </button>
                            )}
                        </div>
                    </li>
                ))}
            </ul>
            {answering && (
                <AnswerDialog
                    answering={answering}
                    onClose={() => setAnswering(undefined)}
                    onDone={props.onDone}
                />
            )}
        </>
    );
}

function AnswerDialog(props: { answering: Answering; onClose: () => void; onDone: () => void }) {
    const { proposal, verb } = props.answering;
    const [reason, setReason] = useState("");
    const { isBusy, trouble, send } = useSending();

    async function answer(): Promise<void> {
        const path = `/proposed-decisions/${encodeURIComponent(proposal.id)}/${verb}`;
        const accepted = await send<Accepted>(path, { reason });
        if (accepted === undefined) return;
        if (accepted.decisionNo !== undefined) noteSent(accepted);
        props.onClose();
        props.onDone();
    }

    return (
        <ReasonDialog
            title={t(`proposal.${verb}.title`)}
            action={t(`proposal.${verb}`)}
            isBusy={isBusy}
            trouble={trouble}
            reason={reason}
            onReason={setReason}
            onClose={props.onClose}
            onSubmit={() => void answer()}
        >
            <p class="note">{t("restrict.note")}</p>
        </ReasonDialog>
    );
}

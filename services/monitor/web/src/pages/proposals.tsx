// Refusals that wait for a second person. Whoever proposed one may withdraw it, not approve it.
import { useRef, useState } from "preact/hooks";
import type { ProposedDecision } from "../api";
import { newKey, post, Trouble } from "../lib/client";
import { type Accepted, noteSent } from "../lib/decide";
import { dateOnly } from "../lib/format";
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
                            {one.decision.scope?.map(names.site).join("・") || t("restrict.chain")}
                        </span>
                        <p>{one.decision.reason}</p>
                        <p class="note">
                            <At at={one.madeAt} isFull /> {one.madeBy}
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
                            <button
                                type="button"
                                class="quiet small"
                                onClick={() => setAnswering({ proposal: one, verb: "withdraw" })}
                            >
                                {t("proposal.withdraw")}
                            </button>
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
    const key = useRef(newKey());
    const [isBusy, setBusy] = useState(false);
    const [trouble, setTrouble] = useState<Trouble>();

    async function send(): Promise<void> {
        setBusy(true);
        try {
            const path = `/proposed-decisions/${encodeURIComponent(proposal.id)}/${verb}`;
            const accepted = await post<Accepted | undefined>(
                path,
                { reason },
                { idempotencyKey: key.current },
            );
            if (verb === "approve" && accepted?.decisionNo !== undefined) noteSent(accepted);
            props.onClose();
            props.onDone();
        } catch (error) {
            setTrouble(error instanceof Trouble ? error : new Trouble());
            setBusy(false);
        }
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
            onSubmit={() => void send()}
        >
            <p class="note">{t("restrict.note")}</p>
        </ReasonDialog>
    );
}

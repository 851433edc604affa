// What people decided, newest first, and the way back: a decision is never deleted, only revoked.
import { useState } from "preact/hooks";
import type { DecisionLine } from "../api";
import { useDecide } from "../lib/decide";
import { useRole, useSession } from "../lib/session";
import { At, Badge, ReasonDialog } from "../lib/ui";
import { t, tCode } from "../lib/words";

/** As the monitor judges it: one's own verdicts, what protects a person, or at headquarters all. */
function useMayRevoke(): (decision: DecisionLine) => boolean {
    const { account } = useSession();
    const role = useRole();
    return (decision) =>
        role === "headquarters" ||
        (role === "supervisor" && decision.kind === "verdict" && decision.madeBy === account) ||
        (role === "privacy" && decision.kind === "not_listable");
}

export function DecisionTable(props: { decisions: readonly DecisionLine[]; onDone: () => void }) {
    const mayRevoke = useMayRevoke();
    const [revoking, setRevoking] = useState<DecisionLine>();
    const sorted = [...props.decisions].sort((a, b) => b.decisionNo - a.decisionNo);
    if (sorted.length === 0) return <p class="empty">{t("decisions.empty")}</p>;
    return (
        <>
            <ol class="decisions">
                {sorted.map((one) => (
                    <li key={one.decisionNo} class={one.inForce || one.pending ? "" : "off"}>
                        <p>
                            <span class="note">#{one.decisionNo}</span>{" "}
                            <strong>{tCode("decision", one.kind)}</strong>{" "}
                            {one.value &&
                                tCode(
                                    one.kind === "verdict" ? "verdict" : "answer",
                                    one.value,
                                )}{" "}
                            {one.pending && (
                                <Badge tone="attention">{t("decisions.pending")}</Badge>
                            )}
                            {!one.inForce && !one.pending && (
                                <Badge tone="quiet">{t("decisions.off")}</Badge>
                            )}
                        </p>
                        <p class="note">
                            <At at={one.madeAt} isFull /> {one.madeBy}
                            {one.secondBy && ` + ${one.secondBy}`}
                        </p>
                        <p>{one.reason}</p>
                        {one.elements && (
                            <p class="note">
                                {(["act", "beyond", "harm"] as const)
                                    .map(
                                        (name) =>
                                            `${t(`element.${name}.short`)}: ${t(one.elements?.[name] ? "answer.yes" : "answer.no")}`,
                                    )
                                    .join(" / ")}
                            </p>
                        )}
                        {one.inForce && !one.pending && one.kind !== "revoke" && mayRevoke(one) && (
                            <button
                                type="button"
                                class="quiet small"
                                onClick={() => setRevoking(one)}
                            >
                                {t("decisions.revoke")}
                            </button>
                        )}
                    </li>
                ))}
            </ol>
            {revoking && (
                <Revoke
                    decision={revoking}
                    onClose={() => setRevoking(undefined)}
                    onDone={props.onDone}
                />
            )}
        </>
    );
}

export function Revoke(props: {
    decision: { decisionNo: number; kind: string };
    onClose: () => void;
    onDone: () => void;
}) {
    const [reason, setReason] = useState("");
    const { decide, isBusy, trouble } = useDecide();

    async function send(): Promise<void> {
        if (!(await decide({ kind: "revoke", revokes: props.decision.decisionNo, reason }))) return;
        props.onClose();
        props.onDone();
    }

    return (
        <ReasonDialog
            title={t("revoke.title", {
                no: props.decision.decisionNo,
                kind: tCode("decision", props.decision.kind),
            })}
            action={t("decisions.revoke")}
            isBusy={isBusy}
            trouble={trouble}
            reason={reason}
            onReason={setReason}
            onClose={props.onClose}
            onSubmit={() => void send()}
        />
    );
}

// The verdict: a person answers the three elements and says why. Nothing is preselected.
import { useState } from "preact/hooks";
import type { Elements, NewDecision, Verdict } from "../api";
import type { Trouble } from "../lib/client";
import { useDecide } from "../lib/decide";
import { ReasonField, TroubleBox } from "../lib/ui";
import { t } from "../lib/words";

const VERDICTS: readonly Verdict[] = ["complaint", "suspected", "confirmed", "rejected"];
const ELEMENTS = ["act", "beyond", "harm"] as const;
type Answers = Partial<Elements>;

function isWhole(answers: Answers): answers is Elements {
    return ELEMENTS.every((one) => answers[one] !== undefined);
}

function VerdictFields(props: {
    verdict: Verdict | undefined;
    verdicts: readonly Verdict[];
    answers: Answers;
    onVerdict: (verdict: Verdict) => void;
    onAnswers: (answers: Answers) => void;
}) {
    const { answers } = props;
    const isContradiction =
        props.verdict === "confirmed" && ELEMENTS.some((one) => answers[one] === false);
    return (
        <>
            <fieldset>
                <legend>{t("verdict.elements")}</legend>
                <table class="plain elements">
                    <tbody>
                        {ELEMENTS.map((one) => (
                            <tr key={one}>
                                <th scope="row" id={`element-${one}`}>
                                    {t(`element.${one}`)}
                                </th>
                                {[true, false].map((value) => (
                                    <td key={String(value)}>
                                        <label class="choice">
                                            <input
                                                type="radio"
                                                name={`element-${one}`}
                                                required
                                                aria-describedby={`element-${one}`}
                                                checked={answers[one] === value}
                                                onChange={() =>
                                                    props.onAnswers({ ...answers, [one]: value })
                                                }
                                            />
                                            {t(value ? "answer.yes" : "answer.no")}
                                        </label>
                                    </td>
                                ))}
                            </tr>
                        ))}
                    </tbody>
                </table>
            </fieldset>
            <fieldset>
                <legend>{t("verdict.choose")}</legend>
                {props.verdicts.map((one) => (
                    <label key={one} class="choice">
                        <input
                            type="radio"
                            name="verdict"
                            required
                            checked={props.verdict === one}
                            onChange={() => props.onVerdict(one)}
                        />
                        {t(`verdict.${one}`)}
                    </label>
                ))}
            </fieldset>
            {isContradiction && (
                <p class="kind-note" role="status">
                    {t("verdict.contradiction")}
                </p>
            )}
        </>
    );
}

type Parts = Omit<NewDecision, "records">;

/** One form for one report and for many. onSend is told whether it was taken: then it begins anew. */
export function VerdictForm(props: {
    verdicts?: readonly Verdict[];
    note: string;
    action: string;
    isBusy: boolean;
    trouble: Trouble | undefined;
    onSend: (parts: Parts) => Promise<boolean>;
}) {
    const [verdict, setVerdict] = useState<Verdict>();
    const [answers, setAnswers] = useState<Answers>({});
    const [reason, setReason] = useState("");

    async function send(): Promise<void> {
        if (verdict === undefined || !isWhole(answers)) return;
        const parts: Parts = { kind: "verdict", value: verdict, elements: answers, reason };
        if (!(await props.onSend(parts))) return;
        setVerdict(undefined);
        setAnswers({});
        setReason("");
    }

    return (
        <form
            onSubmit={(event) => {
                event.preventDefault();
                void send();
            }}
        >
            <p class="note">{props.note}</p>
            <VerdictFields
                verdict={verdict}
                verdicts={props.verdicts ?? VERDICTS}
                answers={answers}
                onVerdict={setVerdict}
                onAnswers={setAnswers}
            />
            <ReasonField value={reason} onValue={setReason} />
            {props.trouble && <TroubleBox trouble={props.trouble} />}
            <div class="buttons">
                <button type="submit" class="primary" disabled={props.isBusy}>
                    {props.action}
                </button>
            </div>
        </form>
    );
}

export function RecordVerdict(props: { record: string; etag: string | null; onDone: () => void }) {
    const { decide, isBusy, trouble } = useDecide();
    return (
        <VerdictForm
            note={t("verdict.note")}
            action={t("verdict.send")}
            isBusy={isBusy}
            trouble={trouble}
            onSend={async (parts) => {
                const isTaken = await decide({ ...parts, records: [props.record] }, props.etag);
                props.onDone(); // also when it was refused as stale: what is on screen is then old
                return isTaken;
            }}
        />
    );
}

// Why somebody looks at what is said of a person. Asked before it is read, sent with the reading, written
// into the audit by the monitor. Kept for this tab only, so that nobody types it ten times a minute.
import { useState } from "preact/hooks";
import { Store, useStore } from "./store";
import { Dialog } from "./ui";
import { t } from "./words";

export const PURPOSES = ["handling", "judging", "safety", "request", "legal", "audit"] as const;
export type Purpose = (typeof PURPOSES)[number];

const KEPT = "kasumori.purpose";
const last = new Store<string>(sessionStorage.getItem(KEPT) ?? "");
/** What was opened in this tab, and why. */
const given = new Store<ReadonlyMap<string, string>>(new Map());

export function givePurpose(object: string, purpose: string): void {
    sessionStorage.setItem(KEPT, purpose);
    last.set(purpose);
    given.set(new Map(given.get()).set(object, purpose));
}

/** undefined until it was given for this object. */
export function usePurpose(object: string): string | undefined {
    return useStore(given).get(object);
}

export function PurposeForm(props: {
    onGive: (purpose: string) => void;
    onCancel?: () => void;
    action?: string;
}) {
    const [purpose, setPurpose] = useState(useStore(last));
    return (
        <form
            class="purpose"
            onSubmit={(event) => {
                event.preventDefault();
                if (purpose !== "") props.onGive(purpose);
            }}
        >
            <fieldset>
                <legend>{t("purpose.title")}</legend>
                {PURPOSES.map((one) => (
                    <label key={one} class="choice">
                        <input
                            type="radio"
                            name="purpose"
                            value={one}
                            required
                            checked={purpose === one}
                            onChange={() => setPurpose(one)}
                        />
                        {t(`purpose.${one}`)}
                    </label>
                ))}
            </fieldset>
            <p class="note">{t("purpose.note")}</p>
            <div class="buttons">
                <button type="submit" class="primary">
                    {props.action ?? t("purpose.show")}
                </button>
                {props.onCancel && (
                    <button type="button" onClick={props.onCancel}>
                        {t("action.cancel")}
                    </button>
                )}
            </div>
        </form>
    );
}

export function PurposeDialog(props: { onGive: (purpose: string) => void; onClose: () => void }) {
    return (
        <Dialog title={t("purpose.ask")} onClose={props.onClose}>
            <PurposeForm onGive={props.onGive} onCancel={props.onClose} />
        </Dialog>
    );
}

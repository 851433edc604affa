// A proposal to refuse somebody: by whom it is recognised, where, until when, why. It takes effect only when
// a second person agrees.
import { useState } from "preact/hooks";
import type { SubjectPage } from "../api";
import { useDecide } from "../lib/decide";
import { day } from "../lib/format";
import { useNames } from "../lib/session";
import { Input, ReasonField, TroubleBox } from "../lib/ui";
import { t } from "../lib/words";

const DAYS_DEFAULT = 90;

export function RestrictForm(props: {
    subject: SubjectPage;
    onClose: () => void;
    onDone: () => void;
}) {
    const { subject } = props;
    const names = useNames();
    const later = (days: number) => day(new Date(Date.now() + days * 86400e3));
    const [kind, setKind] = useState<"restrict" | "confirm_person">("restrict");
    const [labels, setLabels] = useState<string[]>([]);
    const [isChain, setChain] = useState(false);
    const [scope, setScope] = useState<string[]>(subject.sites);
    const [until, setUntil] = useState(later(DAYS_DEFAULT));
    const [reason, setReason] = useState("");
    const { decide, isBusy, trouble } = useDecide();
    const usable = subject.classes.filter((one) => !one.shared);
    const toggle = (list: string[], one: string) =>
        list.includes(one) ? list.filter((other) => other !== one) : [...list, one];

    async function send(): Promise<void> {
        const isAccepted = await decide({
            kind,
            classes: usable.filter((one) => labels.includes(one.label)).map((one) => one.class),
            scope: kind === "confirm_person" || isChain ? undefined : scope,
            until: `${until}T23:59:59+09:00`,
            reason,
        });
        if (isAccepted) props.onDone();
    }

    const isScoped = isChain || scope.length > 0 || kind === "confirm_person";
    return (
        <form
            class="restrict"
            onSubmit={(event) => {
                event.preventDefault();
                if (labels.length > 0 && isScoped) void send();
            }}
        >
            <p class="kind-note">{t("restrict.note")}</p>
            <fieldset>
                <legend>{t("restrict.kind")}</legend>
                {(["restrict", "confirm_person"] as const).map((one) => (
                    <label key={one} class="choice">
                        <input
                            type="radio"
                            name="restrict-kind"
                            checked={kind === one}
                            onChange={() => setKind(one)}
                        />
                        {t(`decision.${one}`)}
                    </label>
                ))}
            </fieldset>
            <fieldset>
                <legend>{t("restrict.classes")}</legend>
                {usable.length === 0 && <p class="empty">{t("restrict.classes.empty")}</p>}
                {usable.map((one) => (
                    <label key={one.label} class="choice">
                        <input
                            type="checkbox"
                            checked={labels.includes(one.label)}
                            onChange={() => setLabels(toggle(labels, one.label))}
                        />
                        {one.label}
                    </label>
                ))}
            </fieldset>
            {kind === "restrict" && (
                <fieldset>
                    <legend>{t("restrict.scope")}</legend>
                    <label class="choice">
                        <input
                            type="checkbox"
                            checked={isChain}
                            onChange={() => setChain(!isChain)}
                        />
                        {t("restrict.chain")}
                    </label>
                    {!isChain &&
                        subject.sites.map((site) => (
                            <label key={site} class="choice">
                                <input
                                    type="checkbox"
                                    checked={scope.includes(site)}
                                    onChange={() => setScope(toggle(scope, site))}
                                />
                                {names.site(site)}
                            </label>
                        ))}
                </fieldset>
            )}
            <Input
                label={t("restrict.end.date")}
                type="date"
                required
                min={later(1)}
                value={until}
                onValue={setUntil}
            />
            <ReasonField value={reason} onValue={setReason} />
            {trouble && <TroubleBox trouble={trouble} />}
            <div class="buttons">
                <button
                    type="submit"
                    class="primary"
                    disabled={isBusy || labels.length === 0 || !isScoped}
                >
                    {t("restrict.send")}
                </button>
                <button type="button" onClick={props.onClose}>
                    {t("action.cancel")}
                </button>
            </div>
        </form>
    );
}

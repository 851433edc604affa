// 履歴照会: a number typed at headquarters goes to headquarters' own agent, which makes a token of it; the
// monitor never sees it, and it is in no URL. What comes back speaks of the number, never of a person.
import { useState } from "preact/hooks";
import type { Lookup } from "../api";
import { dateOnly } from "../lib/format";
import { PURPOSES } from "../lib/purpose";
import { href } from "../lib/route";
import { useNames, useSession } from "../lib/session";
import { type LookupAnswer, lookUp } from "../lib/tokeniser";
import { At, Badge, Input, Panel, Select, Title } from "../lib/ui";
import { t, tCode } from "../lib/words";

export function LookupPage() {
    const { tokeniserUrl } = useSession();
    const [number, setNumber] = useState("");
    const [purpose, setPurpose] = useState("handling");
    const [answer, setAnswer] = useState<LookupAnswer>();
    const [isBusy, setBusy] = useState(false);

    async function ask(): Promise<void> {
        if (tokeniserUrl === undefined) return;
        setBusy(true);
        setAnswer(undefined);
        setAnswer(await lookUp(tokeniserUrl, number, purpose));
        setBusy(false);
    }

    return (
        <>
            <Title text={t("lookup.title")} />
            <Panel title={t("lookup.ask")}>
                {tokeniserUrl === undefined ? (
                    <p class="empty">{t("lookup.none")}</p>
                ) : (
                    <form
                        class="filters"
                        autocomplete="off"
                        onSubmit={(event) => {
                            event.preventDefault();
                            void ask();
                        }}
                    >
                        <Input
                            label={t("lookup.number")}
                            type="tel"
                            inputMode="tel"
                            required
                            autoComplete="off"
                            maxLength={40}
                            value={number}
                            onValue={setNumber}
                            hint={t("lookup.hint")}
                        />
                        <Select
                            label={t("purpose.title")}
                            value={purpose}
                            onValue={setPurpose}
                            choices={PURPOSES.map((one) => [one, t(`purpose.${one}`)])}
                        />
                        <button type="submit" class="primary" disabled={isBusy}>
                            {t("lookup.send")}
                        </button>
                    </form>
                )}
            </Panel>
            <div role="status" aria-live="polite">
                {isBusy && <p class="loading">{t("state.loading")}</p>}
                {answer && <Answer answer={answer} />}
            </div>
        </>
    );
}

function Answer({ answer }: { answer: LookupAnswer }) {
    if (answer.is === "unavailable")
        return (
            <Panel title={t("lookup.unavailable")}>
                <p>{t("lookup.unavailable.note")}</p>
            </Panel>
        );
    if (answer.is === "not_asked")
        return (
            <Panel title={t("lookup.notasked")}>
                <p>{tCode("withheld", answer.reason)}</p>
            </Panel>
        );
    if (answer.is === "refused")
        return (
            <Panel title={t("lookup.refused")}>
                <p>{answer.title}</p>
            </Panel>
        );
    if (answer.lookup.state === "unknown")
        return (
            <Panel title={t("lookup.unknown")}>
                <p>{t("lookup.unknown.note")}</p>
            </Panel>
        );
    return <Known lookup={answer.lookup} />;
}

function Known({ lookup }: { lookup: Lookup }) {
    const names = useNames();
    return (
        <Panel
            title={t("lookup.known", { n: lookup.contacts })}
            note={t(`certainty.${lookup.certainty}`)}
        >
            <p class="note">{t("lookup.known.note")}</p>
            {lookup.sharedNumber && <p class="kind-note">{t("lookup.shared")}</p>}
            {lookup.restrictions.map((one) => (
                <p key={`${one.kind} ${one.until}`}>
                    <Badge tone="attention">{t(`decision.${one.kind}`)}</Badge>{" "}
                    {t("restrict.until", { d: dateOnly(one.until) })}{" "}
                    <span class="note">{names.siteList(one.scope) || t("restrict.chain")}</span>
                </p>
            ))}
            <h3>{t("lookup.open")}</h3>
            {lookup.openMatters.length === 0 && <p class="empty">{t("lookup.open.empty")}</p>}
            <ul class="lines">
                {lookup.openMatters.map((one) => (
                    <li key={one.matter}>
                        {one.matter}{" "}
                        <span class="note">
                            {t("lookup.since")} <At at={one.since} isFull />
                        </span>
                    </li>
                ))}
            </ul>
            <h3>{t("answers.given")}</h3>
            {lookup.answers.length === 0 && <p class="empty">{t("answers.empty")}</p>}
            <ul class="lines">
                {lookup.answers.map((one) => (
                    <li key={`${one.at} ${one.matter}`}>
                        <At at={one.at} isFull /> {names.site(one.site)}{" "}
                        {one.matter || t("answers.whole")}{" "}
                        {one.final && <Badge>{t("answers.final")}</Badge>}
                    </li>
                ))}
            </ul>
            <h3>{t("lookup.last")}</h3>
            <ul class="lines">
                {lookup.lastContacts.map((one) => (
                    <li key={`${one.at} ${one.site}`}>
                        <At at={one.at} isFull /> {names.site(one.site)}{" "}
                        {tCode("channel", one.channel)} {one.matters.join("、")}{" "}
                        <Badge tone="quiet">
                            {t(one.judged ? "lookup.judged" : "lookup.judged.not")}
                        </Badge>
                    </li>
                ))}
            </ul>
            {lookup.subject && (
                <p>
                    <a href={href(`/subjects/${lookup.subject}`)}>{t("lookup.subject")}</a>
                </p>
            )}
        </Panel>
    );
}

// 出力: the list under the same filters as a file. What is exported, and why, is in the audit.
import { useState } from "preact/hooks";
import { get, query, Trouble } from "../lib/client";
import { PURPOSES } from "../lib/purpose";
import { useRoute } from "../lib/route";
import { Input, Panel, Select, Title, TroubleBox } from "../lib/ui";
import { t } from "../lib/words";
import { IncidentFilters } from "./incidents";

const NAMES = ["from", "to", "site", "category", "standing", "verdict", "judged", "q"] as const;

export function ExportsPage() {
    const { params } = useRoute();
    const filters: Record<string, string | undefined> = {};
    for (const name of NAMES) filters[name] = params.get(name) ?? undefined;
    const [format, setFormat] = useState<"csv" | "ndjson">("csv");
    const [purpose, setPurpose] = useState("");
    const [since, setSince] = useState("");
    const [trouble, setTrouble] = useState<Trouble>();
    const [isStarted, setStarted] = useState(false);

    /** Asks for one row first: a refusal is shown here, and not saved as a file. */
    async function start(): Promise<void> {
        setTrouble(undefined);
        setStarted(false);
        try {
            await get(`/incidents${query({ ...filters, limit: 1 })}`);
        } catch (error) {
            setTrouble(error instanceof Trouble ? error : new Trouble());
            return;
        }
        const updated = since === "" ? undefined : new Date(`${since}:00+09:00`).toISOString();
        const link = document.createElement("a");
        link.href = `/v1/exports/incidents.${format}${query({ ...filters, updated_since: updated, purpose })}`;
        link.download = `kasumori-incidents.${format}`;
        link.click();
        setStarted(true);
    }

    return (
        <>
            <Title text={t("exports.title")} />
            <p class="note">{t("exports.note")}</p>
            <IncidentFilters filters={filters} />
            <Panel title={t("exports.file")}>
                <form
                    class="filters"
                    onSubmit={(event) => {
                        event.preventDefault();
                        void start();
                    }}
                >
                    <Select
                        label={t("exports.format")}
                        value={format}
                        onChange={(value) => setFormat(value as "csv" | "ndjson")}
                        choices={[
                            ["csv", t("exports.csv")],
                            ["ndjson", t("exports.ndjson")],
                        ]}
                    />
                    <Input
                        label={t("exports.since")}
                        type="datetime-local"
                        value={since}
                        onValue={setSince}
                        hint={t("exports.since.hint")}
                    />
                    <label class="field">
                        <span>{t("purpose.title")}</span>
                        <select
                            required
                            value={purpose}
                            onChange={(event) => setPurpose(event.currentTarget.value)}
                        >
                            <option value="">{t("purpose.choose")}</option>
                            {PURPOSES.map((one) => (
                                <option key={one} value={one}>
                                    {t(`purpose.${one}`)}
                                </option>
                            ))}
                        </select>
                    </label>
                    <button type="submit" class="primary">
                        {t("exports.start")}
                    </button>
                </form>
                {trouble && <TroubleBox trouble={trouble} />}
                <p role="status">{isStarted && t("exports.started")}</p>
            </Panel>
        </>
    );
}

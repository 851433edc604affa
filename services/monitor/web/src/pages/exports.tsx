// 出力: the list under the same filters as a file. What is exported, and why, is in the audit.
import { useState } from "preact/hooks";
import { get, query, Trouble } from "../lib/client";
import { PURPOSES } from "../lib/purpose";
import { Input, Panel, Select, Title, TroubleBox } from "../lib/ui";
import { t } from "../lib/words";
import { IncidentFilters, incidentQuery, useIncidentFilters } from "./incidents";

export function ExportsPage() {
    const filters = useIncidentFilters();
    const asked = incidentQuery(filters);
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
            await get(`/incidents${query({ ...asked, limit: 1 })}`);
        } catch (error) {
            setTrouble(error instanceof Trouble ? error : new Trouble());
            return;
        }
        const updated = since === "" ? undefined : new Date(`${since}:00+09:00`).toISOString();
        const link = document.createElement("a");
        link.href = `/v1/exports/incidents.${format}${query({ ...asked, updated_since: updated, purpose })}`;
        link.download = `kasumori-incidents.${format}`;
        link.click();
        setStarted(true);
    }

    return (
        <>
            <Title text={t("exports.title")} />
            <p class="note">{t("exports.note")}</p>
            <IncidentFilters of={filters} />
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
                        onValue={(value) => setFormat(value as "csv" | "ndjson")}
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
                    <Select
                        label={t("purpose.title")}
                        value={purpose}
                        any={t("purpose.choose")}
                        isRequired
                        onValue={setPurpose}
                        choices={PURPOSES.map((one) => [one, t(`purpose.${one}`)])}
                    />
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

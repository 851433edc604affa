// Headquarters' own agent. Its answer is known, unknown or unavailable; no answer is never "unknown".
import type { Lookup, Problem } from "../api";
import { lang, t } from "./words";

export type LookupAnswer =
    | { is: "found"; lookup: Lookup }
    | { is: "not_asked"; reason: string } // nobody could be told by such a number
    | { is: "unavailable" }
    | { is: "refused"; title: string };

const DEADLINE_MS = 3_000;

export async function lookUp(url: string, number: string, purpose: string): Promise<LookupAnswer> {
    let response: Response;
    try {
        response = await fetch(`${url.replace(/\/$/, "")}/v1/caller`, {
            method: "POST",
            headers: { "content-type": "application/json", "accept-language": lang.get() },
            body: JSON.stringify({ number, purpose }),
            credentials: "omit",
            referrerPolicy: "no-referrer",
            signal: AbortSignal.timeout(DEADLINE_MS),
        });
    } catch {
        return { is: "unavailable" };
    }
    try {
        const body = (await response.json()) as Partial<Problem> & Told;
        if (response.status >= 400 && response.status < 500)
            return {
                is: "refused",
                title: body.titles?.[lang.get()] || body.title || t("trouble.unknown"),
            };
        if (response.ok) return read(body);
    } catch {
        // Told below.
    }
    return { is: "unavailable" };
}

/** What the agent answers. */
interface Told {
    state?: string;
    reason?: string;
    lookup?: Partial<Lookup>;
}

function read({ state, reason, lookup }: Told): LookupAnswer {
    if (state === "not_asked") return { is: "not_asked", reason: reason ?? "" };
    if (state !== "known" && state !== "unknown") return { is: "unavailable" };
    return { is: "found", lookup: { ...EMPTY, ...lookup, state } };
}

const EMPTY: Omit<Lookup, "state"> = {
    certainty: "same_number",
    sharedNumber: false,
    contacts: 0,
    lastContacts: [],
    openMatters: [],
    answers: [],
    restrictions: [],
};

// Decisions on their way: sent, accepted with a number, and shown as pending until the derived values hold
// them. A decision is never shown as done on the word of this page.
import { useRef, useState } from "preact/hooks";
import type { DecisionEvent, NewDecision, Now } from "../api";
import { get, newKey, post, Trouble } from "./client";
import { onEvents } from "./live";
import { Store } from "./store";

export interface Sent {
    id: number;
    decisionNo?: number; // absent: waits for a second person
    state: "pending" | "done" | "proposed";
}

export interface Accepted {
    decisionNo?: number;
    proposal?: string;
}

const POLL_MS = 3_000;
const KEEP_DONE_MS = 6_000;

export const sent = new Store<Sent[]>([]);
let nextId = 1;
let poll: ReturnType<typeof setInterval> | undefined;

function forget(id: number): void {
    sent.set(sent.get().filter((one) => one.id !== id));
}

function settle(upTo: number): void {
    const isDue = (one: Sent) => one.state === "pending" && (one.decisionNo ?? 0) <= upTo;
    const due = sent.get().filter(isDue);
    if (due.length === 0) return;
    sent.set(sent.get().map((one) => (isDue(one) ? { ...one, state: "done" } : one)));
    for (const one of due) setTimeout(() => forget(one.id), KEEP_DONE_MS);
}

onEvents((name, data) => {
    if (name === "decision") settle((data as DecisionEvent).decisionNo);
});

/** Beside the stream, in case it is away: asks while something is pending. */
function pollWhilePending(): void {
    poll ??= setInterval(() => {
        if (!sent.get().some((one) => one.state === "pending")) {
            clearInterval(poll);
            poll = undefined;
            return;
        }
        get<Now>("/now").then(
            (answer) => settle(answer.body.decisionNo),
            () => undefined,
        );
    }, POLL_MS);
}

export function noteSent(accepted: Accepted): void {
    const id = nextId++;
    const isProposal = accepted.decisionNo === undefined;
    const state = isProposal ? "proposed" : "pending";
    sent.set([...sent.get(), { id, decisionNo: accepted.decisionNo, state }]);
    if (isProposal) setTimeout(() => forget(id), KEEP_DONE_MS);
    else pollWhilePending();
}

export interface Sending {
    isBusy: boolean;
    trouble: Trouble | undefined;
    /** undefined when it was refused or got no answer. The same again after no answer counts once. */
    send: <T>(path: string, body: unknown, ifMatch?: string | null) => Promise<T | undefined>;
}

export function useSending(): Sending {
    const [isBusy, setBusy] = useState(false);
    const [trouble, setTrouble] = useState<Trouble>();
    const last = useRef({ text: "", key: "" });

    async function send<T>(
        path: string,
        body: unknown,
        ifMatch?: string | null,
    ): Promise<T | undefined> {
        const text = JSON.stringify([path, body]);
        if (last.current.text !== text) last.current = { text, key: newKey() };
        setBusy(true);
        setTrouble(undefined);
        try {
            const options = { idempotencyKey: last.current.key, ifMatch };
            const answer = await post<T | undefined>(path, body, options);
            last.current = { text: "", key: "" };
            return answer ?? ({} as T);
        } catch (error) {
            setTrouble(error instanceof Trouble ? error : new Trouble());
            return undefined;
        } finally {
            setBusy(false);
        }
    }

    return { isBusy, trouble, send };
}

export interface Decide {
    isBusy: boolean;
    trouble: Trouble | undefined;
    /** True when it was accepted. */
    decide: (decision: NewDecision, ifMatch?: string | null) => Promise<boolean>;
}

export function useDecide(): Decide {
    const { isBusy, trouble, send } = useSending();

    async function decide(decision: NewDecision, ifMatch?: string | null): Promise<boolean> {
        const accepted = await send<Accepted>("/decisions", decision, ifMatch);
        if (accepted !== undefined) noteSent(accepted);
        return accepted !== undefined;
    }

    return { isBusy, trouble, decide };
}

// Server-sent events, read by fetch and not by EventSource: that one gives up for ever when an answer is
// not 200, and then forgets where it was.
// Invariant: after any break the stream is asked to go on after the last id seen. What is on screen is read
// anew when the server cannot tell all that was missed, and when the database comes back.
import { signedOut } from "./client";
import { Store } from "./store";

export type EventName = "record" | "alert" | "decision" | "agent" | "behind";
export type LiveState = "off" | "connecting" | "live" | "away";

const QUIET_MAX_MS = 60_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;

type Listener = (name: EventName | "resumed", data: unknown) => void;

export const liveState = new Store<LiveState>("off");
const listeners = new Set<Listener>();
let lastId = "";
let abort: AbortController | undefined;

export function onEvents(listener: Listener): () => void {
    listeners.add(listener);
    return () => {
        listeners.delete(listener);
    };
}

function tell(name: EventName | "resumed", data: unknown): void {
    for (const listener of [...listeners]) listener(name, data);
}

/** One event's lines, without the empty line that ends it. */
export function parseEvent(lines: string[]): {
    name: string;
    data: string;
    id: string | undefined;
} {
    let name = "message";
    let id: string | undefined;
    const data: string[] = [];
    for (const line of lines) {
        const colon = line.indexOf(":");
        if (colon === 0) continue;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") name = value;
        else if (field === "data") data.push(value);
        else if (field === "id") id = value;
    }
    return { name, data: data.join("\n"), id };
}

function take(lines: string[]): void {
    const event = parseEvent(lines);
    if (event.id !== undefined) lastId = event.id;
    if (event.data === "") return;
    if (event.name === "away") liveState.set("away");
    if (event.name === "back") liveState.set("live");
    if (event.name === "back" || event.name === "reset") tell("resumed", undefined);
    try {
        tell(event.name as EventName, JSON.parse(event.data));
    } catch {
        // An event nobody can read is skipped: the pages read the API, not the stream.
    }
}

async function readAll(body: ReadableStream<Uint8Array>, stop: AbortController): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream() as never).getReader();
    let rest = "";
    let lines: string[] = [];
    for (;;) {
        const quiet = setTimeout(() => stop.abort(), QUIET_MAX_MS);
        const { done, value } = (await reader.read()) as ReadableStreamReadResult<string>;
        clearTimeout(quiet);
        if (done) return;
        const parts = (rest + value).split(/\r?\n/);
        rest = parts.pop() ?? "";
        for (const line of parts) {
            if (line !== "") lines.push(line);
            else if (lines.length > 0) {
                take(lines);
                lines = [];
            }
        }
    }
}

async function connect(stop: AbortController): Promise<boolean> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    const isNew = lastId === "";
    if (!isNew) headers["last-event-id"] = lastId;
    const response = await fetch("/v1/events", { headers, signal: stop.signal, cache: "no-store" });
    if (response.status === 401) signedOut.set(signedOut.get() + 1);
    if (!response.ok || response.body === null) return false;
    liveState.set("live");
    if (isNew) tell("resumed", undefined);
    await readAll(response.body, stop);
    return true;
}

async function run(owner: AbortController): Promise<void> {
    let wait = RETRY_MIN_MS;
    while (!owner.signal.aborted) {
        const stop = new AbortController();
        const end = () => stop.abort();
        let hasEnded = false;
        const began = Date.now();
        owner.signal.addEventListener("abort", end);
        try {
            hasEnded = await connect(stop);
        } catch {
            // A broken stream: told by the state, tried again below.
        }
        owner.signal.removeEventListener("abort", end);
        if (owner.signal.aborted) break;
        if (hasEnded) wait = RETRY_MIN_MS;
        // The server ends each stream after a while, to look again who listens.
        if (hasEnded && Date.now() - began > RETRY_MAX_MS) continue;
        liveState.set("away");
        await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random())));
        wait = Math.min(wait * 2, RETRY_MAX_MS);
    }
}

export function startLive(): void {
    stopLive();
    abort = new AbortController();
    liveState.set("connecting");
    void run(abort);
}

export function stopLive(): void {
    abort?.abort();
    abort = undefined;
    lastId = "";
    liveState.set("off");
}

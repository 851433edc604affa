// The one way to the API. What goes wrong comes out as Trouble: a problem document, or no answer at all.
import type { Problem } from "../api";
import { Store } from "./store";
import { lang, t } from "./words";

export class Trouble extends Error {
    readonly problem: Problem | undefined;

    constructor(problem?: Problem) {
        super(problem?.code ?? "offline");
        this.problem = problem;
    }

    get isOffline(): boolean {
        return this.problem === undefined;
    }

    /** In the language of the page, even when the page changed it since. */
    get title(): string {
        if (this.problem === undefined) return t("trouble.offline");
        return this.problem.titles?.[lang.get()] || this.problem.title || t("trouble.unknown");
    }
}

/** True while the last call got no answer, or one that said the database is away. */
export const isAway = new Store(false);
/** Counts answers that say nobody is signed in. */
export const signedOut = new Store(0);

const DEADLINE_MS = 20_000;

export interface Answer<T> {
    status: number;
    body: T;
    etag: string | null;
}

async function problemOf(response: Response): Promise<Problem> {
    try {
        return (await response.json()) as Problem;
    } catch {
        const title = t("trouble.unknown");
        return {
            type: "about:blank",
            status: response.status,
            code: "unreadable",
            title,
            titles: { ja: title, en: title },
        };
    }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("accept-language", lang.get());
    headers.set("accept", "application/json");
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
        return await fetch(path, {
            credentials: "same-origin",
            signal: deadline,
            ...init,
            headers,
        });
    } catch {
        isAway.set(true);
        throw new Trouble();
    }
}

async function call<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const response = await reach(`/v1${path}`, init);
    isAway.set(response.status === 503);
    const etag = response.headers.get("etag");
    if (response.status === 304) return { status: 304, body: undefined as T, etag };
    if (!response.ok) {
        const trouble = new Trouble(await problemOf(response));
        if (response.status === 401) signedOut.set(signedOut.get() + 1);
        throw trouble;
    }
    const text = await response.text();
    return {
        status: response.status,
        body: (text === "" ? undefined : JSON.parse(text)) as T,
        etag,
    };
}

export function get<T>(path: string, etag?: string | null): Promise<Answer<T>> {
    return call<T>(path, { headers: etag ? { "if-none-match": etag } : {} });
}

export interface PostOptions {
    idempotencyKey?: string;
    /** The version that was on screen: a newer one refuses what was decided on the old. */
    ifMatch?: string | null;
}

export async function post<T>(path: string, body: unknown, options: PostOptions = {}): Promise<T> {
    // The second header makes a form of another site need a preflight, which the monitor refuses.
    const headers: Record<string, string> = {
        "content-type": "application/json",
        "x-kasumori": "1",
    };
    if (options.idempotencyKey) headers["idempotency-key"] = options.idempotencyKey;
    if (options.ifMatch) headers["if-match"] = options.ifMatch;
    const answer = await call<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
    return answer.body;
}

/** A random UUID; crypto.randomUUID needs a secure context, which a board on a LAN may not be. */
export function newKey(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function query(params: Record<string, string | number | undefined>): string {
    const out = new URLSearchParams();
    for (const [name, value] of Object.entries(params))
        if (value !== undefined && value !== "") out.set(name, String(value));
    const text = out.toString();
    return text === "" ? "" : `?${text}`;
}

// What a page shows, read from the API: loading, then data or trouble. Old data stays on screen, marked
// stale, while the API is away; events and the stream's return read it anew.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Page } from "../api";
import { get, query, Trouble } from "./client";
import { type EventName, onEvents } from "./live";
import { useLang } from "./words";

export interface Resource<T> {
    data: T | undefined;
    trouble: Trouble | undefined;
    isLoading: boolean;
    etag: string | null;
    refresh: () => void;
}

/** At most one reading in this time because of events. */
const SETTLE_MS = 700;
const RETRY_MS = 5_000;

interface State<T> {
    path: string | null;
    data: T | undefined;
    trouble: Trouble | undefined;
    isLoading: boolean;
}

function asTrouble(error: unknown): Trouble {
    return error instanceof Trouble ? error : new Trouble();
}

/** path null: nothing to read yet. on: events that make the answer old. */
export function useResource<T>(path: string | null, on: readonly EventName[] = []): Resource<T> {
    const start: State<T> = { path, data: undefined, trouble: undefined, isLoading: path !== null };
    const [state, setState] = useState<State<T>>(start);
    const [turn, setTurn] = useState(0);
    const seen = useRef<{ path: string | null; etag: string | null }>({ path, etag: null });
    const language = useLang();
    const names = on.join();

    useEffect(() => {
        if (path === null) {
            setState({ path, data: undefined, trouble: undefined, isLoading: false });
            return;
        }
        let isCurrent = true;
        let retry: ReturnType<typeof setTimeout> | undefined;
        setState((old) =>
            old.path === path ? { ...old, isLoading: true } : { ...start, isLoading: true },
        );
        if (seen.current.path !== path) seen.current = { path, etag: null };
        get<T>(path, seen.current.etag).then(
            (answer) => {
                if (!isCurrent) return;
                if (answer.status !== 304) seen.current = { path, etag: answer.etag };
                setState((old) => ({
                    path,
                    data: answer.status === 304 ? old.data : answer.body,
                    trouble: undefined,
                    isLoading: false,
                }));
            },
            (error) => {
                if (!isCurrent) return;
                const trouble = asTrouble(error);
                setState((old) => ({ ...old, path, trouble, isLoading: false }));
                if (trouble.isOffline || trouble.problem?.status === 503)
                    retry = setTimeout(() => setTurn((count) => count + 1), RETRY_MS);
            },
        );
        return () => {
            isCurrent = false;
            clearTimeout(retry);
        };
    }, [path, turn, language]);

    useEffect(() => {
        if (path === null || names === "") return;
        let timer: ReturnType<typeof setTimeout> | undefined;
        const end = onEvents((name) => {
            if (name !== "resumed" && !names.split(",").includes(name)) return;
            timer ??= setTimeout(() => {
                timer = undefined;
                setTurn((count) => count + 1);
            }, SETTLE_MS);
        });
        return () => {
            clearTimeout(timer);
            end();
        };
    }, [path, names]);

    const isOld = state.path !== path;
    return {
        data: isOld ? undefined : state.data,
        trouble: isOld ? undefined : state.trouble,
        isLoading: isOld ? path !== null : state.isLoading,
        etag: seen.current.path === path ? seen.current.etag : null,
        refresh: () => setTurn((count) => count + 1),
    };
}

export interface Pages<T> extends Resource<T[]> {
    hasMore: boolean;
    more: () => void;
}

type Filters = Record<string, string | undefined>;

/** A list that goes on: the first page is a resource, further ones are added on demand. */
export function usePages<T>(
    path: string,
    filters: Filters,
    on: readonly EventName[] = [],
): Pages<T> {
    const whole = path + query(filters);
    const first = useResource<Page<T>>(whole, on);
    const [added, setAdded] = useState<{ whole: string; items: T[]; next: string | undefined }>();
    const [trouble, setTrouble] = useState<Trouble>();
    const own = added?.whole === whole ? added : undefined;
    const next = own === undefined ? first.data?.next : own.next;
    const firstItems = first.data?.items;

    return {
        ...first,
        data: firstItems && (own === undefined ? firstItems : [...firstItems, ...own.items]),
        trouble: first.trouble ?? trouble,
        hasMore: next !== undefined && next !== "",
        more: () => {
            get<Page<T>>(path + query({ ...filters, cursor: next })).then(
                (answer) => {
                    setTrouble(undefined);
                    setAdded({
                        whole,
                        items: [...(own?.items ?? []), ...answer.body.items],
                        next: answer.body.next,
                    });
                },
                (error) => setTrouble(asTrouble(error)),
            );
        },
    };
}

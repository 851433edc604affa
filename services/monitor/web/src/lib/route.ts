// Where the reader is: #/path?filters. The part behind # never reaches a server, so a filter is in nobody's
// log, and it can be bookmarked and sent.
import { Store, useStore } from "./store";

export interface Route {
    path: string[];
    params: URLSearchParams;
}

function read(): Route {
    const [path = "", search = ""] = location.hash.replace(/^#/, "").split("?");
    return {
        path: path
            .split("/")
            .filter((part) => part !== "")
            .map(decodeURIComponent),
        params: new URLSearchParams(search),
    };
}

const route = new Store<Route>(read());
window.addEventListener("hashchange", () => route.set(read()));

export function useRoute(): Route {
    return useStore(route);
}

export function href(path: string, params: Record<string, string | undefined> = {}): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) if (value) search.set(name, value);
    const text = search.toString();
    return `#${path}${text === "" ? "" : `?${text}`}`;
}

export function go(path: string, params: Record<string, string | undefined> = {}): void {
    location.hash = href(path, params).slice(1);
}

/** Changes filters in place: going back leaves the page, not one filter. */
export function setParams(changes: Record<string, string | undefined>): void {
    const { path, params } = route.get();
    const all: Record<string, string | undefined> = { ...Object.fromEntries(params), ...changes };
    history.replaceState(null, "", href(`/${path.map(encodeURIComponent).join("/")}`, all));
    route.set(read());
}

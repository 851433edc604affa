// Who is signed in, and what the whole chain shares: sites and categories.
import type { Category, Page, Role, Session, Site } from "../api";
import { get, post, signedOut, Trouble } from "./client";
import { startLive, stopLive } from "./live";
import { Store, useStore } from "./store";
import { pick, t } from "./words";

export type SessionState =
    | { is: "unknown" }
    | { is: "away" }
    | { is: "out"; wasIn: boolean }
    | { is: "in"; session: Session };

export const sessionState = new Store<SessionState>({ is: "unknown" });
const sites = new Store<ReadonlyMap<string, Site>>(new Map());
const categories = new Store<ReadonlyMap<string, Category>>(new Map());

const SITES_NAMED = 4;

function items<T>(body: T[] | Page<T>): T[] {
    return Array.isArray(body) ? body : body.items;
}

async function readChain(): Promise<void> {
    const [siteAnswer, categoryAnswer] = await Promise.all([
        get<Site[] | Page<Site>>("/sites"),
        get<Category[] | Page<Category>>("/categories"),
    ]);
    sites.set(new Map(items(siteAnswer.body).map((site) => [site.site, site])));
    categories.set(
        new Map(
            items(categoryAnswer.body).map((one) => [
                `${one.scheme}:${one.version}:${one.code}`,
                one,
            ]),
        ),
    );
}

function enter(session: Session): void {
    sessionState.set({ is: "in", session });
    startLive();
    // Names are a comfort: without them the pages show codes, and the next sign-in reads them.
    readChain().catch(() => undefined);
}

export async function resume(): Promise<void> {
    try {
        enter((await get<Session>("/session")).body);
    } catch (error) {
        const trouble = error instanceof Trouble ? error : new Trouble();
        if (trouble.problem?.status === 401) sessionState.set({ is: "out", wasIn: false });
        else {
            sessionState.set({ is: "away" });
            setTimeout(() => void resume(), 3000);
        }
    }
}

export async function signIn(tenant: string, account: string, password: string): Promise<void> {
    await post("/session", { tenant, account, password });
    enter((await get<Session>("/session")).body);
}

export async function signOut(): Promise<void> {
    await post("/session/end", {}).catch(() => undefined);
    stopLive();
    sessionState.set({ is: "out", wasIn: false });
}

signedOut.watch(() => {
    if (sessionState.get().is !== "in") return;
    stopLive();
    sessionState.set({ is: "out", wasIn: true });
});

export function useSession(): Session {
    const state = useStore(sessionState);
    if (state.is !== "in") throw new Error("nobody is signed in");
    return state.session;
}

export function useRole(): Role {
    return useSession().role;
}

export interface Names {
    sites: ReadonlyMap<string, Site>;
    categories: ReadonlyMap<string, Category>;
    site: (code: string) => string;
    /** The first few of many, and how many more. */
    siteList: (codes: readonly string[]) => string;
    category: (name: string) => string;
}

export function useNames(): Names {
    const bySite = useStore(sites);
    const byCategory = useStore(categories);
    const site = (code: string) => bySite.get(code)?.name ?? code;
    return {
        sites: bySite,
        categories: byCategory,
        site,
        siteList: (codes) =>
            codes.length <= SITES_NAMED + 1
                ? codes.map(site).join("・")
                : t("site.more", {
                      sites: codes.slice(0, SITES_NAMED).map(site).join("・"),
                      n: codes.length - SITES_NAMED,
                  }),
        category: (name) => pick(byCategory.get(name)) || name,
    };
}

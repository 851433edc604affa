// The frame around every page: who is signed in, where one can go, and whether what is shown is live.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Role } from "./api";
import { isAway } from "./lib/client";
import { sent } from "./lib/decide";
import { liveState } from "./lib/live";
import { mayOpen, type PageName } from "./lib/rights";
import { href, type Route, useRoute } from "./lib/route";
import { sessionState, signOut, useSession } from "./lib/session";
import { useStore } from "./lib/store";
import { type Key, setLang, t, useLang } from "./lib/words";
import { AlertPage, AlertsPage } from "./pages/alerts";
import { AnalyticsPage } from "./pages/analytics";
import { AuditPage } from "./pages/audit";
import { BadRecordsPage } from "./pages/bad";
import { BoardPage } from "./pages/board";
import { ExportsPage } from "./pages/exports";
import { IncidentPage } from "./pages/incident";
import { IncidentsPage } from "./pages/incidents";
import { LookupPage } from "./pages/lookup";
import { OccurrencePage } from "./pages/occurrence";
import { ReviewPage } from "./pages/review";
import { AnswerSheet } from "./pages/sheet_answers";
import { PoliceSheet } from "./pages/sheet_police";
import { TimelineSheet } from "./pages/sheet_timeline";
import { SignInPage } from "./pages/signin";
import { SubjectPage } from "./pages/subject";

interface Entry {
    path: PageName;
    label: Key;
    page: (route: Route) => ComponentChildren;
}

/** In the order of the menu. The API decides who may; this only hides what would be refused. */
const ENTRIES: readonly Entry[] = [
    { path: "board", label: "nav.board", page: () => <BoardPage /> },
    {
        path: "incidents",
        label: "nav.incidents",
        page: ({ path }) =>
            path[1] ? <IncidentPage key={path[1]} id={path[1]} /> : <IncidentsPage />,
    },
    {
        path: "alerts",
        label: "nav.alerts",
        page: ({ path }) => (path[1] ? <AlertPage key={path[1]} id={path[1]} /> : <AlertsPage />),
    },
    { path: "review", label: "nav.review", page: () => <ReviewPage /> },
    { path: "lookup", label: "nav.lookup", page: () => <LookupPage /> },
    { path: "analytics", label: "nav.analytics", page: () => <AnalyticsPage /> },
    { path: "exports", label: "nav.exports", page: () => <ExportsPage /> },
    { path: "bad-records", label: "nav.bad", page: () => <BadRecordsPage /> },
    { path: "audit", label: "nav.audit", page: () => <AuditPage /> },
];

/** Pages that are reached from others only. */
const INNER: Readonly<Record<string, (id: string) => ComponentChildren>> = {
    subjects: (id) => <SubjectPage key={id} name={id} />,
    occurrences: (id) => <OccurrencePage key={id} id={id} />,
    "sheet-answers": (id) => <AnswerSheet key={id} subject={id} />,
    "sheet-police": (id) => <PoliceSheet key={id} record={id} />,
    "sheet-timeline": (id) => <TimelineSheet key={id} record={id} />,
};

export function App() {
    useLang();
    const state = useStore(sessionState);
    if (state.is === "unknown")
        return (
            <main class="center">
                <p class="loading" role="status">
                    {t("state.loading")}
                </p>
            </main>
        );
    if (state.is === "away")
        return (
            <main class="center">
                <h1>Kasumori</h1>
                <div class="trouble" role="alert">
                    <strong>{t("state.away")}</strong>
                    <span class="note">{t("state.away.note")}</span>
                </div>
            </main>
        );
    if (state.is === "out") return <SignInPage wasIn={state.wasIn} />;
    return <Frame />;
}

function Frame() {
    const route = useRoute();
    const { role } = useSession();
    const isWall = route.params.has("wall") || new URLSearchParams(location.search).has("wall");
    const [isMenuOpen, setMenuOpen] = useState(false);
    const main = useRef<HTMLElement>(null);
    const where = route.path.join("/");
    const isFirst = useRef(true);

    useEffect(() => {
        setMenuOpen(false);
        if (isFirst.current) isFirst.current = false;
        else {
            main.current?.focus();
            window.scrollTo(0, 0);
        }
    }, [where]);

    return (
        <div class={isWall ? "frame wall" : "frame"}>
            <button type="button" class="skip" onClick={() => main.current?.focus()}>
                {t("nav.skip")}
            </button>
            {!isWall && (
                <header class="bar">
                    <a class="brand" href={href("/board")}>
                        <Mark />
                        Kasumori
                    </a>
                    <button
                        type="button"
                        class="menu-button"
                        aria-expanded={isMenuOpen}
                        aria-controls="menu"
                        onClick={() => setMenuOpen(!isMenuOpen)}
                    >
                        {t("nav.menu")}
                    </button>
                    <LiveMark />
                    <span class="spring" />
                    <LangSwitch />
                    <Who />
                </header>
            )}
            {!isWall && (
                <nav id="menu" class={isMenuOpen ? "menu open" : "menu"} aria-label={t("nav.menu")}>
                    <ul>
                        {ENTRIES.filter((one) => mayOpen(role, one.path)).map((one) => (
                            <li key={one.path}>
                                <a
                                    href={href(`/${one.path}`)}
                                    aria-current={
                                        (route.path[0] ?? "board") === one.path ? "page" : undefined
                                    }
                                >
                                    {t(one.label)}
                                </a>
                            </li>
                        ))}
                    </ul>
                </nav>
            )}
            <main id="main" ref={main} tabIndex={-1}>
                <AwayBanner />
                {pageOf(route, role)}
                {!isWall && <p class="zone note no-print">{t("time.all")}</p>}
            </main>
            <SentList />
        </div>
    );
}

function pageOf(route: Route, role: Role): ComponentChildren {
    const name = route.path[0] ?? "board";
    const entry = ENTRIES.find((one) => one.path === name);
    if (entry !== undefined && mayOpen(role, entry.path)) return entry.page(route);
    const inner = INNER[name];
    if (inner !== undefined && route.path[1] !== undefined) return inner(route.path[1]);
    return (
        <div class="panel">
            <h1>{t(entry === undefined ? "page.unknown" : "page.forbidden")}</h1>
            <p>
                <a href={href("/board")}>{t("page.home")}</a>
            </p>
        </div>
    );
}

function Mark() {
    return (
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <path d="M4 21c4-5 8-5 12 0s8 5 12 0M4 14c4-5 8-5 12 0s8 5 12 0" />
            <circle cx="16" cy="6" r="2.6" />
        </svg>
    );
}

export function LangSwitch() {
    const lang = useLang();
    const other = lang === "ja" ? "en" : "ja";
    return (
        <button type="button" class="quiet small" lang={other} onClick={() => setLang(other)}>
            {other === "ja" ? "日本語" : "English"}
        </button>
    );
}

function LiveMark() {
    const state = useStore(liveState);
    if (state === "off") return null;
    return (
        <span class={`feed ${state}`} role="status">
            {t(`live.${state}`)}
        </span>
    );
}

function Who() {
    const session = useSession();
    return (
        <span class="who">
            <span>
                {session.name || session.account}
                <span class="note"> {t(`role.${session.role}`)}</span>
            </span>
            <button type="button" class="quiet small" onClick={() => void signOut()}>
                {t("session.out")}
            </button>
        </span>
    );
}

function AwayBanner() {
    const away = useStore(isAway);
    return (
        <div role="status">
            {away && (
                <p class="away">
                    <strong>{t("state.away")}</strong> {t("state.away.note")}
                </p>
            )}
        </div>
    );
}

/** What this reader decided, until the derived values hold it. */
function SentList() {
    const list = useStore(sent);
    return (
        <div class="sent" role="status" aria-live="polite">
            {list.map((one) => (
                <p key={one.id} class={`sent-one ${one.state}`}>
                    {one.state === "pending" && t("decide.pending", { no: one.decisionNo ?? "" })}
                    {one.state === "done" && t("decide.done", { no: one.decisionNo ?? "" })}
                    {one.state === "proposed" && t("decide.proposed")}
                </p>
            ))}
        </div>
    );
}

// What both pages share: language, talking to the agent, signing in.
import { words } from "./words.js";

export let language = readLanguage();
let config = null;
const listeners = [];

function readLanguage() {
    const kept = localStorage.getItem("language");
    if (kept === "ja" || kept === "en") return kept;
    return navigator.language.startsWith("en") ? "en" : "ja";
}

/** The word of a key, with {name} replaced by values.name. */
export function say(key, values = {}) {
    const text = words[language][key];
    if (text === undefined) throw new Error(`no word ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export function byId(id) {
    return document.getElementById(id);
}

/** An element with text, never markup. */
export function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}

/** Fills every element that names its word. */
function translate() {
    document.documentElement.lang = language;
    document.title = say(document.body.dataset.title);
    for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
    for (const node of document.querySelectorAll("[data-label]")) {
        node.setAttribute("aria-label", say(node.dataset.label));
    }
    byId("language").lang = language === "ja" ? "en" : "ja";
    for (const listener of listeners) listener();
}

/** Calls now and whenever the language or the sign-in changes. */
export function onChange(listener) {
    listeners.push(listener);
    if (config) listener();
}

export function settings() {
    return config;
}

export function show(node, isShown) {
    node.hidden = !isShown;
}

/** A message for people; a screen reader says it. Empty: none. */
export function tell(node, text, kind = "bad") {
    node.textContent = text;
    node.className = text ? `message ${kind}` : "message";
    node.hidden = !text;
}

export const shortTime = (at) =>
    new Intl.DateTimeFormat(language === "ja" ? "ja-JP" : "en-GB", {
        timeZone: "Asia/Tokyo",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "2-digit",
        minute: "2-digit",
    }).format(new Date(at));

export const day = (at) =>
    new Intl.DateTimeFormat(language === "ja" ? "ja-JP" : "en-GB", {
        timeZone: "Asia/Tokyo",
        year: "numeric",
        month: "short",
        day: "numeric",
    }).format(new Date(at));

/** {status, body}; status 0: the agent cannot be reached. */
export async function post(path, value) {
    try {
        const answer = await fetch(path, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-Kasumori": "1" },
            body: JSON.stringify(value),
            credentials: "same-origin",
            cache: "no-store",
        });
        const body = answer.status === 204 ? {} : await answer.json();
        return { status: answer.status, body, retryAfter: Number(answer.headers.get("Retry-After") ?? 0) };
    } catch {
        return { status: 0, body: {}, retryAfter: 0 };
    }
}

async function load() {
    try {
        const answer = await fetch("/form/v1/config", { cache: "no-store" });
        if (answer.status === 404) return "none";
        if (!answer.ok) return "offline";
        config = await answer.json();
        return "ready";
    } catch {
        return "offline";
    }
}

/** Asks for the settings until they come; while the page is open it notices when the agent is away. */
async function keepLoading() {
    const state = await load();
    show(byId("loading"), false);
    show(byId("main"), state !== "none" && config !== null);
    tell(byId("connection"), state === "ready" ? "" : say(state === "none" ? "noForm" : "offline"));
    if (state === "ready") {
        byId("site").textContent = `${say("site")} ${config.site}`;
        drawWorker();
        for (const listener of listeners) listener();
    }
    return state;
}

let watchTimer = 0;

export function noteReachable(isReachable) {
    tell(byId("connection"), isReachable ? "" : say("offline"));
    clearTimeout(watchTimer);
    if (!isReachable) watchTimer = setTimeout(async () => noteReachable((await load()) === "ready"), 3000);
}

// -- signing in

function drawWorker() {
    const worker = config.worker;
    byId("worker").textContent = worker
        ? say("signedInAs", { worker })
        : config.hasWorkers && document.body.dataset.title === "titleForm"
          ? say("notSignedIn")
          : "";
    show(byId("signIn"), config.hasWorkers && !worker);
    show(byId("signOut"), Boolean(worker));
    show(byId("navCaller"), config.hasLookup);
}

async function signIn(event) {
    event.preventDefault();
    const answer = await post("/form/v1/session", { code: byId("code").value.trim(), pin: byId("pin").value });
    byId("pin").value = "";
    if (answer.status === 200) {
        byId("signInDialog").close();
        byId("code").value = "";
        await keepLoading();
        return;
    }
    const code = answer.body.code;
    let text = say(answer.status === 0 ? "offline" : code === "no_workers" ? "noWorkers" : "wrongPin");
    if (code === "locked") text = say("locked", { seconds: answer.retryAfter });
    tell(byId("signInMessage"), text);
    byId("pin").focus();
}

async function signOut() {
    sessionStorage.clear();
    await post("/form/v1/session/end", {});
    location.replace(location.pathname);
}

/** Somebody's session ended on the agent's side. */
export async function forgetWorker() {
    await keepLoading();
}

export function openSignIn() {
    tell(byId("signInMessage"), "");
    byId("signInDialog").showModal();
    byId("code").focus();
}

export async function start() {
    byId("language").addEventListener("click", () => {
        language = language === "ja" ? "en" : "ja";
        localStorage.setItem("language", language);
        translate();
        if (config) {
            byId("site").textContent = `${say("site")} ${config.site}`;
            drawWorker();
        }
    });
    byId("signIn").addEventListener("click", openSignIn);
    byId("signOut").addEventListener("click", signOut);
    byId("signInForm").addEventListener("submit", signIn);
    byId("signInCancel").addEventListener("click", () => byId("signInDialog").close());
    translate();
    let state = await keepLoading();
    while (state === "offline") {
        await new Promise((resolve) => setTimeout(resolve, 3000));
        state = await keepLoading();
    }
}

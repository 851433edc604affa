// The staff form: one screen, a receipt, and what is added later. The draft is kept in this tab only
// (sessionStorage), without numbers, and is gone when the report was taken.
import { byId, element, forgetWorker, noteReachable, onChange, post, say, settings, shortTime, show, start, tell } from "./page.js";

const CATEGORIES = {
    time: "categoryTime",
    repeat: "categoryRepeat",
    abuse: "categoryAbuse",
    violence: "categoryViolence",
    threat: "categoryThreat",
    authority: "categoryAuthority",
    offsite: "categoryOffsite",
    sns: "categorySns",
    sexual: "categorySexual",
};
const CHANNELS = {
    face_to_face: "channelFaceToFace",
    phone: "channelPhone",
    visit: "channelVisit",
    mail: "channelMail",
    chat: "channelChat",
    sns: "channelSns",
    other: "channelOther",
};
const WHENS = { 0: "whenNow", 10: "when10", 30: "when30", 60: "when60", at: "whenAt" };
const DRAFT = "draft";
const OWN = "reports"; // receipt number → form id, to correct what was reported without a name
const DRAFT_MS = 2 * 3600 * 1000;
const MINUTES_MAX = 30 * 24 * 60;

let mode = "report"; // or supplement, correction
let target = null; // receipt number of what is added to
let formId = crypto.randomUUID();
let callId = "";
let stateTimer = 0;
let isSending = false;
let shownReceipt = null;
let followed = null; // the report whose state is shown

// -- choices: buttons that stay pressed

const groups = {};

function choices(id, items, isMany, initial = []) {
    const group = { node: byId(id), items, isMany, chosen: new Set(initial) };
    groups[id] = group;
    drawChoices(group);
}

function drawChoices(group) {
    group.node.replaceChildren();
    for (const [value, label] of group.items()) {
        const button = element("button", "choice", label);
        button.type = "button";
        button.setAttribute("aria-pressed", String(group.chosen.has(value)));
        button.addEventListener("click", () => {
            const isChosen = group.chosen.has(value);
            if (!group.isMany) group.chosen.clear();
            if (isChosen) group.chosen.delete(value);
            else group.chosen.add(value);
            for (const [at, other] of [...group.node.children].entries()) {
                other.setAttribute("aria-pressed", String(group.chosen.has(group.items()[at][0])));
            }
            changed();
        });
        group.node.append(button);
    }
}

const chosen = (id) => [...groups[id].chosen];
const words = (table) => () => Object.entries(table).map(([value, key]) => [value, say(key)]);

function setChosen(id, values) {
    groups[id].chosen = new Set(values);
    drawChoices(groups[id]);
}

// -- identifiers: typed, typed twice, or read back

const IDENTIFIERS = ["number", "member"];
const readBack = { number: false, member: false };

/** Enough to show early that two entries differ; the agent decides by its own rules. */
const plain = (text) => text.normalize("NFKC").toUpperCase().replace(/^\+81/, "0").replace(/[^0-9A-Z]/g, "");

function drawIdentifier(name) {
    const value = byId(name).value.trim();
    const again = byId(`${name}Again`).value.trim();
    const button = byId(`${name}ReadBack`);
    show(byId(`${name}Again`).parentElement, value !== "");
    show(button, value !== "");
    button.setAttribute("aria-pressed", String(readBack[name]));
    const isDifferent = again !== "" && plain(again) !== plain(value);
    const isConfirmed = !isDifferent && (readBack[name] || again !== "");
    const state = isDifferent ? "Differs" : isConfirmed ? "Confirmed" : "Typed";
    tell(byId(`${name}State`), value === "" ? "" : say(name + state), isConfirmed ? "good" : "note");
}

function clearIdentifier(name) {
    byId(name).value = "";
    byId(`${name}Again`).value = "";
    readBack[name] = false;
    drawIdentifier(name);
}

function identifiers() {
    const found = [];
    for (const name of IDENTIFIERS) {
        const value = byId(name).value.trim();
        if (value === "") continue;
        const given = { kind: name === "number" ? "phone" : "member", value };
        const again = byId(`${name}Again`).value.trim();
        if (again !== "") given.again = again;
        if (readBack[name]) given.readBack = true;
        found.push(given);
    }
    return found;
}

// -- the draft

function saveDraft() {
    const draft = {
        savedAt: Date.now(),
        formId,
        categories: chosen("categories"),
        stillHere: chosen("stillHere"),
        hurt: chosen("hurt"),
        channel: chosen("channel"),
        spot: chosen("spot"),
        words: byId("words").value,
        note: byId("note").value,
    };
    if (mode === "report") sessionStorage.setItem(DRAFT, JSON.stringify(draft));
}

function loadDraft() {
    const text = sessionStorage.getItem(DRAFT);
    const draft = text === null ? null : JSON.parse(text);
    if (draft === null || Date.now() - draft.savedAt > DRAFT_MS) {
        sessionStorage.removeItem(DRAFT);
        return;
    }
    formId = draft.formId;
    for (const id of ["categories", "stillHere", "hurt", "channel", "spot"]) setChosen(id, draft[id]);
    byId("words").value = draft.words;
    byId("note").value = draft.note;
    if (draft.note !== "") byId("more").open = true;
}

function changed() {
    show(byId("danger"), chosen("stillHere")[0] === "yes" && (chosen("hurt")[0] === "yes" || chosen("categories").includes("violence")));
    show(byId("whenBox"), chosen("when")[0] === "at");
    saveDraft();
}

function clearForm() {
    formId = crypto.randomUUID();
    callId = "";
    for (const id of ["categories", "stillHere", "hurt", "spot"]) setChosen(id, []);
    setChosen("channel", ["face_to_face"]);
    setChosen("when", ["0"]);
    for (const id of ["words", "note", "whenAt", "reason"]) byId(id).value = "";
    for (const id of ["policeCalled", "anonymous"]) byId(id).checked = false;
    byId("anonymous").disabled = false;
    for (const name of IDENTIFIERS) clearIdentifier(name);
    byId("more").open = false;
    sessionStorage.removeItem(DRAFT);
    tell(byId("formMessage"), "");
    show(byId("callNote"), false);
    changed();
    sessionStorage.removeItem(DRAFT);
}

// -- what is sent

/** Minutes before now; null: not a time that can be. */
function minutesAgo() {
    const when = chosen("when")[0] ?? "0";
    if (when !== "at") return Number(when);
    const minutes = Math.floor((Date.now() - new Date(byId("whenAt").value).getTime()) / 60000);
    return minutes >= 0 && minutes <= MINUTES_MAX ? minutes : null;
}

function entry() {
    const value = { formId, categories: chosen("categories"), identifiers: identifiers() };
    const texts = { words: byId("words").value.trim(), note: byId("note").value.trim() };
    for (const [key, text] of Object.entries(texts)) if (text !== "") value[key] = text;
    if (byId("policeCalled").checked) value.policeCalled = true;
    if (byId("anonymous").checked || !settings().worker) value.anonymous = true;
    if (mode !== "report") value.receipt = target;
    if (mode === "supplement") return value;
    value.minutesAgo = minutesAgo();
    value.channel = chosen("channel")[0] ?? "other";
    for (const id of ["spot", "stillHere", "hurt"]) if (chosen(id).length > 0) value[id] = chosen(id)[0];
    if (callId !== "") value.callId = callId;
    if (mode === "correction") addOwnership(value);
    return value;
}

function ownReports() {
    return JSON.parse(sessionStorage.getItem(OWN) ?? "{}");
}

function keepOwn(receipt) {
    sessionStorage.setItem(OWN, JSON.stringify({ ...ownReports(), [receipt]: formId }));
}

/** What is added to such a report, or takes it back, names nobody either. */
const isOwnAnonymous = () => ownReports()[target] !== undefined;

/** Who reported without a name shows by the form's id that it was this tab. */
function addOwnership(value) {
    const id = ownReports()[value.receipt];
    if (id !== undefined) value.reportFormId = id;
}

function problemText(answer) {
    const { status, body, retryAfter } = answer;
    if (status === 0) return say("offline");
    if (body.place?.endsWith(".again")) return say("numberDiffers");
    if (body.place?.startsWith("identifiers")) return say("numberWrong");
    const known = {
        storage_full: "storageFull",
        cannot_store: "cannotStore",
        already_sent: "alreadySent",
        signed_out: "signedOut",
        unknown_receipt: "unknownReceipt",
        other_worker: "otherWorker",
        no_workers: "noWorkers",
        bad_form: body.place === "" || body.place === undefined ? "tooBig" : "badForm",
    };
    if (body.code === "locked") return say("locked", { seconds: retryAfter });
    if (status === 413) return say("tooBig");
    return say(known[body.code] ?? "busy");
}

async function refused(answer, message) {
    if (answer.status === 0) noteReachable(false); // says it on top, until it is back
    else tell(message, problemText(answer));
    if (answer.body.code === "signed_out") await forgetWorker();
    if (answer.body.place?.startsWith("identifiers")) showWrong(answer.body.place);
}

/** Brings the field at fault into view: "identifiers[0].again" names it by its place among those sent. */
function showWrong(place) {
    const at = Number(place.match(/\[(\d+)\]/)?.[1] ?? 0);
    const name = IDENTIFIERS.filter((one) => byId(one).value.trim() !== "")[at] ?? "number";
    byId("more").open = true;
    byId(place.endsWith(".again") ? `${name}Again` : name).focus();
}

function isEmptyAdd(value) {
    return value.categories.length === 0 && value.identifiers.length === 0 && !value.words && !value.note && !value.policeCalled;
}

async function send(event) {
    event.preventDefault();
    if (isSending) return;
    if (minutesAgo() === null && mode !== "supplement") {
        tell(byId("formMessage"), say("whenWrong"));
        byId("more").open = true;
        byId("whenAt").focus();
        return;
    }
    const value = entry();
    if (mode === "supplement" && isEmptyAdd(value)) {
        tell(byId("formMessage"), say("emptyAdd"));
        return;
    }
    isSending = true;
    drawSend();
    tell(byId("formMessage"), "");
    const paths = { report: "reports", supplement: "supplements", correction: "corrections" };
    const answer = await post(`/form/v1/${paths[mode]}`, value);
    isSending = false;
    drawSend();
    if (answer.status !== 200 && answer.status !== 201) {
        await refused(answer, byId("formMessage"));
        return;
    }
    if (mode === "report" && value.anonymous) keepOwn(answer.body.receipt);
    done(answer.body, { report: "receiptTitle", supplement: "addedTitle", correction: "correctedTitle" }[mode], value.formId);
}

function drawSend() {
    const button = byId("send");
    button.setAttribute("aria-disabled", String(isSending));
    button.textContent = say(isSending ? "sending" : { report: "send", supplement: "sendAdd", correction: "sendCorrect" }[mode]);
}

// -- the receipt

function done(body, title, sentId) {
    target = body.receipt;
    clearForm();
    noteReachable(true);
    view("doneView");
    shownReceipt = { receipt: body.receipt, masked: body.masked, title };
    drawReceipt();
    byId("doneTitle").focus();
    follow("states", { receipt: body.receipt, formId: sentId, state: body.state, isCurrent: false });
}

function drawReceipt() {
    if (shownReceipt === null) return;
    byId("doneTitle").textContent = say(shownReceipt.title);
    byId("code-shown").textContent = shownReceipt.receipt;
    byId("masked").textContent = say("masked", { count: shownReceipt.masked });
    show(byId("masked"), shownReceipt.masked > 0);
}

/** Three steps: stored here, at headquarters, reviewed; each its word and whether it is reached. */
function steps({ state, isCurrent, asked }) {
    const isThere = state !== "stored";
    const late = { in_review: "stateInReview", judged: "stateJudged", withdrawn: "stateWithdrawn" }[state];
    const open = isCurrent ? "stateReviewNext" : asked < 4 ? "stateReviewAsking" : "stateReviewUnknown";
    return [
        ["stateStored", true],
        [isThere ? "stateDelivered" : "stateWaiting", isThere],
        [late ?? (isThere ? open : "stateReviewLater"), late !== undefined],
    ];
}

function drawStates() {
    if (followed === null) return;
    const list = byId(followed.node);
    for (const [at, [word, isReached]] of steps(followed).entries()) {
        const item = list.children[at] ?? list.appendChild(element("li"));
        const text = say(word);
        if (item.textContent !== text) item.textContent = text; // what did not change is not said again
        item.className = isReached ? "reached" : "waiting";
        if (word === "stateInReview") item.className = "current";
    }
}

/** Shows how far a report is, and what comes of it while the view stays open. */
function follow(node, receipt) {
    clearTimeout(stateTimer);
    followed = { ...receipt, node, asked: 0 };
    byId(node).replaceChildren();
    drawStates();
    const isOver = receipt.state === "judged" || receipt.state === "withdrawn";
    if (!isOver) stateTimer = setTimeout(askState, receipt.state === "stored" ? 500 : 1500);
}

async function askState() {
    const one = followed;
    if (one === null || byId(one.node).closest("section").hidden) return;
    const question = { receipt: one.receipt };
    if (one.formId !== undefined) question.formId = one.formId;
    const answer = await post("/form/v1/receipt", question);
    if (followed !== one) return;
    one.asked += 1;
    if (answer.status === 200) Object.assign(one, { state: answer.body.state, isCurrent: answer.body.isCurrent });
    drawStates();
    if (one.state !== "judged" && one.state !== "withdrawn") stateTimer = setTimeout(askState, one.asked < 15 ? 2000 : 15000);
}

// -- views

function view(id) {
    for (const other of ["formView", "findView", "doneView"]) show(byId(other), other === id);
    byId("navReport").setAttribute("aria-pressed", String(id === "formView" && mode === "report"));
    byId("navAdd").setAttribute("aria-pressed", String(id === "findView" || mode !== "report"));
    scrollTo(0, 0);
}

function setMode(next) {
    mode = next;
    for (const node of document.querySelectorAll("[data-whole]")) show(node, mode !== "supplement");
    show(byId("whereBox"), mode !== "supplement" && settings().spots.length > 0);
    show(byId("stop"), mode !== "report");
    drawMode();
}

function drawMode() {
    byId("formTitle").textContent = say({ report: "titleForm", supplement: "addTitle", correction: "correct" }[mode]);
    byId("intro").textContent = mode === "correction" ? say("correctHint") : mode === "supplement" ? `${say("receiptLabel")} ${target}` : say("intro");
    drawSend();
    show(byId("anonymousBox"), Boolean(settings()?.worker));
}

function startReport() {
    clearForm();
    setMode("report");
    openForm();
}

/** What was pressed is gone with its view: the focus goes on from the new one's title. */
function openForm() {
    view("formView");
    byId("formTitle").focus();
}

function startOther(next) {
    clearForm();
    byId("anonymous").checked = byId("anonymous").disabled = isOwnAnonymous(); // as the report was
    setMode(next);
    openForm();
}

async function find(event) {
    event.preventDefault();
    const answer = await post("/form/v1/receipt", { receipt: byId("findCode").value });
    show(byId("foundBox"), answer.status === 200);
    show(byId("retractForm"), false);
    tell(byId("findMessage"), "");
    if (answer.status !== 200) {
        await refused(answer, byId("findMessage"));
        return;
    }
    target = answer.body.receipt;
    byId("foundTitle").textContent = say("found", { at: shortTime(answer.body.at) });
    follow("foundStates", answer.body);
    const mayCorrect = answer.body.isYours || ownReports()[target] !== undefined;
    show(byId("startCorrect"), mayCorrect);
    show(byId("startRetract"), mayCorrect);
}

async function retract(event) {
    event.preventDefault();
    const value = { formId, receipt: target };
    const reason = byId("reason").value.trim();
    if (reason !== "") value.reason = reason;
    if (isOwnAnonymous() || !settings().worker) value.anonymous = true;
    addOwnership(value);
    const answer = await post("/form/v1/retractions", value);
    if (answer.status === 200 || answer.status === 201) {
        mode = "retraction";
        done(answer.body, "retractedTitle", value.formId);
        setMode("report");
    } else {
        await refused(answer, byId("findMessage"));
    }
}

function readFragment() {
    const values = new URLSearchParams(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    callId = (values.get("call") ?? "").slice(0, 200);
    show(byId("callNote"), callId !== "");
    if (callId !== "") setChosen("channel", ["phone"]);
}

function prepare() {
    choices("categories", () => settings().categories.map((code) => [code, say(CATEGORIES[code])]), true);
    choices("stillHere", words({ yes: "stillHereYes", no: "stillHereNo" }), false);
    choices("hurt", words({ yes: "hurtYes", no: "hurtNo" }), false);
    choices("channel", words(CHANNELS), false, ["face_to_face"]);
    choices("spot", () => settings().spots.map((name) => [name, name]), false);
    choices("when", words(WHENS), false, ["0"]);
    for (const name of IDENTIFIERS) {
        for (const id of [name, `${name}Again`]) byId(id).addEventListener("input", () => {
            if (id === name) readBack[name] = false;
            drawIdentifier(name);
        });
        byId(`${name}Again`).addEventListener("paste", (event) => event.preventDefault());
        byId(`${name}ReadBack`).addEventListener("click", () => {
            readBack[name] = !readBack[name];
            drawIdentifier(name);
        });
    }
    for (const id of ["words", "note", "whenAt"]) byId(id).addEventListener("input", changed);
    byId("form").addEventListener("submit", send);
    byId("findForm").addEventListener("submit", find);
    byId("retractForm").addEventListener("submit", retract);
    byId("navReport").addEventListener("click", () => (mode === "report" && byId("doneView").hidden ? view("formView") : startReport()));
    byId("navAdd").addEventListener("click", () => view("findView"));
    byId("again").addEventListener("click", startReport);
    byId("addNow").addEventListener("click", () => startOther("supplement"));
    byId("startAdd").addEventListener("click", () => startOther("supplement"));
    byId("startCorrect").addEventListener("click", () => startOther("correction"));
    byId("startRetract").addEventListener("click", () => {
        show(byId("retractForm"), true);
        byId("reason").focus();
    });
    byId("stop").addEventListener("click", startReport);
}

await start();
if (settings() !== null) {
    prepare();
    loadDraft();
    setMode("report");
    readFragment();
    view("formView");
    onChange(() => {
        for (const group of Object.values(groups)) drawChoices(group);
        for (const name of IDENTIFIERS) drawIdentifier(name);
        drawMode();
        drawReceipt();
        drawStates();
        changed();
    });
}

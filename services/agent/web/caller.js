// What is known of a number, to be grasped within a ring: one big line, then few facts. The number comes
// from the field or from the fragment (#tel=…&call=…), is posted to this site's agent and is not kept.
import { byId, day, element, noteReachable, onChange, openSignIn, post, say, settings, show, start, tell } from "./page.js";

const SHOWN = 3;
let call = "";
let waiting = null; // asked before signing in
let last = null; // {answer, isMember}
let isAsking = false;

const NOT_ASKED = {
    withheld: "notAskedWithheld",
    public_phone: "notAskedPublicPhone",
    out_of_area: "notAskedOutOfArea",
    no_number: "notAskedNoNumber",
    impersonal: "notAskedImpersonal",
};
const UNAVAILABLE = {
    timeout: "unavailableTimeout",
    unreachable: "unavailableUnreachable",
    busy: "unavailableTimeout",
    not_configured: "unavailableNotConfigured",
};

function headline(answer, isMember) {
    const suffix = isMember ? "Member" : "";
    if (answer.state === "known") return ["known", say(`known${suffix}`), ""];
    if (answer.state === "unknown") return ["unknown", say(`unknown${suffix}`), say("unknownHint")];
    if (answer.state === "not_asked") {
        return ["notAsked", say(NOT_ASKED[answer.reason] ?? "notAskedNoNumber"), say("notAskedHint")];
    }
    const why = say(UNAVAILABLE[answer.reason] ?? "unavailableOther");
    return ["unavailable", say("unavailable"), `${why} ${say("unavailableHint")}`];
}

/** A heading and its lines; more than a few fold away. */
function list(title, lines) {
    if (lines.length === 0) return [];
    const made = [element("h3", "", title)];
    const first = element("ul");
    for (const line of lines.slice(0, SHOWN)) first.append(element("li", "", line));
    made.push(first);
    if (lines.length > SHOWN) {
        const more = element("details");
        more.append(element("summary", "", say("showAll", { count: lines.length - SHOWN })));
        const rest = element("ul");
        for (const line of lines.slice(SHOWN)) rest.append(element("li", "", line));
        more.append(rest);
        made.push(more);
    }
    return made;
}

function facts(lookup) {
    const measures = { restrict: "restrict", confirm_person: "confirmPerson" };
    return [
        ...list(
            say("restrictions"),
            lookup.restrictions.map((r) => `${say(measures[r.kind] ?? "confirmPerson")} (${say("until", { at: day(r.until) })})`),
        ),
        ...list(say("openMatters"), lookup.openMatters.map((m) => `${m.matter} (${say("since", { at: day(m.since) })})`)),
        ...list(
            say("answers"),
            lookup.answers.map((a) => `${day(a.at)} ${a.site} ${a.matter} (${say(a.final ? "answerFinal" : "answerOpen")})`),
        ),
        ...list(
            `${say("lastContacts")}: ${say("contacts", { count: lookup.contacts })}`,
            lookup.lastContacts.map(
                (c) => `${day(c.at)} ${c.site} ${c.matters.join("、") || say("noMatter")} (${say(c.judged ? "judged" : "notJudged")})`,
            ),
        ),
    ];
}

function draw() {
    if (last === null) return;
    const { answer, isMember } = last;
    const [kind, text, hint] = headline(answer, isMember);
    byId("answer").className = `answer ${kind}`;
    byId("state").textContent = text;
    byId("stateHint").textContent = hint;
    const lookup = answer.state === "known" ? answer.lookup : null;
    show(byId("certainty"), lookup !== null);
    byId("facts").replaceChildren();
    if (lookup !== null) {
        const sure = say(lookup.certainty === "same_person_confirmed" ? "certaintyPerson" : "certaintyNumber");
        byId("certainty").textContent = lookup.sharedNumber ? `${say("shared")}: ${say("sharedHint")}` : sure;
        byId("facts").append(...facts(lookup));
    }
    byId("report").href = call === "" ? "/form" : `/form#call=${encodeURIComponent(call)}`;
}

function showAnswer(answer, isMember) {
    last = { answer, isMember };
    show(byId("answer"), true);
    show(byId("ask"), false);
    draw();
    byId("state").focus();
}

async function ask(question) {
    if (isAsking) return;
    isAsking = true;
    byId("send").textContent = say("asking");
    tell(byId("askMessage"), "");
    const answer = await post("/form/v1/caller", question);
    isAsking = false;
    byId("send").textContent = say("ask");
    if (answer.status === 401) {
        waiting = question;
        tell(byId("askMessage"), say("signInFirst"), "note");
        openSignIn();
    } else if (answer.status === 400) {
        tell(byId("askMessage"), say("badNumber"));
    } else if (answer.status === 0) {
        noteReachable(false);
        showAnswer({ state: "unavailable", reason: "unreachable" }, false);
    } else {
        byId("number").value = "";
        byId("member").value = "";
        const state = answer.status === 200 ? answer.body : { state: "unavailable", reason: "bad_answer" };
        showAnswer(state, question.memberId !== undefined);
    }
}

function submit(event) {
    event.preventDefault();
    const number = byId("number").value.trim();
    const member = byId("member").value.trim();
    if ((number === "") === (member === "")) {
        tell(byId("askMessage"), say("badNumber"));
        return;
    }
    const question = { purpose: byId("purpose").value };
    if (number !== "") question.number = number;
    else question.memberId = member;
    addCall(question);
    ask(question);
}

/** A name that the audit can hold; a longer one only links the report. */
function addCall(question) {
    if (call !== "" && new TextEncoder().encode(call).length <= 64) question.callId = call;
}

function startAgain() {
    last = null;
    call = "";
    show(byId("answer"), false);
    show(byId("ask"), true);
    byId("number").focus();
}

/** The telephone system opened the page, or changed the fragment of an open one. */
function readFragment() {
    const values = new URLSearchParams(location.hash.slice(1));
    const number = values.get("tel") ?? "";
    if (location.hash === "") return;
    history.replaceState(null, "", location.pathname); // it must not stay in the history
    call = (values.get("call") ?? "").slice(0, 200);
    if (number === "") return;
    const question = { number, purpose: "call" };
    addCall(question);
    ask(question);
}

await start();
if (settings() !== null) {
    byId("askForm").addEventListener("submit", submit);
    byId("again").addEventListener("click", startAgain);
    addEventListener("hashchange", readFragment);
    onChange(() => {
        draw();
        show(byId("navCaller"), true);
        if (waiting !== null && settings().mayLookUp) {
            const question = waiting;
            waiting = null;
            ask(question);
        }
    });
    readFragment();
    if (last === null && !isAsking) byId("number").focus();
}

// What a person changes: with a question before, the token, and a way back after.

import { $, text } from "./page.js";

const UNDO = 20000; // ms for which a change may be taken back by a click
let after = () => {}; // called when something was changed
let timer = null;

export function onChanged(what) { after = what; }

// A line at the foot of the page, with or without a way back.
export function say(words, undo) {
  clearTimeout(timer);
  text($("told"), words);
  $("undo").hidden = !undo;
  $("undo").onclick = () => { $("toast").hidden = true; undo(); };
  $("toast").hidden = false;
  timer = setTimeout(() => { $("toast").hidden = true; }, UNDO);
}

$("toast-end").onclick = () => { $("toast").hidden = true; };

// A question; and the token, if this tab does not know it.
function ask(question) {
  const known = sessionStorage.getItem("token");
  text($("ask-title"), question.title);
  text($("ask-what"), question.what);
  text($("ask-why"), question.wrong || (known ? ""
    : "A change needs the admin token of the config. It is kept until this tab is closed."));
  text($("ask-yes"), question.yes);
  $("token").value = "";
  $("token").required = !known;
  $("token-row").hidden = Boolean(known);
  $("ask").showModal();
  return new Promise((resolve) => {
    $("ask-no").onclick = () => $("ask").close("");
    $("ask").onclose = () => resolve($("ask").returnValue === "yes"
      ? known || $("token").value : null);
    $("ask-yes").value = "yes";
    $("ask").returnValue = "";
  });
}

async function send(method, path, token, value) {
  const answer = await fetch(path, {
    method, headers: { "Authorization": "Bearer " + token, "Content-Type": "application/json" },
    body: value && JSON.stringify(value),
  }).catch(() => null);
  if (!answer) return { status: 0, error: "neap does not answer" };
  const said = await answer.json().catch(() => ({}));
  return { status: answer.status, ok: answer.ok, error: said.error };
}

// question: { title, what, yes, isPlain: not asked if the token is known }
async function carryOut(method, path, value, question) {
  let token = question.isPlain && sessionStorage.getItem("token") || await ask(question);
  while (token) {
    const answer = await send(method, path, token, value);
    if (answer.status === 401) {
      sessionStorage.removeItem("token");
      token = await ask({ ...question, wrong: "That token is wrong: " + answer.error + "." });
      continue;
    }
    if (answer.ok) sessionStorage.setItem("token", token);
    else say("Not done: " + (answer.error || "status " + answer.status));
    after();
    return answer.ok;
  }
  return false;
}

function pathOf(pool, backend) {
  return "pools/" + encodeURIComponent(pool) + "/backends/" + encodeURIComponent(backend);
}

const STATES = {
  drain: ["Drain", "It gets nothing new; what is under way ends.", "is drained"],
  down: ["Take down", "It gets nothing at all.", "is taken down"],
  up: ["Keep up", "It gets requests, whatever its checks find.", "is kept up"],
  auto: ["Enable", "Checks and requests decide again.", "is left to its checks"],
};

function others(pool, backend) {
  const serving = pool.backends.filter((one) => one.name !== backend.name
    && (one.state === "up" || one.state === "unknown")).length;
  return " " + backend.inflight + " under way on it; " + serving
    + (serving === 1 ? " other serves" : " others serve") + " in pool " + pool.name + ".";
}

export function stateVerb(state) { return STATES[state][0]; }

export async function setState(pool, backend, state) {
  const [verb, what, done] = STATES[state];
  const before = backend.origin.state === "api" ? backend.state : "auto";
  const ok = await carryOut("PATCH", pathOf(pool.name, backend.name), { state }, {
    title: verb + " " + backend.name + "?", yes: verb, isPlain: state === "auto",
    what: what + others(pool, backend),
  });
  const path = pathOf(pool.name, backend.name);
  const undo = () => carryOut("PATCH", path, { state: before },
    { title: "Undo?", what: "", yes: "Undo", isPlain: true });
  if (ok) say(backend.name + " " + done + ".", undo);
}

export async function setWeight(pool, backend, weight) {
  const path = pathOf(pool.name, backend.name), before = backend.weight;
  const ok = await carryOut("PATCH", path, { weight }, {
    title: "Weight of " + backend.name, yes: "Set to " + weight,
    what: "From " + before + " to " + weight + ". After a reload it is the file's again.",
  });
  const undo = () => carryOut("PATCH", path, { weight: before },
    { title: "Undo?", what: "", yes: "Undo", isPlain: true });
  if (ok) say(backend.name + " has weight " + weight + " now.", undo);
}

export async function reload(config) {
  const ok = await carryOut("POST", "reload", null, { title: "Reload?", yes: "Reload",
    what: "neap reads " + (config || "its config")
      + " again. If that is refused, the one in use stays." });
  if (ok) say("The new configuration serves.");
}

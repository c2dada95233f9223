// A backend's own page: #backend/POOL/NAME.

import { $, attribute, el, keyed, text } from "./page.js";
import { ago, count, seconds, several, stateWord } from "./numbers.js";
import { setState, setWeight, stateVerb } from "./change.js";
import { chart } from "./chart.js";
import { listed, whySince } from "./facts.js";
import { listEvents } from "./events.js";
import { pastOf, span } from "./services.js";

const STORIES = 20;     // that are shown
const ASKED = 256;      // of the pool's, to find them
const EVERY = 5000;     // ms between two looks at stories

let wanted = null;      // [pool, backend]
let shown = null;       // { pool, backend }
let asked = -1e9;
let isTyped = false;    // a weight that is not sent yet
const charts = [
  chart("Attempts per second", [["requests", "all"], ["5xx", "5xx"], ["failures", "failures"]]),
  chart("To the first byte", [["p50", "p50"], ["p99", "p99"]], seconds),
  chart("In flight", [["inflight", "most"]]),
];
$("one-charts").append(...charts.map((one) => one.node));

export function isOpen() { return wanted !== null; }

// ---- facts, buttons ----

function facts(pool, b, now) {
  const c = pool.health;
  return [
    ["Address", b.url + (b.addresses.length ? " (" + b.addresses.join(", ") + ")" : "")],
    ["Pool", pool.name + (b.zone ? ", zone " + b.zone : "") + ", tier " + b.tier],
    ["Checks", c.type == null ? "several" : c.type === "none" ? "none" : c.type + ", every " + seconds(c.interval)],
    ["Weight", b.weight + (b.origin.weight === "api" ? ", set by the API" : "")],
    ["Slots", b.slots ? count(b.inflight) + " of " + b.slots + " used" : "no limit"],
    ["Attempts", count(b.requests) + ", " + several(b.failures, "failure")],
    ["Answers", Object.entries(b.answers).filter(([, n]) => n > 0).map(([name, n]) =>
      count(n) + " " + name).join(", ") || "none yet"],
    ["First byte", "p50 " + seconds(b.first_byte.p50) + ", p90 " + seconds(b.first_byte.p90)
      + ", p99 " + seconds(b.first_byte.p99) + " since the start"],
    ["HTTP/2", b.http2 ? several(b.http2.connections, "connection") + ", "
      + several(b.http2.streams, "stream") : ""],
    ["Comes from", b.origin.backend + (listed(b, now) ? ". " + listed(b, now) : "")],
    ["Set by", b.shared ? b.shared.by + ", " + ago(now - b.shared.at) + " ago" : ""],
    ["After a reload", b.on_reload ? Object.entries(b.on_reload).map(([what, then]) =>
      what + ": " + then).join("; ") : ""],
  ].filter(([, value]) => value);
}

function showFacts(pool, b, now) {
  const list = facts(pool, b, now);
  const rows = keyed($("one-facts"), list.map(([name]) => name), (name) =>
    el("div", {}, el("dt", {}, name), el("dd")));
  for (const [name, value] of list) text(rows.get(name).lastChild, value);
}

function showButtons(b, readOnly) {
  $("one-change").hidden = readOnly;
  for (const button of $("one-states").children) {
    const state = button.dataset.to;
    const now = b.origin.state === "api" ? b.state : "auto";
    attribute(button, "aria-pressed", String(state === now));
  }
  if (!isTyped) $("weight").value = b.weight;
}

// ---- stories ----

function isOf(story, name) {
  return story.backend === name
    || story.steps.some((step) => step.attempt && step.backend === name);
}

function failuresOf(story, name) {
  return story.steps.filter((step) => step.attempt && step.backend === name && step.message);
}

function storyWords(story, name) {
  const failed = failuresOf(story, name).map((step) => step.message + " (" + step.stage + ")");
  return (story.method || "tcp") + " " + (story.host || "") + (story.path || "") + " → "
    + (story.status || "no answer") + (story.backend && story.backend !== name ? " from "
      + story.backend : "") + ", " + seconds(story.total)
    + (failed.length ? "; failed here: " + failed.join(", ") : "");
}

function listStories(node, list, name) {
  const items = keyed(node, list.map((story) => story.id), (id) =>
    el("li", {}, el("time"), el("a", { href: "explain?id=" + encodeURIComponent(id) }), " ",
      el("span")));
  for (const story of list) {
    const item = items.get(story.id);
    text(item.children[0], new Date(story.time).toLocaleTimeString());
    text(item.children[1], story.id);
    text(item.children[2], storyWords(story, name));
  }
}

async function showStories(pool, name) {
  if (performance.now() - asked < EVERY) return;
  asked = performance.now();
  const answer = await fetch("explain?last=" + ASKED + "&pool="
    + encodeURIComponent(pool), { cache: "no-store" });
  const said = await answer.json();
  if (!wanted || wanted[1] !== name) return;
  const own = answer.ok ? said.stories.filter((story) => isOf(story, name)) : [];
  const failed = own.filter((story) => failuresOf(story, name).length > 0);
  const none = answer.ok ? "None lately." : said.error;
  listStories($("one-failed"), failed.slice(0, STORIES), name);
  listStories($("one-stories"), own.slice(0, STORIES), name);
  text($("one-failed-none"), failed.length ? "" : none);
  text($("one-stories-none"), own.length ? "" : none);
}

// ---- the page ----

export async function showBackend(s) {
  if (!wanted) return;
  const pool = s.pools.find((one) => one.name === wanted[0]);
  const b = pool && pool.backends.find((one) => one.name === wanted[1]);
  shown = b ? { pool, backend: b } : null;
  text($("one-title"), wanted[1]);
  attribute($("one-badge"), "class", b ? "badge " + b.state : "badge");
  text($("one-badge"), b ? stateWord(b.state) : "");
  text($("one-why"), b ? whySince(b, s.now) : "It is not there any more.");
  $("one-body").hidden = !b;
  if (!b) return;
  showFacts(pool, b, s.now);
  showButtons(b, s.read_only);
  const own = s.events.filter((event) => event.backend === b.name && event.pool === pool.name);
  listEvents($("one-events"), own);
  text($("one-events-none"), own.length ? "" : "Nothing lately.");
  const past = pastOf("pool=" + encodeURIComponent(pool.name) + "&backend="
    + encodeURIComponent(b.name), 1);
  await Promise.all([past.look(), showStories(pool.name, b.name)]);
  for (const one of charts) one.draw(past, Math.min(span(), 600));
  text($("one-missing"), past.missing);
}

// A link may be cut in the middle of an escape.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function turn() {
  const parts = location.hash.match(/^#backend\/([^/]*)\/(.*)$/);
  const was = wanted;
  wanted = parts ? [decoded(parts[1]), decoded(parts[2])] : null;
  asked = -1e9;
  isTyped = false;
  $("all").hidden = isOpen();
  $("one").hidden = !isOpen();
  if (isOpen() || was) window.scrollTo(0, 0);
  if (isOpen()) $("one-title").focus();
  document.dispatchEvent(new Event("again"));
}

for (const state of ["drain", "down", "up", "auto"]) {
  const button = el("button", { type: "button", "data-to": state }, stateVerb(state));
  button.onclick = () => { if (shown) setState(shown.pool, shown.backend, state); };
  $("one-states").append(button);
}
$("weight").addEventListener("input", () => { isTyped = true; });
$("one-weight").addEventListener("submit", (event) => {
  event.preventDefault();
  isTyped = false;
  if (shown) setWeight(shown.pool, shown.backend, Number($("weight").value));
});
window.addEventListener("hashchange", turn);
turn();

// The dashboard: asks for /status once a second and shows it.

import { $, attribute, text } from "./page.js";
import { ago, count, several } from "./numbers.js";
import { rate } from "./rates.js";
import { alarmsOf, showCharts, showServices } from "./services.js";
import { measure, showPools } from "./pools.js";
import { showBackend } from "./backend.js";
import { showEvents, showStores, showWorkers } from "./events.js";
import { onChanged, reload } from "./change.js";

const EVERY = 1000;     // ms between two questions; more where an answer takes long
const HIDDEN = 10000;   // while nobody looks
const PATIENCE = 5000;  // for one answer

let answered = 0, timer = null, last = null;

function setLink(kind, words) {
  attribute($("link"), "class", "link " + kind);
  text($("link"), words);
}

function sharingOf(sharing, now) {
  if (!sharing) return "";
  return "shares changes as " + sharing.name + (sharing.answered ? ", heard "
    + ago(now - sharing.answered) + " ago" : "") + (sharing.waiting ? ", "
    + several(sharing.waiting, "change") + " waiting" : "");
}

function showHead(s) {
  text($("about"), [s.config, "neap " + s.version, "generation " + s.generation,
    "up " + ago(s.now - s.started), s.read_only ? "read-only: no token in the config" : "",
    sharingOf(s.sharing, s.now)].filter(Boolean).join(" · "));
  $("reload").hidden = s.read_only;
  const bad = s.pools.reduce((n, pool) => n + pool.backends.filter((b) => b.state === "down"
    || b.state === "ejected").length, 0);
  document.title = (bad ? "(" + bad + " down) " : "") + "neap";
  const sum = (list, pick) => list.reduce((n, one) => n + pick(one), 0);
  const errors = rate("errors", sum(s.services, (x) => x.answers["5xx"] + x.broken), s.now);
  const each = rate("requests", sum(s.services, (x) => x.requests), s.now);
  text($("now"), [count(each) + " requests per second",
    errors > 0 ? count(errors) + " errors per second" : "no errors",
    count(sum(s.pools, (x) => x.inflight)) + " in flight",
    several(sum(s.workers, (x) => x.connections), "client connection"),
    bad ? several(bad, "backend") + " down" : ""].filter(Boolean).join(" · "));
  const alarms = alarmsOf(s);
  text($("alarm"), alarms.join("\n"));
  $("alarm").hidden = alarms.length === 0;
}

async function show(s) {
  showHead(s);
  showServices(s);
  showPools(s);
  showEvents(s);
  showWorkers(s);
  showStores(s);
  await Promise.all([showBackend(s), $("all").hidden ? null : showCharts()]);
}

async function look() {
  clearTimeout(timer);
  const began = performance.now();
  try {
    const answer = await fetch("status",
      { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    if (!answer.ok) throw new Error("status " + answer.status);
    const s = await answer.json();
    answered = performance.now();
    setLink(s.draining ? "lost" : "live", s.draining ? "draining" : "live");
    measure(s);
    last = s;
    show(s).catch((error) => console.error(error));
  } catch (error) {
    const silent = answered ? "no answer for " + ago((performance.now() - answered) / 1000)
      : "no answer";
    setLink("lost", silent);
    console.debug(error);
  }
  const took = performance.now() - began;
  clearTimeout(timer);
  timer = setTimeout(look, document.hidden ? HIDDEN : Math.max(EVERY - took, took * 2, 200));
}

document.addEventListener("again", () => {
  if (last) show(last).catch((error) => console.error(error));
});
document.addEventListener("keydown", (event) => {
  const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || $("ask").open;
  if (event.key === "Escape" && !busy && location.hash.startsWith("#backend/")) location.hash = "";
  if (event.key !== "/" || busy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  $("search").focus();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
$("reload").onclick = () => reload(last && last.config);
onChanged(look);
look();

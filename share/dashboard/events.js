// What changed lately, the workers, the shared stores.

import { $, attribute, el, keyed, table, text } from "./page.js";
import { bytes, clock, count, percent, seconds, stateWord } from "./numbers.js";
import { rate } from "./rates.js";

let told = null; // the newest event that was said aloud

function wording(event) {
  if (event.kind !== "state") return event.text;
  return event.backend + ": " + stateWord(event.to) + (event.text ? " (" + event.text + ")" : "");
}

export function listEvents(node, list) {
  const items = keyed(node, list.map((event) => event.number), () =>
    el("li", {}, el("time"), el("span")));
  for (const event of list) {
    const item = items.get(event.number);
    text(item.firstChild, clock(event.time, true));
    text(item.lastChild, wording(event));
    attribute(item.lastChild, "class", event.level === "error" ? "bad" : event.level === "warn"
      ? "warn" : "");
  }
}

export function showEvents(s) {
  const list = s.events;
  listEvents($("events"), list);
  const newest = list.length ? list[0].number : 0;
  if (told !== null && newest > told) {
    const fresh = list.filter((event) => event.number > told);
    text($("say"), fresh.length > 3 ? fresh.length + " changes; the last: " + wording(fresh[0])
      : fresh.map(wording).join(". "));
  }
  told = newest;
}

export function showWorkers(s) {
  table($("workers"), ["Worker", "Process", "Connections", "Per second", "Lua", "Loop lag"], 2,
    s.workers.map((w) => [w.slot, String(w.slot), w.pid ? String(w.pid) : "none",
      count(w.connections), count(rate("w " + w.slot, w.requests, s.now)), bytes(w.lua_bytes),
      seconds(w.lag)]));
}

export function showStores(s) {
  $("stores-box").hidden = s.shared.length === 0;
  table($("stores"), ["Store", "Entries", "Used", "of", "Reads per second", "Hits", "Evicted",
    "Expired"], 1, s.shared.map((one) => [one.name, one.name, count(one.entries), bytes(one.used),
      bytes(one.bytes), count(rate("m " + one.name, one.hits + one.misses, s.now)),
      percent(one.hits, one.hits + one.misses), count(one.evicted), count(one.expired)]));
}

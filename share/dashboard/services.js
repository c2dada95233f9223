// Services: a row for each, and the charts of the one that is looked at.

import { $, attribute, el, keyed, text } from "./page.js";
import { ago, count, seconds, several } from "./numbers.js";
import { rate, recent } from "./rates.js";
import { chart } from "./chart.js";
import { Past } from "./past.js";

const COLUMNS = [["Service", "who"], ["Per second", "n"], ["p50", "n"], ["p99", "n"],
  ["4xx", "n"], ["5xx", "n"], ["Refused", "n"], ["In flight", "n least"], ["Policy", "policy least"]];

let chosen = null;        // a service's name
const pasts = new Map();  // query and step → Past
const charts = [
  chart("Requests per second", [["requests", "all"], ["4xx", "4xx"], ["5xx", "5xx"]]),
  chart("Whole answer", [["p50", "p50"], ["p99", "p99"]], seconds),
  chart("In flight", [["inflight", "most"], ["failures", "failures per second"]]),
];
$("charts").append(...charts.map((one) => one.node));

// The window that is looked at, in seconds.
export function span() { return Number($("span").value); }

export function pastOf(query, step) {
  const key = step + query;
  if (!pasts.has(key)) pasts.set(key, new Past(query, step));
  return pasts.get(key);
}

export async function showCharts() {
  if (chosen == null) return;
  const past = pastOf("service=" + encodeURIComponent(chosen), span() > 600 ? 60 : 1);
  await past.look();
  for (const one of charts) one.draw(past, span());
  text($("charts-why"), past.length || past.missing ? past.missing : "No sample yet.");
}

function costsOf(service) {
  return service.hooks.filter((hook) => hook.calls > 63 && hook.seconds > 0).map((hook) =>
    hook.name + " " + (hook.seconds / hook.calls * 1e6).toFixed(1) + " µs a call");
}

// Hooks that erred, and those that are left out for it.
export function tripsOf(service) {
  return service.hook_errors.map((hook) => "hook " + hook.name + ": "
    + several(hook.errors, "error") + (hook.killed ? ", " + count(hook.killed) + " stopped" : "")
    + (hook.tripped ? ", left out for now" : ""));
}

// When certificates end: [words, whether soon]; those that end soon, else the first of them.
export function certificatesOf(service) {
  const all = [...(service.certificates || [])].sort((a, b) => a.days - b.days);
  if (all.length === 0) return ["", false];
  const soon = all.filter((one) => one.days < 14);
  const words = (soon.length > 0 ? soon.slice(0, 3) : all.slice(0, 1)).map((one) =>
    (one.name || one.file) + (one.days < 0 ? " has expired"
      : " ends in " + several(one.days, "day")));
  return [(all.length === 1 ? "certificate " : all.length + " certificates: ") + words.join(", "),
    soon.length > 0];
}

function listOf(map) {
  return Object.entries(map).filter(([, n]) => n > 0).map(([name, n]) =>
    count(n) + " " + name.replaceAll("_", " ")).join(" · ");
}

function total(map) { return Object.values(map).reduce((a, b) => a + b, 0); }

function bad(words) { return words ? [" · ", el("span", { class: "bad" }, words)] : []; }

// What else is to be known of the service that is looked at.
function showFacts(service, s) {
  const listen = service.listen.join(", ");
  const busy = rate("policy " + service.name, total(service.policy_seconds), s.now);
  const policy = ["policy " + (service.policy || "round_robin"), ...costsOf(service),
    busy > 0.0005 ? (busy * 100).toFixed(1) + " % of a CPU" : ""].filter(Boolean).join(", ");
  const [certificates, isSoon] = certificatesOf(service);
  const refused = listOf(service.refused);
  $("service-facts").replaceChildren([service.mode, "on " + listen,
    service.pool ? "to pool " + service.pool : "", policy,
    count(service.requests) + " since the start: " + (listOf(service.answers) || "no answers yet"),
    refused ? "refused: " + refused : "", service.retries ? several(service.retries, "retry",
      "retries") : "", isSoon ? "" : certificates].filter(Boolean).join(" · "),
  ...bad(tripsOf(service).join("; ")), ...bad(isSoon ? certificates : ""));
  charts[0].caption.textContent = (service.mode === "tcp" ? "Connections" : "Requests")
    + " per second";
}

function makeRow(name) {
  const row = el("tr");
  row.pick = el("button", { type: "button", class: "link-like" }, name);
  row.pick.onclick = () => { chosen = name; document.dispatchEvent(new Event("again")); };
  row.columns = COLUMNS.map(([title, kind], i) =>
    el("td", { class: kind, "data-label": title.toLowerCase() }, ...(i === 0 ? [row.pick] : [])));
  row.append(...row.columns);
  return row;
}

function showRow(row, service, s) {
  const each = rate("r " + service.name, service.requests, s.now);
  const failing = rate("5 " + service.name, service.answers["5xx"] + service.broken, s.now);
  const [p50, p99] = recent("s " + service.name, service.latency.buckets, s.bounds, [0.5, 0.99],
    s.now);
  const pool = s.pools.find((one) => one.name === service.pool);
  const trips = tripsOf(service);
  const values = [null, count(each), seconds(p50), seconds(p99), count(service.answers["4xx"]),
    count(service.answers["5xx"]), count(total(service.refused)), pool ? count(pool.inflight) : "–",
    trips[0] || service.policy || "round_robin"];
  values.forEach((value, i) => { if (value != null) text(row.columns[i], value); });
  row.columns[5].classList.toggle("bad", failing > 0);
  row.columns[5].title = failing > 0 ? count(failing) + " errors per second now" : "";
  row.columns[8].classList.toggle("bad", trips.length > 0);
  attribute(row, "aria-current", String(service.name === chosen));
}

export function showServices(s) {
  const names = s.services.map((one) => one.name);
  if (!names.includes(chosen)) chosen = names[0] ?? null;
  const body = $("services");
  const rows = keyed(body, names, makeRow);
  for (const service of s.services) {
    showRow(rows.get(service.name), service, s);
    if (service.name === chosen) showFacts(service, s);
  }
  text($("chosen"), chosen ?? "");
  text($("services-count"), names.length > 1 ? several(names.length, "service") : "");
}

export function alarmsOf(s) {
  const list = [];
  if (s.reload.error) list.push("The last reload was refused: " + s.reload.error);
  for (const pool of s.pools) {
    if (pool.panics) {
      list.push("Pool " + pool.name + " panics: too few of its backends are up, so all are used.");
    }
  }
  for (const service of s.services) {
    for (const trip of tripsOf(service).filter((one) => one.endsWith("left out for now"))) {
      list.push("Service " + service.name + ": " + trip);
    }
    const [words, isSoon] = certificatesOf(service);
    if (isSoon) list.push("Service " + service.name + ": " + words);
    for (const one of service.acme || []) {
      if (one.error) list.push("No certificate for " + one.domain + ": " + one.error);
    }
  }
  if (s.sharing && s.sharing.error) {
    list.push("Changes are not shared" + (s.sharing.answered ? " since "
      + ago(s.now - s.sharing.answered) : "") + ": " + s.sharing.error);
  }
  return list;
}

$("services-head").append(...COLUMNS.map(([title, kind]) =>
  el("th", { scope: "col", class: kind }, title)));
$("span").addEventListener("change", () => document.dispatchEvent(new Event("again")));

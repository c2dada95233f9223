// The dashboard: asks for /status once a second and shows it. Everything that comes from there is
// put in as text, never as markup.
"use strict";

const EVERY = 1000;     // ms between two questions; more where an answer takes long
const HIDDEN = 10000;   // while nobody looks
const PATIENCE = 5000;  // for one answer
const KEPT = 120;       // samples a chart shows
const WINDOW = 5;       // samples that percentiles are of
const PAGE = 50;        // backends of a pool at once
const SERVICES = 24;    // cards
const ORDER = { down: 0, ejected: 1, drain: 2, unknown: 3, up: 4 };
const WORDS = { unknown: "not checked" };

const $ = (id) => document.getElementById(id);

function el(name, attributes, ...children) {
  const svg = ["svg", "path"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// ---- numbers for people ----

function count(n) {
  if (n == null) return "–";
  if (n >= 1e6) return (n / 1e6).toFixed(n < 1e7 ? 2 : 1) + " M";
  if (n >= 1e4) return (n / 1e3).toFixed(n < 1e5 ? 1 : 0) + " k";
  return n >= 100 || n % 1 === 0 ? String(Math.round(n)) : n.toFixed(1);
}

function seconds(s) {
  if (s == null) return "–";
  if (s < 0.001) return Math.round(s * 1e6) + " µs";
  if (s < 1) return (s * 1e3).toFixed(s < 0.01 ? 1 : 0) + " ms";
  return s.toFixed(s < 10 ? 1 : 0) + " s";
}

function ago(s) {
  if (s < 1) return "now";
  if (s < 60) return Math.floor(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " days";
}

function bytes(n) {
  return n < 1048576 ? Math.round(n / 1024) + " KiB" : (n / 1048576).toFixed(1) + " MiB";
}

// ---- what was, for rates and charts ----

const series = new Map(); // name → last values, the newest last

function push(name, value) {
  if (!series.has(name)) series.set(name, []);
  const list = series.get(name);
  if (last) list.push(value); // the first answer has no rates yet
  if (list.length > KEPT) list.shift();
  return list;
}

const totals = new Map(); // name → [counter, time, rate]

// A counter's growth a second; one that began anew grew from nothing.
function rate(name, value, now) {
  const last = totals.get(name);
  if (last && now <= last[1]) return last[2];
  const grown = last ? (value >= last[0] ? value - last[0] : value) : 0;
  const result = last ? grown / (now - last[1]) : 0;
  totals.set(name, [value, now, result]);
  return result;
}

const histories = new Map(); // name → buckets, the newest last

// Percentiles of what was counted in the last seconds.
function recent(name, buckets, bounds, shares) {
  if (!histories.has(name)) histories.set(name, []);
  const list = histories.get(name);
  list.push(buckets);
  if (list.length > WINDOW + 1) list.shift();
  const first = list[0];
  const grown = buckets.map((n, i) => Math.max(0, n - first[i]));
  const all = grown.reduce((a, b) => a + b, 0);
  return shares.map((share) => {
    if (all === 0) return null;
    let seen = 0;
    for (let i = 0; i < grown.length; i++) {
      if (grown[i] > 0 && seen + grown[i] >= all * share) {
        const low = i > 0 ? bounds[i - 1] : 0;
        const high = i < bounds.length ? bounds[i] : bounds[bounds.length - 1];
        return low + (high - low) * (all * share - seen) / grown[i];
      }
      seen += grown[i];
    }
    return bounds[bounds.length - 1];
  });
}

// ---- charts ----

// A new chart fills half a minute first, then two.
function step(values) {
  return 100 / (Math.max(30, values.length) - 1);
}

function line(values, most) {
  let path = "", pen = "M";
  values.forEach((value, i) => {
    if (value == null) { pen = "M"; return; }
    const x = 100 - (values.length - 1 - i) * step(values);
    path += pen + x.toFixed(2) + " " + (38 - 34 * value / most).toFixed(2);
    pen = "L";
  });
  return path;
}

function chart() {
  const svg = el("svg", { class: "chart", viewBox: "0 0 100 40", preserveAspectRatio: "none",
    role: "img" });
  const area = el("path", { class: "area" }), second = el("path", { class: "second" });
  const first = el("path", { class: "first" });
  svg.append(area, second, first);
  // One list, or two on the same scale; label: what it says, for who cannot see it.
  svg.draw = (a, b, label) => {
    const most = Math.max(1e-9, ...a, ...(b || []));
    const path = line(a, most);
    first.setAttribute("d", path);
    second.setAttribute("d", b ? line(b, most) : "");
    const x = (100 - (a.length - 1) * step(a)).toFixed(2);
    const whole = !b && a.length > 1 && !a.includes(null);
    area.setAttribute("d", whole ? path + "L100 40L" + x + " 40Z" : "");
    attribute(svg, "aria-label", label);
  };
  return svg;
}

// ---- keyed children: rows keep their nodes, so that focus and selection stay ----

function keyed(parent, keys, make) {
  const known = parent.known || (parent.known = new Map());
  const wanted = new Set(keys);
  for (const [key, node] of known) {
    if (!wanted.has(key)) { node.remove(); known.delete(key); }
  }
  const focused = document.activeElement;
  let moved = false;
  keys.forEach((key, i) => {
    let node = known.get(key);
    if (!node) { node = make(key); known.set(key, node); }
    if (parent.children[i] !== node) {
      parent.insertBefore(node, parent.children[i] || null);
      moved = true;
    }
  });
  if (moved && focused && parent.contains(focused)) focused.focus({ preventScroll: true });
  return known;
}

// ---- tiles ----

const tiles = {};

function tile(key, name) {
  const value = el("p", { class: "value" }), more = el("p", { class: "more" }), draw = chart();
  $("tiles").append(el("div", { class: "tile" }, el("p", { class: "name" }, name), value, more,
    draw));
  tiles[key] = { value, more, draw };
}
tile("requests", "Requests a second");
tile("latency", "Latency (p50), last 5 s");
tile("inflight", "In flight");
tile("errors", "Errors a second");

function add(lists) {
  return lists[0].map((_, i) => lists.reduce((sum, list) => sum + list[i], 0));
}

function showTiles(s) {
  const sum = (pick) => s.services.reduce((n, service) => n + pick(service), 0);
  const requests = rate("requests", sum((x) => x.requests), s.now);
  const failed = rate("5xx", sum((x) => x.answers["5xx"] + x.broken), s.now);
  const inflight = s.pools.reduce((n, pool) => n + pool.inflight, 0);
  const connections = s.workers.reduce((n, worker) => n + worker.connections, 0);
  const buckets = add(s.services.map((x) => x.latency.buckets));
  const [p50, p99] = recent("all", buckets, s.bounds, [0.5, 0.99]);
  const say = count(requests) + " requests a second";
  text(tiles.requests.value, count(requests));
  text(tiles.requests.more, count(sum((x) => x.requests)) + " since the start");
  tiles.requests.draw.draw(push("requests", requests), null, say);
  text(tiles.latency.value, seconds(p50));
  text(tiles.latency.more, "p99: " + seconds(p99));
  tiles.latency.draw.draw(push("p50", p50), push("p99", p99),
    "half within " + seconds(p50) + ", 99 percent within " + seconds(p99));
  text(tiles.inflight.value, count(inflight));
  text(tiles.inflight.more, count(connections) + " client connections");
  tiles.inflight.draw.draw(push("inflight", inflight), null, count(inflight) + " in flight");
  text(tiles.errors.value, count(failed));
  tiles.errors.value.classList.toggle("bad", failed > 0);
  text(tiles.errors.more, count(sum((x) => x.answers["5xx"])) + " of 5xx since the start");
  tiles.errors.draw.draw(push("5xx", failed), null, count(failed) + " errors a second");
}

// ---- services ----

function makeService() {
  const card = el("article", { class: "card" });
  const part = (name, ...more) => (card[name] = el("p", ...more));
  card.title_ = el("h3");
  card.requests = chart();
  card.latency = chart();
  card.append(card.title_, part("where", { class: "facts" }), el("div", { class: "two" },
    el("div", {}, part("rate"), card.requests), el("div", {}, part("times"), card.latency)),
  part("answers", { class: "facts" }), part("refused", { class: "facts" }),
  part("policy", { class: "facts" }));
  return card;
}

function listOf(map, unit) {
  return Object.entries(map).filter(([, n]) => n > 0).map(([name, n]) =>
    count(n) + " " + name.replaceAll("_", " ") + (unit || "")).join(" · ");
}

function policyOf(service, now) {
  const spent = Object.values(service.policy_seconds).reduce((a, b) => a + b, 0);
  const busy = rate("policy " + service.name, spent, now);
  const costs = service.hooks.filter((hook) => hook.calls > 63 && hook.seconds > 0).map((hook) =>
    hook.name + " " + (hook.seconds / hook.calls * 1e6).toFixed(1) + " µs a call");
  const hooks = service.hook_errors.map((hook) => hook.name + ": " + count(hook.errors)
    + (hook.errors === 1 ? " error" : " errors")
    + (hook.tripped ? ", left out for now" : "")).join("; ");
  const share = busy > 0.0005 ? ", " + (busy * 100).toFixed(1) + " % of a CPU" : "";
  return ["policy " + (service.policy || "round_robin") + ["", ...costs].join(", ") + share, hooks];
}

// When certificates end: those that end soon, else the first of them.
function certificatesOf(service) {
  const all = [...(service.certificates || [])].sort((a, b) => a.days - b.days);
  if (all.length === 0) return ["", false];
  const soon = all.filter((one) => one.days < 14);
  const words = (soon.length > 0 ? soon.slice(0, 3) : all.slice(0, 1)).map((one) =>
    (one.name || one.file) + (one.days < 0 ? " has expired" : " for " + one.days
      + (one.days === 1 ? " day" : " days")));
  return [(all.length === 1 ? "certificate " : all.length + " certificates: ") + words.join(", "),
    soon.length > 0];
}

function showService(card, service, s) {
  text(card.title_, service.name);
  const listen = service.listen.join(", ");
  text(card.where, [service.mode, listen === service.name ? null : listen,
    service.pool ? "→ " + service.pool : null].filter(Boolean).join(" "));
  const requests = rate("r " + service.name, service.requests, s.now);
  const [p50, p99] = recent("s " + service.name, service.latency.buckets, s.bounds, [0.5, 0.99]);
  card.rate.replaceChildren(el("b", {}, count(requests)), " a second");
  card.requests.draw(push("r " + service.name, requests), null,
    count(requests) + " requests a second");
  card.times.replaceChildren(el("b", { class: "key-first" }, seconds(p50)), " p50 ",
    el("b", { class: "key-second" }, seconds(p99)), " p99");
  card.latency.draw(push("5 " + service.name, p50), push("9 " + service.name, p99),
    "half within " + seconds(p50) + ", 99 percent within " + seconds(p99));
  text(card.answers, listOf(service.answers) || "no answers yet");
  text(card.refused, listOf(service.refused) && "refused: " + listOf(service.refused));
  const [policy, hooks] = policyOf(service, s.now);
  const [certificates, isSoon] = certificatesOf(service);
  card.policy.replaceChildren(policy, certificates
    ? el("span", isSoon ? { class: "bad" } : {}, " · " + certificates) : "", hooks ? el("span", { class: "bad" }, " · " + hooks) : "");
}

function showServices(s) {
  const shown = [...s.services].sort((a, b) => b.requests - a.requests).slice(0, SERVICES);
  const names = s.services.filter((x) => shown.includes(x)).map((x) => x.name);
  const cards = keyed($("services"), names, makeService);
  for (const service of shown) showService(cards.get(service.name), service, s);
}

// ---- backends ----

let last = null;          // the last status
const pages = new Map();  // pool → page

function matches(backend, words, state) {
  if (state === "problem" && backend.state !== "down" && backend.state !== "ejected") return false;
  if (state && state !== "problem" && backend.state !== state) return false;
  if (words.length === 0) return true;
  const all = [backend.name, backend.url, backend.zone, backend.reason, backend.state]
    .join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

// Why it is in its state; of one that serves, why it is suspect, if it is.
function why(backend, held) {
  const state = backend.state, suspect = backend.suspect;
  if (suspect && (state === "up" || state === "unknown")) {
    return "suspect, " + suspect.failures + " failed in a row: " + suspect.reason;
  }
  return state === "up" && !held ? "" : backend.reason;
}

const COLUMNS = [["Backend", "who"], ["State", "state"], ["Why", "why"], ["Weight", "n"],
  ["In flight", "n"], ["a second", "n"], ["Latency", "n"], ["Failures", "n"], ["", "act"]];

function makePool(name) {
  const head = el("tr", {}, ...COLUMNS.map(([title, kind]) =>
    el("th", { scope: "col", class: kind }, title || el("span", { class: "sr" }, "Change"))));
  const box = el("section", { class: "pool", "aria-label": "Pool " + name });
  box.title_ = el("h3", {}, name);
  box.facts = el("p", { class: "quiet" });
  box.body = el("tbody");
  box.none = el("p", { class: "none" });
  box.shadow = el("p", { class: "shadow" });
  box.discover = el("p", { class: "discover" });
  box.from = el("span");
  const turn = (by, label) => {
    const button = el("button", { type: "button" }, label);
    button.onclick = () => { pages.set(name, (pages.get(name) || 0) + by); if (last) showPools(last); };
    return button;
  };
  box.back = turn(-1, "Back");
  box.next = turn(1, "Next");
  box.pager = el("div", { class: "pager" }, box.from, box.back, box.next);
  box.append(el("div", { class: "head" }, box.title_, box.facts, box.discover,
    box.shadow),
  el("table", {},
    el("caption", { class: "sr" }, "Backends of pool " + name), el("thead", {}, head), box.body),
  box.none, box.pager);
  return box;
}

function percent(n, of) {
  return of > 0 ? (n / of * 100).toFixed(1) + " %" : "–";
}

const MOVED = 5;          // backends whose share would change most

// What the pool's shadow policy would have done.
function showShadow(box, s) {
  box.shadow.hidden = !s;
  if (!s) return;
  const total = (by) => s.picks.reduce((n, pick) => n + pick[by], 0);
  const real = total("real"), shadow = total("shadow");
  const share = (n, of) => of > 0 ? n / of : 0;
  const gain = (pick) => share(pick.shadow, shadow) - share(pick.real, real);
  const moved = s.picks.filter((pick) => Math.abs(gain(pick)) >= 0.005)
    .sort((a, b) => Math.abs(gain(b)) - Math.abs(gain(a))).slice(0, MOVED);
  box.shadow.replaceChildren("Shadow " + (s.policy || "") + ": agreed about "
    + percent(s.agreed, s.asked) + " of " + count(s.asked) + " requests, another backend for "
    + count(s.differed) + ", none for " + count(s.none), s.errors > 0
    ? el("span", { class: "bad" }, " · " + count(s.errors) + " errors") : "",
  s.asked > 0 ? " · " + seconds(s.seconds / s.asked) + " each" : "",
  moved.length > 0 ? " · shares it would change: " + moved.map((pick) => pick.backend + " "
    + percent(pick.real, real) + " → " + percent(pick.shadow, shadow)).join(", ") : "");
}

// Where the pool's backends come from, and how old that is.
function showDiscover(box, found, now) {
  box.discover.hidden = !found;
  if (!found) return;
  box.discover.replaceChildren("Backends from " + found.type
    + (found.revision ? ", revision " + found.revision : "")
    + (found.answered ? ", said " + ago(now - found.answered) + " ago" : ", no answer yet")
    + (found.left_out ? " · " + found.left_out + " left out (" + found.left_out_reason + ")" : "")
    + (found.held && found.held.length ? " · held out: " + found.held.join(", ") : ""),
  found.error ? el("span", { class: "bad" }, " · " + found.error) : "");
}

// Since when its registry lists it as it is.
function listed(backend, now) {
  const mark = backend.listed;
  if (!mark) return "";
  return "Listed since " + ago(now - mark.since)
    + (mark.revision ? ", revision " + mark.revision : "");
}

function makeRow(pool) {
  const row = el("tr");
  const cell = (name, kind, label) => {
    row[name] = el("td", { class: kind, "data-label": label });
    row.append(row[name]);
  };
  cell("who", "who");
  row.name = el("span");
  row.tag = el("span", { class: "tag" });
  row.url = el("div", { class: "quiet" });
  row.who.append(row.name, row.tag, row.url);
  cell("state", "state");
  row.badge = el("span");
  row.state.append(row.badge);
  cell("why", "why");
  cell("weight", "n", "weight");
  cell("inflight", "n", "in flight");
  cell("rate", "n", "a second");
  cell("latency", "n", "latency");
  cell("failures", "n", "failures");
  cell("act", "act");
  row.button = el("button", { type: "button" });
  row.button.onclick = () => change(pool, row.backend, row.button.dataset.to);
  row.act.append(row.button);
  return row;
}

function showRow(row, pool, backend, s) {
  const state = backend.state, held = backend.origin.state === "api";
  row.backend = backend.name;
  text(row.name, backend.name);
  const origin = backend.origin.backend;
  text(row.tag, [origin === "file" ? "" : origin, backend.zone, backend.tier ? "tier " + backend.tier
    : ""].filter(Boolean).join(" · "));
  row.tag.hidden = row.tag.textContent === "";
  row.tag.title = listed(backend, s.now);
  const plain = backend.url.replace(/^http:\/\//, "");
  text(row.url, plain === backend.name ? "" : backend.url);
  attribute(row.badge, "class", "badge " + state);
  text(row.badge, WORDS[state] || state);
  attribute(row, "class", state === "down" || state === "ejected" ? "problem" : "");
  const since = ago(s.now - backend.since);
  const reason = why(backend, held);
  text(row.why, reason + (reason ? ", " : "") + (since === "now" ? "just now" : "for " + since));
  text(row.weight, String(backend.weight) + (backend.origin.weight === "api" ? "*" : ""));
  row.weight.title = backend.on_reload && backend.on_reload.weight
    ? "Changed; after a reload " + backend.on_reload.weight : "";
  text(row.inflight, count(backend.inflight));
  text(row.latency, backend.latency > 0 ? seconds(backend.latency) : "–");
  text(row.failures, count(backend.failures));
  row.button.hidden = s.read_only;
  row.button.dataset.to = held ? "auto" : "drain";
  text(row.button, held ? "Enable" : "Drain");
  attribute(row.button, "aria-label", (held ? "Enable " : "Drain ") + backend.name);
}

function showPool(box, pool, s, words, state) {
  const found = pool.backends.filter((backend) => matches(backend, words, state));
  found.sort((a, b) => ORDER[a.state] - ORDER[b.state]);
  const most = Math.max(0, Math.ceil(found.length / PAGE) - 1);
  const page = Math.min(Math.max(0, pages.get(pool.name) || 0), most);
  pages.set(pool.name, page);
  const shown = found.slice(page * PAGE, page * PAGE + PAGE);
  const bad = pool.backends.filter((b) => b.state === "down" || b.state === "ejected").length;
  box.facts.replaceChildren(pool.up + " of " + pool.count + " serve", bad > 0
    ? el("span", { class: "bad" }, " · " + bad + " down") : "",
  " · " + count(pool.inflight) + " in flight",
  pool.queue.waiting > 0 ? el("span", { class: "warn" }, " · " + count(pool.queue.waiting)
    + " wait in the queue") : "",
  pool.health.type === "none" ? " · not checked" : "",
  pool.policy ? " · policy " + pool.policy : "",
  pool.removed.length ? " · " + pool.removed.length + " removed by the API" : "");
  showDiscover(box, pool.discover, s.now);
  showShadow(box, pool.shadow);
  const rows = keyed(box.body, shown.map((b) => b.name), () => makeRow(pool.name));
  for (const backend of pool.backends) {
    const key = "b " + pool.name + " " + backend.name;
    const each = rate(key, backend.requests, s.now);
    const row = rows.get(backend.name);
    if (row) {
      showRow(row, pool, backend, s);
      text(row.rate, count(each));
    }
  }
  box.none.hidden = found.length > 0;
  text(box.none, pool.count === 0 ? "It has no backends." : "None of its backends matches.");
  box.pager.hidden = found.length <= PAGE;
  text(box.from, (page * PAGE + 1) + " to " + (page * PAGE + shown.length) + " of " + found.length);
  box.back.disabled = page === 0;
  box.next.disabled = page === most;
  box.hidden = found.length === 0 && (words.length > 0 || state !== "");
}

function showPools(s) {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = $("state").value;
  const bad = (pool) => pool.backends.some((b) => b.state === "down" || b.state === "ejected");
  const pools = [...s.pools].sort((a, b) => bad(b) - bad(a)); // problems first
  const boxes = keyed($("pool-list"), pools.map((pool) => pool.name), makePool);
  for (const pool of s.pools) showPool(boxes.get(pool.name), pool, s, words, state);
}

// ---- events, workers ----

let told = null; // the newest event that was said aloud

function wording(event) {
  if (event.kind !== "state") return event.text;
  return event.backend + ": " + (WORDS[event.to] || event.to)
    + (event.text ? " (" + event.text + ")" : "");
}

function showEvents(s) {
  const list = s.events;
  const items = keyed($("events"), list.map((event) => event.number), () => {
    const item = el("li", {}, el("time"), el("span"));
    return item;
  });
  for (const event of list) {
    const item = items.get(event.number);
    text(item.firstChild, new Date(event.time * 1000).toLocaleTimeString());
    text(item.lastChild, wording(event));
    attribute(item.lastChild, "class", event.level === "error" ? "bad" : event.level === "warn"
      ? "warn" : "");
  }
  const newest = list.length ? list[0].number : 0;
  if (told !== null && newest > told) {
    const fresh = list.filter((event) => event.number > told);
    text($("say"), fresh.length > 3 ? fresh.length + " changes; the last: " + wording(fresh[0])
      : fresh.map(wording).join(". "));
  }
  told = newest;
}

// A small table: the first columns are texts, the others numbers. rows: [key, cells…].
function showTable(table, titles, texts, rows) {
  const kind = (i) => i < texts ? "" : "n";
  if (!table.rows.length) {
    table.append(el("thead", {}, el("tr", {}, ...titles.map((title, i) =>
      el("th", { scope: "col", class: kind(i) }, title)))), el("tbody"));
  }
  const known = keyed(table.tBodies[0], rows.map((row) => row[0]), () =>
    el("tr", {}, ...titles.map((_, i) => el("td", { class: kind(i) }))));
  for (const [key, ...cells] of rows) {
    cells.forEach((value, i) => text(known.get(key).children[i], value));
  }
}

function showWorkers(s) {
  showTable($("workers"), ["Worker", "Process", "Connections", "a second", "Lua", "Loop lag"], 2,
    s.workers.map((w) => [w.slot, String(w.slot), w.pid ? String(w.pid) : "none",
      count(w.connections), count(rate("w " + w.slot, w.requests, s.now)), bytes(w.lua_bytes),
      seconds(w.lag)]));
}

function showStores(s) {
  $("stores-box").hidden = s.shared.length === 0;
  showTable($("stores"), ["Store", "Entries", "Used", "of", "Reads a second", "Hits", "Evicted",
    "Expired"], 1, s.shared.map((one) => [one.name, one.name, count(one.entries), bytes(one.used),
      bytes(one.bytes), count(rate("m " + one.name, one.hits + one.misses, s.now)),
      percent(one.hits, one.hits + one.misses), count(one.evicted), count(one.expired)]));
}

// ---- changes ----

function ask(why) {
  text($("ask-why"), why);
  $("token").value = "";
  $("ask").showModal();
  return new Promise((resolve) => {
    $("ask-no").onclick = () => $("ask").close("");
    $("ask").onclose = () => resolve($("ask").returnValue === "yes" ? $("token").value : null);
    $("ask-yes").value = "yes";
    $("ask").returnValue = "";
  });
}

async function change(pool, backend, state) {
  let token = sessionStorage.getItem("token")
    || await ask("A change needs the admin token of the config. It is kept until this tab is closed.");
  while (token) {
    const answer = await fetch("pools/" + encodeURIComponent(pool) + "/backends/"
      + encodeURIComponent(backend), {
      method: "PATCH",
      headers: { "Authorization": "Bearer " + token, "Content-Type": "application/json" },
      body: JSON.stringify({ state }),
    }).catch(() => null);
    if (answer && answer.ok) {
      sessionStorage.setItem("token", token);
      look();
      return;
    }
    const why = answer ? (await answer.json().catch(() => ({}))).error : "neap does not answer";
    if (!answer || answer.status !== 401) {
      text($("say"), why);
      setLink("lost", backend + ": " + why);
      return;
    }
    sessionStorage.removeItem("token");
    token = await ask("That token is wrong: " + why + ".");
  }
}

// ---- the loop ----

let answered = 0, timer = null;

function setLink(kind, words) {
  attribute($("link"), "class", "link " + kind);
  text($("link"), words);
}

function show(s) {
  text($("about"), [s.config, "neap " + s.version, "generation " + s.generation,
    "up " + ago(s.now - s.started), s.read_only ? "read-only: no token in the config" : ""]
    .filter(Boolean).join(" · "));
  const bad = s.pools.reduce((n, pool) => n + pool.backends.filter((b) => b.state === "down"
    || b.state === "ejected").length, 0);
  document.title = (bad ? "(" + bad + " down) " : "") + "neap";
  const alarms = s.pools.filter((pool) => pool.panics).map((pool) => "Pool " + pool.name
    + " panics: too few of its backends are up, so all are used.");
  if (s.reload.error) alarms.unshift("The last reload was refused: " + s.reload.error);
  text($("alarm"), alarms.join("\n"));
  $("alarm").hidden = alarms.length === 0;
  showTiles(s);
  showServices(s);
  showPools(s);
  showEvents(s);
  showWorkers(s);
  showStores(s);
  last = s;
}

async function look() {
  clearTimeout(timer);
  const began = performance.now();
  try {
    const answer = await fetch("status", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    if (!answer.ok) throw new Error("status " + answer.status);
    const s = await answer.json();
    answered = performance.now();
    setLink(s.draining ? "lost" : "live", s.draining ? "draining" : "live");
    show(s);
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

for (const id of ["search", "state"]) {
  $(id).addEventListener("input", () => { pages.clear(); if (last) showPools(last); });
}
$("filter").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || $("ask").open;
  if (event.key !== "/" || busy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  $("search").focus();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();

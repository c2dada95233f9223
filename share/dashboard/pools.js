// Pools and their backends: dense rows, in pages, filtered, sorted, in groups. An order is made when
// somebody asks for it and then kept, so that no row jumps away from under the pointer.

import { $, attribute, el, keyed, text } from "./page.js";
import { count, seconds, several, stateWord } from "./numbers.js";
import { rate, recent } from "./rates.js";
import { setState } from "./change.js";
import { listed, makeFacts, showFacts, showLine, showProblems, whySince } from "./facts.js";

const PAGE = 50;        // backends of a pool at once
const RANK = { down: 0, ejected: 1, drain: 2, unknown: 3, up: 4 };

// Title, class, and how it sorts: what is most first, of names and states the first.
const COLUMNS = [
  ["Backend", "who", "name", (b) => b.name],
  ["State", "state", "state", (b) => RANK[b.state]],
  ["Why", "why"],
  ["Weight", "n weight", "weight", (b) => -b.weight],
  ["In flight", "n flight", "in flight", (b) => -b.inflight],
  ["Per second", "n rate", "requests", (b) => -b.now.rate],
  ["p99", "n slow", "p99", (b) => -(b.now.p99 || 0)],
  ["4xx", "n four", "4xx", (b) => -b.answers["4xx"]],
  ["5xx", "n five", "5xx", (b) => -b.answers["5xx"]],
  ["Failures", "n failures", "failures", (b) => -b.failures],
  ["", "act"],
];
const GROUPS = {
  state: (b) => stateWord(b.state),
  zone: (b) => b.zone ? "zone " + b.zone : "no zone",
  tier: (b) => "tier " + b.tier,
};

let shown = null;          // the last status
const pages = new Map();   // pool → page
const orders = new Map();  // pool → { sign, rank: name → place }

export function addressOf(pool, backend) {
  return "#backend/" + encodeURIComponent(pool) + "/" + encodeURIComponent(backend);
}

function again() { if (shown) showPools(shown); }

function matches(backend, words, state) {
  if (state === "problem" && backend.state !== "down" && backend.state !== "ejected") return false;
  if (state && state !== "problem" && backend.state !== state) return false;
  if (words.length === 0) return true;
  const all = [backend.name, backend.url, backend.zone, backend.reason, backend.state]
    .join(" ").toLowerCase();
  return words.every((word) => all.includes(word));
}

// ---- the order ----

function compare(x, y) { return x < y ? -1 : x > y ? 1 : 0; }

// The places that were given when the order was asked for; who came later stands at the end.
function rankOf(pool) {
  const by = $("sort").value, sign = by + $("sort").dataset.turn;
  let order = orders.get(pool.name);
  if (!order || order.sign !== sign) {
    order = { sign, rank: new Map() };
    orders.set(pool.name, order);
    const column = COLUMNS.find((one) => one[2] === by);
    const list = [...pool.backends];
    if (column) {
      list.sort((a, b) => compare(column[3](a), column[3](b)));
    }
    list.forEach((b, i) => order.rank.set(b.name, i));
  }
  for (const b of pool.backends) {
    if (!order.rank.has(b.name)) order.rank.set(b.name, order.rank.size);
  }
  return order.rank;
}

function sorted(pool, found, group) {
  const rank = rankOf(pool), isState = $("group").value === "state";
  found.sort((a, b) => (isState ? RANK[a.state] - RANK[b.state]
    : group ? compare(group(a), group(b)) : 0) || rank.get(a.name) - rank.get(b.name));
  return found;
}

// ---- rows ----

function sortBy(name) {
  $("sort").value = name;
  $("sort").dataset.turn = Number($("sort").dataset.turn) + 1;
  pages.clear();
  again();
}

function heading([title, kind, by]) {
  const inner = by ? el("button", { type: "button", title: "Sort by " + by }, title)
    : title || el("span", { class: "sr" }, "Change");
  if (by) inner.onclick = () => sortBy(by);
  return el("th", { scope: "col", class: kind, "data-by": by }, inner);
}

function makePool(name) {
  const box = el("section", { class: "pool", "aria-label": "Pool " + name });
  box.facts = el("p", { class: "quiet" });
  box.more = makeFacts();
  box.problems = el("p", { class: "problems" });
  box.heads = COLUMNS.map(heading);
  box.body = el("tbody");
  box.none = el("p", { class: "none" });
  box.from = el("span");
  const turn = (by, label) => {
    const button = el("button", { type: "button" }, label);
    button.onclick = () => { pages.set(name, (pages.get(name) || 0) + by); again(); };
    return button;
  };
  box.back = turn(-1, "Back");
  box.next = turn(1, "Next");
  box.pager = el("div", { class: "pager" }, box.from, box.back, box.next);
  box.append(el("div", { class: "head" }, el("h3", {}, name), box.facts), box.more, box.problems,
    el("table", {}, el("caption", { class: "sr" }, "Backends of pool " + name),
      el("thead", {}, el("tr", {}, ...box.heads)), box.body), box.none, box.pager);
  return box;
}

function makeRow(pool) {
  const row = el("tr");
  for (const [title, kind] of COLUMNS) {
    const name = kind.split(" ").pop();
    row[name] = el("td", { class: kind, "data-label": title.toLowerCase() });
    row.append(row[name]);
  }
  row.name = el("a");
  row.tag = el("span", { class: "tag" });
  row.who.append(row.name, row.tag);
  row.badge = el("span");
  row.state.append(row.badge);
  row.button = el("button", { type: "button" });
  row.button.onclick = () => setState(shown.pools.find((one) => one.name === pool), row.backend,
    row.button.dataset.to);
  row.act.append(row.button);
  return row;
}

function showNumbers(row, b) {
  text(row.weight, String(b.weight) + (b.origin.weight === "api" ? "*" : ""));
  row.weight.title = b.on_reload && b.on_reload.weight
    ? "Changed; after a reload " + b.on_reload.weight : "";
  text(row.flight, count(b.inflight));
  text(row.rate, count(b.now.rate));
  text(row.slow, seconds(b.now.p99));
  text(row.four, count(b.answers["4xx"]));
  text(row.five, count(b.answers["5xx"]));
  row.five.classList.toggle("bad", b.now.errors > 0);
  row.five.title = b.now.errors > 0 ? count(b.now.errors) + " per second now" : "";
  text(row.failures, count(b.failures));
}

function showRow(row, pool, b, s) {
  const held = b.origin.state === "api", origin = b.origin.backend;
  row.backend = b;
  text(row.name, b.name);
  attribute(row.name, "href", addressOf(pool.name, b.name));
  attribute(row.name, "title", b.url);
  text(row.tag, [origin === "file" ? "" : origin, b.zone, b.tier ? "tier " + b.tier : ""]
    .filter(Boolean).join(" · "));
  row.tag.hidden = row.tag.textContent === "";
  row.tag.title = listed(b, s.now);
  attribute(row.badge, "class", "badge " + b.state);
  text(row.badge, stateWord(b.state));
  attribute(row, "class", b.state === "down" || b.state === "ejected" ? "problem" : "");
  text(row.why, whySince(b, s.now));
  row.why.title = row.why.textContent;
  showNumbers(row, b);
  row.button.hidden = s.read_only;
  row.button.dataset.to = held ? "auto" : "drain";
  text(row.button, held ? "Enable" : "Drain");
  attribute(row.button, "aria-label", (held ? "Enable " : "Drain ") + b.name);
}

// The page's rows, with a heading before each group.
function rowsOf(list, group) {
  const rows = [];
  let before = null;
  for (const b of list) {
    const name = group && group(b);
    if (group && name !== before) rows.push({ key: "group " + name, group: name });
    before = name;
    rows.push({ key: "backend " + b.name, backend: b });
  }
  return rows;
}

function showGroup(row, name, found, group) {
  const own = found.filter((b) => group(b) === name);
  const serving = own.filter((b) => b.state === "up" || b.state === "unknown").length;
  text(row.firstChild, name + ": " + several(own.length, "backend") + ", " + serving + " serve, "
    + count(own.reduce((n, b) => n + b.now.rate, 0)) + " per second");
}

function showRows(box, pool, found, list, s) {
  const group = GROUPS[$("group").value], rows = rowsOf(list, group);
  const isGroup = (key) => key.startsWith("group ");
  const nodes = keyed(box.body, rows.map((row) => row.key), (key) => isGroup(key)
    ? el("tr", { class: "group" }, el("td", { colspan: COLUMNS.length })) : makeRow(pool.name));
  for (const row of rows) {
    const node = nodes.get(row.key);
    if (row.backend) showRow(node, pool, row.backend, s);
    else showGroup(node, row.group, found, group);
  }
}

function showPager(box, page, most, n, all) {
  box.pager.hidden = all <= PAGE;
  text(box.from, (page * PAGE + 1) + " to " + (page * PAGE + n) + " of " + all);
  box.back.disabled = page === 0;
  box.next.disabled = page === most;
}

function showPool(box, pool, s, words, state) {
  const found = sorted(pool, pool.backends.filter((b) => matches(b, words, state)),
    GROUPS[$("group").value]);
  const most = Math.max(0, Math.ceil(found.length / PAGE) - 1);
  const page = Math.min(Math.max(0, pages.get(pool.name) || 0), most);
  pages.set(pool.name, page);
  const list = found.slice(page * PAGE, page * PAGE + PAGE);
  showLine(box.facts, pool);
  showFacts(box.more, pool, s.now);
  showProblems(box.problems, pool.backends, (b) => addressOf(pool.name, b.name), () => {
    $("state").value = "problem";
    again();
  });
  for (const head of box.heads) {
    attribute(head, "aria-sort", head.dataset.by === $("sort").value ? "other" : "none");
  }
  showRows(box, pool, found, list, s);
  box.none.hidden = found.length > 0;
  text(box.none, pool.count === 0 ? "It has no backends." : "None of its backends matches.");
  showPager(box, page, most, list.length, found.length);
  box.hidden = found.length === 0 && (words.length > 0 || state !== "");
}

// What each backend does now, once for each answer.
export function measure(s) {
  for (const pool of s.pools) {
    for (const b of pool.backends) {
      const key = pool.name + "\n" + b.name;
      b.now = {
        rate: rate("b " + key, b.requests, s.now),
        errors: rate("e " + key, b.answers["5xx"], s.now),
        p99: recent("b " + key, b.first_byte.buckets, s.bounds, [0.99], s.now)[0],
      };
    }
  }
}

export function showPools(s) {
  shown = s;
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const boxes = keyed($("pool-list"), s.pools.map((pool) => pool.name), makePool);
  for (const pool of s.pools) showPool(boxes.get(pool.name), pool, s, words, $("state").value);
}

$("sort").append(el("option", { value: "" }, "as configured"), ...COLUMNS.filter((one) => one[2])
  .map((one) => el("option", {}, one[2])));
for (const id of ["search", "state", "group"]) {
  $(id).addEventListener("input", () => { pages.clear(); again(); });
}
$("sort").addEventListener("input", () => sortBy($("sort").value));
$("filter").addEventListener("submit", (event) => event.preventDefault());

// What is to be said of a pool beside its backends: where they come from, a shadow policy, a mirror,
// hedged requests, shared checks.

import { el, text } from "./page.js";
import { ago, count, percent, seconds, several } from "./numbers.js";

const MOVED = 5; // backends whose share would change most

function bad(words) { return el("span", { class: "bad" }, " · " + words); }

// What the pool's shadow policy would have done.
function shadow(s) {
  const total = (by) => s.picks.reduce((n, pick) => n + pick[by], 0);
  const real = total("real"), other = total("shadow");
  const share = (n, of) => of > 0 ? n / of : 0;
  const gain = (pick) => share(pick.shadow, other) - share(pick.real, real);
  const moved = s.picks.filter((pick) => Math.abs(gain(pick)) >= 0.005)
    .sort((a, b) => Math.abs(gain(b)) - Math.abs(gain(a))).slice(0, MOVED);
  return ["Shadow " + (s.policy || "") + ": agreed about "
    + percent(s.agreed, s.asked) + " of " + several(s.asked, "request") + ", another backend for "
    + count(s.differed) + ", none for " + count(s.none), s.errors > 0
    ? bad(several(s.errors, "error")) : "",
  s.asked > 0 ? " · " + seconds(s.seconds / s.asked) + " each" : "",
  moved.length > 0 ? " · shares it would change: " + moved.map((pick) => pick.backend + " "
    + percent(pick.real, real) + " → " + percent(pick.shadow, other)).join(", ") : ""];
}

// Where the pool's backends come from, and how old that is.
function discover(found, now) {
  return ["Backends from " + found.type
    + (found.revision ? ", revision " + found.revision : "")
    + (found.answered ? ", said " + ago(now - found.answered) + " ago" : ", no answer yet")
    + (found.left_out ? " · " + found.left_out + " left out (" + found.left_out_reason + ")" : "")
    + (found.held && found.held.length ? " · held out: " + found.held.join(", ") : ""),
  found.error ? bad(found.error) : ""];
}

function checks(share) {
  return [(share.shared ? "Checks are shared by " : "Checks are its own, in ")
    + share.members.join(", ")
    + ", this one checks " + count(share.own), share.error ? bad(share.error) : ""];
}

function show(node, value, parts) {
  node.hidden = !value;
  if (value) node.replaceChildren(...parts(value));
}

export function makeFacts() {
  const node = el("div", { class: "more" });
  for (const name of ["discover", "checks", "shadow"]) {
    node[name] = el("p", { class: name });
    node.append(node[name]);
  }
  return node;
}

export function showFacts(node, pool, now) {
  show(node.discover, pool.discover, (found) => discover(found, now));
  show(node.checks, pool.health.share, checks);
  show(node.shadow, pool.shadow, shadow);
}

// The pool's own line.
export function showLine(node, pool) {
  const down = pool.backends.filter((b) => b.state === "down" || b.state === "ejected").length;
  const parts = [pool.up + " of " + pool.count + " serve", down > 0
    ? el("span", { class: "bad" }, " · " + down + " down") : "",
  " · " + count(pool.inflight) + " in flight",
  pool.queue.waiting > 0 ? el("span", { class: "warn" }, " · " + count(pool.queue.waiting)
    + " wait in the queue") : "",
  pool.health.type === "none" ? " · not checked" : "",
  pool.policy ? " · policy " + pool.policy : "",
  pool.mirror ? " · mirrored to " + pool.mirror.pool : "",
  pool.hedge ? " · hedged after " + seconds(pool.hedge.after) : "",
  pool.removed.length ? " · " + pool.removed.length + " removed by the API" : ""];
  const words = parts.map((part) => part.textContent ?? part).join("");
  if (node.words === words) return;
  node.words = words;
  node.replaceChildren(...parts);
}

// Why a backend is in its state; of one that serves, why it is suspect, if it is.
export function why(backend) {
  const state = backend.state, suspect = backend.suspect;
  if (suspect && (state === "up" || state === "unknown")) {
    return "suspect, " + suspect.failures + " failed in a row: " + suspect.reason;
  }
  return state === "up" && backend.origin.state !== "api" ? "" : backend.reason;
}

// Its reason, and for how long.
export function whySince(backend, now) {
  const reason = why(backend), since = ago(now - backend.since);
  return reason + (reason ? ", " : "") + (since === "now" ? "just now" : "for " + since);
}

// Since when its registry lists it as it is.
export function listed(backend, now) {
  const mark = backend.listed;
  if (!mark) return "";
  return "Listed since " + ago(now - mark.since)
    + (mark.revision ? ", revision " + mark.revision : "");
}

export function showProblems(node, backends, address, onAll) {
  const found = backends.filter((b) => b.state === "down" || b.state === "ejected");
  node.hidden = found.length === 0;
  const sign = found.map((b) => b.name).join("\n");
  if (node.sign === sign) return;
  node.sign = sign;
  const links = found.slice(0, 6).map((b) => el("a", { href: address(b) }, b.name));
  const more = el("button", { type: "button", class: "link-like" });
  text(more, found.length > 6 ? "and " + (found.length - 6) + " more" : "");
  more.onclick = onAll;
  node.replaceChildren("Not serving: ", ...links.flatMap((link, i) => i ? [", ", link] : [link]),
    ...(found.length > 6 ? [" ", more] : []));
}

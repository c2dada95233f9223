// A chart over time: axes, a legend with values, and the values under the pointer (or, with the keys
// left and right, under a line).

import { attribute, el, text } from "./page.js";
import { clock, count } from "./numbers.js";

const HEIGHT = 132, LEFT = 46, TOP = 8, BOTTOM = 20, RIGHT = 8;
const TICKS = [[150, 30], [700, 120], [90000, 21600]]; // up to so many seconds, a tick each so many

// The next number that people like to read.
function nice(n) {
  if (!(n > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 4, 5, 10].find((one) => n <= one * power * 1.0001) * power;
}

// The samples that the window shows: the first one's number, and where each stands.
function frameOf(past, span, width) {
  const end = past.length ? past.time(past.length - 1) : past.now;
  const from = Math.max(0, past.length - Math.round(span / past.step) - 1);
  const inner = width - LEFT - RIGHT;
  return { end, from, width, inner, start: end - span,
    x: (time) => LEFT + inner * (time - (end - span)) / span };
}

function pathOf(past, name, frame, most) {
  const list = past.lists[name] || [];
  let path = "", pen = "M";
  for (let i = frame.from; i < list.length; i++) {
    const value = list[i];
    if (value == null) { pen = "M"; continue; }
    const y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / most;
    path += pen + frame.x(past.time(i)).toFixed(1) + " " + y.toFixed(1) + (pen === "M" ? "h0" : "");
    pen = "L";
  }
  return path;
}

function label(x, y, anchor, words) {
  return el("text", { x, y, "text-anchor": anchor }, words);
}

function axes(frame, span, most, unit) {
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    const y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
    parts.push(el("line", { x1: LEFT, x2: frame.width - RIGHT, y1: y, y2: y }),
      label(LEFT - 6, y + 4, "end", share === 0 ? "0" : unit(most * share)));
  }
  const each = TICKS.find(([upTo]) => span <= upTo)[1];
  const zone = new Date().getTimezoneOffset() * 60;
  for (let t = Math.ceil((frame.start - zone) / each) * each + zone; t <= frame.end; t += each) {
    const x = frame.x(t);
    if (x < LEFT + 16 || x > frame.width - RIGHT - 16) continue;
    parts.push(label(x, HEIGHT - 5, "middle", clock(t, each < 60)));
  }
  return parts;
}

class Chart {
  // lines: [name in /history, name for people]…; unit: number → text
  constructor(title, lines, unit) {
    Object.assign(this, { title, names: lines, unit: unit || count, at: null });
    this.when = el("span", { class: "when" });
    this.keys = lines.map(([, name], i) => {
      const value = el("b");
      return { value, node: el("span", { class: "key k" + i }, name + " ", value) };
    });
    this.caption = el("span", { class: "title" }, title);
    this.svg = el("svg", { class: "chart", role: "img", "aria-label": title, tabindex: "0",
      height: HEIGHT });
    this.node = el("figure", { class: "figure" }, el("figcaption", {}, this.caption,
      el("span", { class: "legend" }, this.when, ...this.keys.map((key) => key.node))), this.svg);
    this.svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.svg.addEventListener("pointerleave", () => { this.at = null; this.again(); });
    this.svg.addEventListener("blur", () => { this.at = null; this.again(); });
    this.svg.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.again()).observe(this.svg);
  }

  again() { if (this.past) this.draw(this.past, this.span); }

  point(x) {
    if (!this.frame) return;
    this.at = this.frame.start + (x - LEFT) / this.frame.inner * this.span;
    this.again();
  }

  press(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.frame) return;
    event.preventDefault();
    this.at = (this.at == null ? this.frame.end : this.at) + by * this.past.step;
    this.again();
  }

  // The sample that is told of: the one under the pointer, else the last.
  told() {
    if (this.at == null) return this.past.length - 1;
    const i = Math.round((this.at - this.past.first) / this.past.step);
    return Math.min(Math.max(i, this.frame.from), this.past.length - 1);
  }

  tell() {
    const i = this.told(), words = [];
    text(this.when, this.at != null && this.past.length ? clock(this.past.time(i), true) : "");
    this.names.forEach(([name, shown], n) => {
      const value = this.unit((this.past.lists[name] || [])[i]);
      text(this.keys[n].value, value);
      words.push(shown + " " + value);
    });
    attribute(this.svg, "aria-label", this.title + ": " + words.join(", "));
    if (this.at == null || !this.past.length) return [];
    const x = this.frame.x(this.past.time(i));
    return [el("line", { class: "cursor", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM })];
  }

  // span: seconds that it shows
  draw(past, span) {
    Object.assign(this, { past, span });
    const width = Math.max(this.svg.clientWidth, 160);
    const frame = this.frame = frameOf(past, span, width);
    let most = 0;
    for (const [name] of this.names) {
      for (const value of (past.lists[name] || []).slice(frame.from)) most = Math.max(most, value);
    }
    most = nice(most);
    attribute(this.svg, "viewBox", "0 0 " + width + " " + HEIGHT);
    const paths = this.names.map(([name], i) =>
      el("path", { class: "l" + i, d: pathOf(past, name, frame, most) }));
    this.svg.replaceChildren(...axes(frame, span, most, this.unit), ...paths.reverse(),
      ...this.tell());
  }
}

export function chart(title, lines, unit) {
  return new Chart(title, lines, unit);
}

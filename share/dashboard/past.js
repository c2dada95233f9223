// What /history says of one service, pool or backend. It is kept here: only what is new is asked for.

const MOST = { 1: 600, 60: 1440 }; // samples
const PATIENCE = 5000;             // ms
const WORDS = ["step", "now", "first", "service", "pool", "backend"];

export class Past {
  // query: "service=web"; step: seconds from one sample to the next
  constructor(query, step) {
    Object.assign(this, { query, step, first: null, now: 0, length: 0, lists: {}, asked: -1e9,
      missing: "" });
  }

  // When sample i ended.
  time(i) { return this.first + i * this.step; }

  // Asks, at most once a second or every ten.
  async look() {
    const now = performance.now();
    if (now - this.asked < (this.step === 1 ? 900 : 10000)) return;
    this.asked = now;
    const since = this.length ? "&since=" + this.time(this.length - 1) : "";
    const answer = await fetch("history?" + this.query + "&step=" + this.step + since,
      { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    const said = await answer.json();
    this.missing = answer.ok ? "" : said.error;
    if (answer.ok) this.add(said);
  }

  add(said) {
    this.now = said.now;
    if (said.first == null || said.requests.length === 0) return;
    const follows = this.length && Math.abs(said.first - this.time(this.length)) < this.step / 2;
    if (!follows) Object.assign(this, { first: said.first, lists: {}, length: 0 });
    for (const [name, list] of Object.entries(said)) {
      if (!WORDS.includes(name)) this.lists[name] = (this.lists[name] || []).concat(list);
    }
    this.length += said.requests.length;
    const over = this.length - MOST[this.step];
    if (over <= 0) return;
    for (const name of Object.keys(this.lists)) this.lists[name] = this.lists[name].slice(over);
    this.first += over * this.step;
    this.length -= over;
  }
}

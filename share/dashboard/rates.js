// What grew between two answers of /status.

const WINDOW = 5; // answers that percentiles are of

const totals = new Map(); // name → [counter, time, rate]

// A counter's growth per second; one that began anew grew from nothing.
export function rate(name, value, now) {
  const before = totals.get(name);
  if (before && now <= before[1]) return before[2];
  const grown = before ? (value >= before[0] ? value - before[0] : value) : 0;
  const result = before ? grown / (now - before[1]) : 0;
  totals.set(name, [value, now, result]);
  return result;
}

const histories = new Map(); // name → [{ now, buckets }], the newest last

function grownOf(name, buckets, now) {
  if (!histories.has(name)) histories.set(name, []);
  const list = histories.get(name);
  if (list.length === 0 || list[list.length - 1].now !== now) list.push({ now, buckets });
  if (list.length > WINDOW + 1) list.shift();
  const first = list[0].buckets;
  return buckets.map((n, i) => Math.max(0, n - (first[i] || 0)));
}

// Percentiles of what was counted in the last seconds. A list of buckets may end early.
export function recent(name, buckets, bounds, shares, now) {
  const grown = grownOf(name, buckets, now);
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

// Numbers for people.

export function count(n) {
  if (n == null) return "–";
  if (n >= 1e6) return (n / 1e6).toFixed(n < 1e7 ? 2 : 1) + " M";
  if (n >= 1e4) return (n / 1e3).toFixed(n < 1e5 ? 1 : 0) + " k";
  return n >= 100 || n % 1 === 0 ? String(Math.round(n)) : n.toFixed(1);
}

export function seconds(s) {
  if (s == null) return "–";
  if (s === 0) return "0";
  if (s < 0.001) return Math.round(s * 1e6) + " µs";
  if (s < 1) return (s * 1e3).toFixed(s < 0.01 ? 1 : 0) + " ms";
  return s.toFixed(s < 10 ? 1 : 0) + " s";
}

export function ago(s) {
  if (s < 1) return "now";
  if (s < 60) return Math.floor(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " days";
}

export function bytes(n) {
  return n < 1048576 ? Math.round(n / 1024) + " KiB" : (n / 1048576).toFixed(1) + " MiB";
}

export function percent(n, of) {
  return of > 0 ? (n / of * 100).toFixed(1) + " %" : "–";
}

export function several(n, one, many) {
  return count(n) + " " + (n === 1 ? one : many || one + "s");
}

export function clock(time, withSeconds) {
  return new Date(time * 1000).toLocaleTimeString([], withSeconds ? {}
    : { hour: "2-digit", minute: "2-digit" });
}

const WORDS = { unknown: "not checked" };

export function stateWord(state) {
  return WORDS[state] || state;
}

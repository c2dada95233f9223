// Building and changing the page. Everything that comes from neap is put in as text, never as markup.

export const $ = (id) => document.getElementById(id);

const SVG = ["svg", "path", "line", "text"];

export function el(name, attributes, ...children) {
  const node = SVG.includes(name) ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== false && value != null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Children by key: rows keep their nodes, so that focus and selection stay.
export function keyed(parent, keys, make) {
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

// A small table: the first columns are texts, the others numbers. rows: [key, cells…].
export function table(node, titles, texts, rows) {
  const kind = (i) => i < texts ? "" : "n";
  if (!node.rows.length) {
    node.append(el("thead", {}, el("tr", {}, ...titles.map((title, i) =>
      el("th", { scope: "col", class: kind(i) }, title)))), el("tbody"));
  }
  const known = keyed(node.tBodies[0], rows.map((row) => row[0]), () =>
    el("tr", {}, ...titles.map((_, i) => el("td", { class: kind(i) }))));
  for (const [key, ...cells] of rows) {
    cells.forEach((value, i) => text(known.get(key).children[i], value));
  }
}

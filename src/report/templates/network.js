"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);
const stage = $("drawing");
const element = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
};
const html = (name, text, parent) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const number = (value) => String(value).replace("-", "\u2212");
const kind = { "+": "plus", "-": "minus", ".": "none" };
const said = { "+": "activates", "-": "represses", ".": "regulates" };

// What is connected with what.
const partners = data.genes.map(() => new Set());
data.edges.forEach((e) => { partners[e.s].add(e.t); partners[e.t].add(e.s); });

// Edges below genes; a tip is a polygon at the rim of the target.
const lines = element("g", {}, stage);
const discs = element("g", {}, stage);
const curve = (e) => {
  const a = data.genes[e.s], b = data.genes[e.t];
  const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const lean = e.both ? 0.08 : 0;
  const bend = [(a.x + b.x) / 2 + (b.y - a.y) * lean, (a.y + b.y) / 2 - (b.x - a.x) * lean];
  const direction = (from, to) => { const d = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1; return [(to[0] - from[0]) / d, (to[1] - from[1]) / d]; };
  const room = (gene) => gene.r + (gene.perturbed ? 5 : 0) + 2;
  const out = direction([a.x, a.y], bend), into = direction(bend, [b.x, b.y]);
  const start = [a.x + out[0] * room(a), a.y + out[1] * room(a)];
  const end = [b.x - into[0] * room(b), b.y - into[1] * room(b)];
  return { start, bend, end, into, length };
};
const tip = (e, c, parent) => {
  const [dx, dy] = c.into, [x, y] = c.end, w = e.width;
  const corner = (along, side) => `${x + dx * along - dy * side},${y + dy * along + dx * side}`;
  const attributes = { class: `tip ${kind[e.sign]}` };
  if (e.sign === "+") element("polygon", { ...attributes, points: [corner(0, 0), corner(-6 - 1.5 * w, 2.6 + 0.9 * w), corner(-6 - 1.5 * w, -2.6 - 0.9 * w)].join(" ") }, parent);
  else if (e.sign === "-") element("polygon", { ...attributes, points: [corner(-1.2, 4.2 + w), corner(1.2, 4.2 + w), corner(1.2, -4.2 - w), corner(-1.2, -4.2 - w)].join(" ") }, parent);
  else if (e.directed) element("circle", { ...attributes, cx: x, cy: y, r: 2.2 + 0.6 * w }, parent);
};
const drawnEdges = data.edges.map((e) => {
  const group = element("g", {}, lines), c = curve(e);
  const back = e.sign === "+" ? 6 + 1.5 * e.width : 0;
  const end = [c.end[0] - c.into[0] * back, c.end[1] - c.into[1] * back];
  element("path", { class: `edge ${kind[e.sign]}${e.prior ? " prior" : ""}`, "stroke-width": e.width, d: `M${c.start} Q${c.bend} ${end}` }, group);
  tip(e, c, group);
  return group;
});
const drawnGenes = data.genes.map((gene, k) => {
  const group = element("g", { class: "gene", transform: `translate(${gene.x} ${gene.y})` }, discs);
  element("circle", { r: gene.r, fill: gene.fill }, group);
  if (gene.perturbed) element("circle", { class: "ring", r: gene.r + 4 }, group);
  element("text", { y: gene.r + (gene.perturbed ? 17 : 12) }, group).textContent = gene.name;
  group.addEventListener("pointerenter", () => { if (chosen === null) look(k); });
  group.addEventListener("pointerleave", () => { if (chosen === null) look(null); });
  group.addEventListener("click", () => { if (!dragged) choose(chosen === k ? null : k); });
  return group;
});

// Which edges are shown.
let least = 0;
const signs = new Set(["+", "-", "."]);
const visible = (e) => e.w >= least && signs.has(e.sign);
const filter = () => data.edges.forEach((e, k) => drawnEdges[k].classList.toggle("gone", !visible(e)));
$("weight").addEventListener("input", (event) => { least = Number(event.target.value); $("least").textContent = least.toFixed(2); filter(); });
document.querySelectorAll("fieldset input").forEach((box) => box.addEventListener("change", () => { box.checked ? signs.add(box.value) : signs.delete(box.value); filter(); }));

// One gene and what it is connected with.
let chosen = null;
const look = (k) => {
  drawnGenes.forEach((g, j) => { g.classList.toggle("faint", k !== null && j !== k && !partners[k].has(j)); g.classList.toggle("chosen", j === k); });
  drawnEdges.forEach((g, j) => g.classList.toggle("faint", k !== null && data.edges[j].s !== k && data.edges[j].t !== k));
  describe(k);
};
const choose = (k) => { chosen = k; look(k); };
const hint = $("about").innerHTML;
const describe = (k) => {
  const about = $("about");
  if (k === null) { about.innerHTML = hint; return; }
  const gene = data.genes[k];
  about.replaceChildren();
  html("h2", gene.name, about);
  const list = html("dl", undefined, about);
  const row = (name, value) => { html("dt", name, list); html("dd", value, list); };
  row("predicted change", gene.delta === null ? "not predicted" : number(gene.delta));
  row("connected genes", gene.degree);
  row("hops from centre", gene.hop);
  row("module", gene.module);
  if (gene.perturbed) row("perturbed", "yes");
  const edges = html("ul", undefined, about);
  data.edges.filter((e) => (e.s === k || e.t === k) && visible(e)).forEach((e) => {
    const line = html("li", undefined, edges), other = e.s === k ? e.t : e.s;
    const verb = e.sign === "." && !e.directed ? "with" : said[e.sign];
    if (e.s === k || !e.directed) html("span", `${verb} `, line);
    const link = html("button", data.genes[other].name, line);
    link.type = "button";
    link.addEventListener("click", () => { choose(other); center(other); });
    if (e.s !== k && e.directed) html("span", ` ${verb} it`, line);
    html("span", ` (${e.w.toFixed(2)})`, line);
  });
};

// The window on the drawing.
const margin = 60;
const xs = data.genes.map((g) => g.x), ys = data.genes.map((g) => g.y);
const whole = { x: Math.min(...xs) - margin, y: Math.min(...ys) - margin };
whole.width = Math.max(...xs) - whole.x + margin;
whole.height = Math.max(...ys) - whole.y + margin;
let view = { ...whole };
const show = () => stage.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
const zoom = (factor, x = view.x + view.width / 2, y = view.y + view.height / 2) => {
  const bounded = Math.min(Math.max(view.width * factor, whole.width / 40), whole.width * 3) / view.width;
  view = { x: x - (x - view.x) * bounded, y: y - (y - view.y) * bounded, width: view.width * bounded, height: view.height * bounded };
  show();
};
const center = (k) => { const gene = data.genes[k]; view.x = gene.x - view.width / 2; view.y = gene.y - view.height / 2; show(); };
const place = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
stage.addEventListener("wheel", (event) => { event.preventDefault(); const p = place(event); zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, p.x, p.y); }, { passive: false });
let held = null, dragged = false;
stage.addEventListener("pointerdown", (event) => { held = place(event); dragged = false; });
window.addEventListener("pointermove", (event) => {
  if (!held) return;
  const p = place(event);
  if (Math.hypot(p.x - held.x, p.y - held.y) * stage.getScreenCTM().a > 3) { dragged = true; stage.classList.add("moving"); }
  if (dragged) { view.x -= p.x - held.x; view.y -= p.y - held.y; show(); }
});
window.addEventListener("pointerup", () => { held = null; stage.classList.remove("moving"); });
stage.addEventListener("click", (event) => { if (event.target === stage && !dragged) choose(null); });
stage.addEventListener("keydown", (event) => {
  const step = view.width / 12;
  const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (move) { view.x += move[0]; view.y += move[1]; show(); event.preventDefault(); }
  if (event.key === "+" || event.key === "=") zoom(1 / 1.25);
  if (event.key === "-") zoom(1.25);
});
window.addEventListener("keydown", (event) => { if (event.key === "Escape") { $("search").value = ""; choose(null); } });
$("in").addEventListener("click", () => zoom(1 / 1.25));
$("out").addEventListener("click", () => zoom(1.25));
$("all").addEventListener("click", () => { view = { ...whole }; show(); });

// Search: exact names choose, parts of names are enough to highlight when only one gene has them.
data.genes.forEach((gene) => { const option = html("option", undefined, $("names")); option.value = gene.name; });
const find = (text) => {
  const wanted = text.trim().toUpperCase();
  if (!wanted) return null;
  const exact = data.genes.findIndex((g) => g.name.toUpperCase() === wanted);
  if (exact >= 0) return exact;
  const some = data.genes.flatMap((g, k) => (g.name.toUpperCase().startsWith(wanted) ? [k] : []));
  return some.length === 1 ? some[0] : null;
};
$("search").addEventListener("input", (event) => { const k = find(event.target.value); choose(k); if (k !== null) center(k); });
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());

// Legend.
const legend = $("legend");
if (data.limit > 0) {
  html("h2", "Predicted change", legend);
  const bar = html("div", undefined, legend);
  bar.className = "scale";
  bar.style.background = `linear-gradient(90deg, ${data.stops.join(", ")})`;
  const ends = html("div", undefined, legend);
  ends.className = "ends";
  [number(-data.limit), "0", number(data.limit)].forEach((text) => html("span", text, ends));
}
const key = (sign, text, prior) => {
  const row = html("div", undefined, legend);
  row.className = "key";
  const sample = element("svg", { width: 46, height: 16, viewBox: "0 0 46 16", "aria-hidden": "true" }, row);
  element("path", { class: `edge ${kind[sign]}${prior ? " prior" : ""}`, "stroke-width": 2, d: `M2 8 H${sign === "+" ? 34 : 44}` }, sample);
  if (sign !== ".") tip({ sign, width: 2 }, { end: [44, 8], into: [1, 0] }, sample);
  html("span", text, row);
};
html("h2", "Edges", legend);
key("+", "activation");
key("-", "repression");
key(".", "unsigned");
if (data.evidence) key(".", "prior only", true);
html("p", "Width: weight. Area of a gene: genes it is connected with. Ring: perturbed.", legend);

document.querySelector("form").hidden = false;
stage.removeAttribute("hidden");
show();

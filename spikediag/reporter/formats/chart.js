// The chart: panels on one step axis, drawn anew at every zoom; values under the cursor; mouse, touch and keys.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const box = document.getElementById("chart");
const [LEFT, RIGHT, HEAD, FOOT, FIRST, OTHER] = [64, 10, 24, 22, 190, 92];
const part = (name, attributes = {}, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};
const piece = (name, properties = {}) => Object.assign(document.createElement(name), properties);
const finite = data.series.filter((one) => one.steps.length);
const ends = [Math.min(...finite.map((one) => one.steps[0])), Math.max(...finite.map((one) => one.steps.at(-1)))];
if (ends[0] === ends[1]) ends[1] += 1;
const hidden = new Set();
let view = [...ends], cursor = null, dragged = null, panels = [], width = 0;
const bar = piece("div", { className: "bar" }), now = piece("div", { className: "now" }), svg = part("svg", { role: "img" });
now.setAttribute("aria-live", "polite");

const short = (value) => {
  if (value === null || value === undefined) return "NaN";
  const size = Math.abs(value);
  if (size >= 1000 && size < 1e9) return Math.round(value).toLocaleString("en");
  return size !== 0 && (size < 1e-3 || size >= 1e9) ? value.toExponential(2).replace(/\.?0+e/, "e") : String(+value.toPrecision(3));
};
const label = (step) => (Math.abs(step) >= 1e6 ? `${+(step / 1e6).toPrecision(6)}M` : Math.round(step).toLocaleString("en"));
const place = (steps, step) => { // the first position at or after a step
  let [low, high] = [0, steps.length];
  while (low < high) { const middle = (low + high) >> 1; if (steps[middle] < step) low = middle + 1; else high = middle; }
  return low;
};
const nearest = (steps, step) => {
  const at = Math.min(place(steps, step), steps.length - 1);
  return at > 0 && step - steps[at - 1] < steps[at] - step ? at - 1 : at;
};
const round = (low, high, most) => { // ticks at 1, 2, 2.5 or 5 times a power of ten
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high + 1e-9 * step; n += 1) ticks.push(+(n * step).toPrecision(12));
  return ticks;
};
const scale = (values) => { // linear; logarithmic or inverse hyperbolic sine where a few points dwarf the rest
  const sorted = Float64Array.from(values.filter((value) => value !== null)).sort();
  if (!sorted.length) return null;
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const [low, high] = [sorted[0], sorted.at(-1)];
  let [bend, back, kind] = [(value) => value, (value) => value, ""];
  if (low > 0 && high > 8 * at(0.5)) [bend, back, kind] = [Math.log10, (value) => 10 ** value, "log"];
  else if (at(0.98) > at(0.02) && high - low > 12 * (at(0.98) - at(0.02))) {
    const [centre, half] = [(at(0.02) + at(0.98)) / 2, (at(0.98) - at(0.02)) / 2];
    [bend, back, kind] = [(value) => Math.asinh((value - centre) / half), (value) => Math.sinh(value) * half + centre, "asinh"];
  }
  let [bottom, top] = [bend(low), bend(high)];
  const room = (top - bottom) * 0.06 || 1;
  [bottom, top] = [bottom - room, top + room];
  let ticks = kind ? [0.08, 0.36, 0.64, 0.92].map((share) => +back(bottom + share * (top - bottom)).toPrecision(1)) : round(bottom, top, 3);
  if (kind === "log") {
    const powers = [];
    for (let n = Math.ceil(bottom); n <= top; n += Math.max(1, Math.ceil((top - bottom) / 4))) powers.push(10 ** n);
    if (powers.length > 1) ticks = powers;
  }
  ticks = [...new Set(ticks)].filter((tick) => bend(tick) > bottom && bend(tick) < top);
  return { kind, ticks, share: (value) => (bend(value) - bottom) / (top - bottom) };
};
const across = (step) => LEFT + ((step - view[0]) / (view[1] - view[0])) * (width - LEFT - RIGHT);
const stepAt = (x) => view[0] + ((x - LEFT) / (width - LEFT - RIGHT)) * (view[1] - view[0]);

const line = (one, low, high, up) => { // lowest and highest of each pixel column; a hole where there is no number
  let path = "", broken = true, column = null, held = [];
  const flush = () => {
    if (!held.length) return;
    const least = held.reduce((a, b) => (one.values[b] < one.values[a] ? b : a)), most = held.reduce((a, b) => (one.values[b] > one.values[a] ? b : a));
    for (const at of [...new Set([held[0], Math.min(least, most), Math.max(least, most), held.at(-1)])]) {
      path += `${broken ? "M" : "L"}${across(one.steps[at]).toFixed(1)},${up(one.values[at]).toFixed(1)}`;
      broken = false;
    }
    held = [];
  };
  for (let at = low; at < high; at += 1) {
    if (one.values[at] === null) { flush(); broken = true; continue; }
    const here = Math.floor(across(one.steps[at]));
    if (here !== column) flush();
    column = here;
    held.push(at);
  }
  flush();
  return path;
};

const panel = (one, top, height) => {
  const low = Math.max(0, place(one.steps, view[0]) - 1), high = Math.min(one.steps.length, place(one.steps, view[1]) + 1);
  const inside = one.values.slice(low, high), axis = scale(inside.length ? inside : one.values);
  const name = part("text", { x: LEFT, y: top - 8, class: "name" }, one.name + (axis && axis.kind ? ` (${axis.kind})` : ""));
  svg.append(name);
  svg.append(part("line", { x1: LEFT, x2: LEFT, y1: top, y2: top + height, stroke: "var(--line)" }));
  if (!axis) return { one, up: null };
  const up = (value) => top + height * (1 - axis.share(value));
  for (const tick of axis.ticks) {
    svg.append(part("line", { x1: LEFT, x2: width - RIGHT, y1: up(tick), y2: up(tick), stroke: "var(--fig-grid)" }));
    svg.append(part("text", { x: LEFT - 6, y: up(tick) + 4, "text-anchor": "end" }, short(tick)));
  }
  svg.append(part("path", { d: line(one, low, high, up), fill: "none", stroke: one.colour, "stroke-width": 1.2, "clip-path": "url(#inside)" }));
  if (high - low <= 120) for (let at = low; at < high; at += 1) if (one.values[at] !== null && one.steps[at] >= view[0] && one.steps[at] <= view[1]) svg.append(part("circle", { cx: across(one.steps[at]), cy: up(one.values[at]), r: 2, fill: one.colour }));
  let free = LEFT + name.getComputedTextLength() + 4;
  for (const found of data.findings.filter((finding) => finding.tag === one.tag).sort((a, b) => a.at - b.at)) {
    for (const step of found.members) if (step >= view[0] && step <= view[1]) svg.append(part("line", { x1: across(step), x2: across(step), y1: top + 1, y2: top + 6, stroke: "var(--fig-mark)" }));
    if (found.at < view[0] || found.at > view[1]) continue;
    const value = one.values[nearest(one.steps, found.at)];
    const x = across(found.at), y = value === null ? top + 14 : up(value);
    free = Math.max(free, Math.min(x, width - RIGHT - 10) - 9); // above the curve, right of the name and of its neighbour
    svg.append(part("path", { d: `M${free + 9},${top - 5} L${x},${top + 2} V${y}`, fill: "none", stroke: "var(--fig-mark)", "stroke-opacity": 0.5 }));
    svg.append(part("circle", { cx: x, cy: y, r: 3.5, fill: "var(--fig-mark)" }));
    svg.append(part("text", { x: free + 9, y: top - 8, class: "badge", "text-anchor": "middle" }, found.id));
    free += 22;
  }
  return { one, up, top, height };
};

const draw = () => {
  width = Math.max(280, box.clientWidth - 14);
  svg.replaceChildren();
  const shown = data.series.filter((one) => !hidden.has(one.tag));
  let top = HEAD;
  panels = [];
  const total = HEAD + shown.reduce((sum, _, n) => sum + (n ? OTHER : FIRST) + HEAD, 0) + FOOT - HEAD;
  svg.setAttribute("viewBox", `0 0 ${width} ${total}`);
  const clip = part("clipPath", { id: "inside" });
  clip.append(part("rect", { x: LEFT, y: 0, width: width - LEFT - RIGHT, height: total }));
  svg.append(clip);
  shown.forEach((one, n) => { const height = n ? OTHER : FIRST; panels.push(panel(one, top, height)); top += height + HEAD; });
  for (const tick of round(view[0], view[1], width < 500 ? 3 : 7)) if (across(tick) < width - RIGHT - 12 - 8 * data.unit.length) svg.append(part("text", { x: across(tick), y: total - 8, "text-anchor": "middle" }, label(tick)));
  svg.append(part("text", { x: width - RIGHT, y: total - 8, "text-anchor": "end" }, data.unit));
  point();
};

const point = () => { // the cursor, and what every series reads there
  for (const old of svg.querySelectorAll(".cursor")) old.remove();
  if (cursor === null) { now.textContent = data.words.help; return; }
  const said = [`${data.unit} ${Math.round(cursor).toLocaleString("en")}`];
  svg.append(part("line", { class: "cursor", x1: across(cursor), x2: across(cursor), y1: 0, y2: svg.viewBox.baseVal.height - FOOT, stroke: "var(--muted)", "stroke-dasharray": "2 3" }));
  for (const { one, up } of panels) {
    if (!one.steps.length) continue;
    const at = nearest(one.steps, cursor), value = one.values[at];
    said.push(`${one.name} ${short(value)}`);
    if (up && value !== null) svg.append(part("circle", { class: "cursor", cx: across(one.steps[at]), cy: up(value), r: 3, fill: "none", stroke: "var(--ink)" }));
  }
  now.textContent = said.join(" · ");
};

const show = (from, to) => {
  const least = Math.min(1, ends[1] - ends[0]) * 2, length = Math.min(Math.max(to - from, least), ends[1] - ends[0]);
  const start = Math.min(Math.max(from, ends[0]), ends[1] - length);
  view = [start, start + length];
  draw();
};
const zoom = (factor, around = cursor ?? (view[0] + view[1]) / 2) => show(around - (around - view[0]) * factor, around + (view[1] - around) * factor);
const walk = (by) => {
  const steps = panels.length ? panels[0].one.steps : [];
  if (!steps.length) return;
  const from = cursor === null ? data.findings[0]?.at ?? view[0] : cursor;
  const at = Math.min(Math.max(nearest(steps, from) + (cursor === null ? 0 : by), 0), steps.length - 1);
  cursor = steps[at];
  if (cursor < view[0] || cursor > view[1]) show(cursor - (view[1] - view[0]) / 2, cursor + (view[1] - view[0]) / 2);
  point();
};
const all = () => show(...ends);
const keys = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: all, Escape: () => { cursor = null; all(); }, ArrowLeft: () => walk(-1), ArrowRight: () => walk(1) };
const button = (text, title, act) => { const made = piece("button", { type: "button", textContent: text, title }); made.setAttribute("aria-label", title); made.addEventListener("click", act); bar.append(made); };
button("+", data.words.in, keys["+"]);
button("\u2212", data.words.out, keys["-"]);
button(data.words.all, data.words.all, all);
for (const found of data.findings.slice(0, 6)) button(found.id, `${found.id}: ${data.unit} ${label(found.at)}`, () => { cursor = found.at; show(...found.window); });
for (const one of data.series) {
  const named = piece("label"), check = piece("input", { type: "checkbox", checked: true });
  check.addEventListener("change", () => { hidden[check.checked ? "delete" : "add"](one.tag); draw(); });
  named.append(check, ` ${one.name}`);
  bar.append(named);
}
const x = (event) => { const frame = svg.getBoundingClientRect(); return ((event.clientX - frame.left) / frame.width) * width; };
svg.addEventListener("pointermove", (event) => {
  const steps = panels.length ? panels[0].one.steps : [];
  if (!steps.length) return;
  cursor = steps[nearest(steps, Math.min(Math.max(stepAt(x(event)), view[0]), view[1]))];
  point();
  if (dragged !== null) svg.append(part("rect", { class: "cursor", x: Math.min(dragged, x(event)), y: 0, width: Math.abs(x(event) - dragged), height: svg.viewBox.baseVal.height - FOOT, fill: "var(--fig-loss)", opacity: 0.15 }));
});
svg.addEventListener("pointerdown", (event) => { if (event.pointerType === "mouse") { dragged = x(event); svg.setPointerCapture(event.pointerId); } });
svg.addEventListener("pointerup", (event) => {
  const [from, to] = [dragged, x(event)].sort((a, b) => a - b);
  if (dragged !== null && to - from > 8) show(stepAt(from), stepAt(to));
  dragged = null;
});
svg.addEventListener("pointerleave", () => { if (dragged === null) { cursor = null; point(); } });
svg.addEventListener("dblclick", all);
svg.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 0.8 : 1.25, stepAt(x(event)));
}, { passive: false });
box.addEventListener("keydown", (event) => {
  if (!keys[event.key] || event.target !== box || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  keys[event.key]();
});
if (finite.length) {
  box.replaceChildren(bar, svg, now);
  new ResizeObserver(draw).observe(box);
  addEventListener("beforeprint", all);
}
addEventListener("hashchange", () => { const target = document.querySelector(location.hash); if (target && target.tagName === "DETAILS") target.open = true; });
for (const link of document.querySelectorAll('a[href="#appendix"]')) link.addEventListener("click", () => { document.getElementById("appendix").open = true; });

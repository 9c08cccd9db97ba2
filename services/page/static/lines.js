// Lines with bands over time. Drawn at the size it has, redrawn when that changes.
import { h, s } from "/page/dom.js";
import { clock, difference, digitsOf, niceTicks, percent, range, timeTicks } from "/page/format.js";

const TOP = 12;
const BOTTOM = 26;
const NAME_GAP = 17;

export class Lines {
  // series: [{ name, colour, dashed, points: [{ at, mean, low, high, n }] }]
  constructor(host) {
    this.host = host;
    this.series = [];
    this.holes = [];
    this.marks = [];
    this.at = null;
    this.svg = s("svg", { tabindex: 0, role: "img" });
    this.tip = h("div", { class: "tip", hidden: true });
    host.replaceChildren(this.svg, this.tip);
    new ResizeObserver(() => this.draw()).observe(host);
    this.svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("blur", () => this.leave());
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  // holes: [[after, until]] in which nothing was shown; signed: differences, about zero; marks: [{ at_ms, words }].
  show(series, label, { holes = [], signed = false, marks = [] } = {}) {
    this.marks = marks;
    this.series = series.filter((each) => each.points.length);
    this.holes = holes;
    this.signed = signed;
    this.svg.setAttribute("aria-label", label);
    this.draw();
  }

  frame() {
    const width = this.host.clientWidth, height = this.host.clientHeight;
    const named = width >= 560;
    const longest = Math.max(...this.series.map((each) => each.name.length));
    const right = named ? Math.min(width * 0.3, 20 + longest * 7.2) : 10;
    const all = this.series.flatMap((each) => each.points);
    let from = Math.min(...all.map((p) => p.at)), to = Math.max(...all.map((p) => p.at));
    if (from === to) { from -= 500; to += 500; }
    // The whole of every band would let one early, wide interval flatten everything else.
    const means = all.map((p) => p.mean);
    const settled = this.series.flatMap((each) => each.points.slice(Math.floor(each.points.length / 3)));
    let low = Math.min(...means, ...settled.map((p) => p.low));
    let high = Math.max(...means, ...settled.map((p) => p.high));
    const pad = Math.max((high - low) * 0.08, high * 0.04, 1e-4);
    if (this.signed) [low, high] = [Math.min(0, low) - pad, Math.max(0, high) + pad];
    else [low, high] = [Math.max(0, low - pad), Math.min(1, high + pad)];
    const left = 46;
    return {
      width, height, named, from, to, low, high, left, right: width - right,
      x: (at) => left + ((at - from) / (to - from)) * (width - right - left),
      y: (v) => TOP + (1 - (v - low) / (high - low)) * (height - TOP - BOTTOM),
    };
  }

  draw() {
    if (!this.series.length || !this.host.clientWidth) return this.svg.replaceChildren();
    const f = (this.f = this.frame());
    const clip = `clip-${this.host.id}`;
    const parts = [s("clipPath", { id: clip }, s("rect", {
      x: f.left, y: TOP - 4, width: f.right - f.left, height: f.height - TOP - BOTTOM + 4 }))];
    const ticks = niceTicks(f.low, f.high, 5);
    const digits = digitsOf((ticks[1] - ticks[0]) * 100);
    for (const tick of ticks) {
      parts.push(s("line", { class: "grid", x1: f.left, x2: f.right, y1: f.y(tick), y2: f.y(tick) }));
      parts.push(s("text", { x: f.left - 8, y: f.y(tick) + 4, "text-anchor": "end" }, this.signed ? difference(tick, digits) : percent(tick, digits)));
    }
    if (this.signed) parts.push(s("line", { class: "zero", x1: f.left, x2: f.right, y1: f.y(0), y2: f.y(0) }));
    for (const [after, until] of this.holes) {
      const left = f.x(Math.max(after, f.from)), right = f.x(Math.min(until, f.to));
      if (right <= left) continue;
      parts.push(s("rect", { class: "hole", x: left, y: TOP, width: right - left, height: f.height - TOP - BOTTOM },
        s("title", {}, "nothing was shown")));
    }
    for (const { at_ms, words } of this.marks) {
      if (at_ms < f.from || at_ms > f.to) continue;
      const x = f.x(at_ms);
      parts.push(s("g", { class: "mark" }, s("title", {}, words),
        s("line", { x1: x, x2: x, y1: TOP - 4, y2: f.height - BOTTOM }),
        s("path", { d: `M${x - 5},${TOP - 8}h10l-5,7z` })));
    }
    for (const tick of timeTicks(f.from, f.to, Math.max(2, f.width / 120))) {
      const x = f.x(tick);
      if (x > f.left + 14 && x < f.right - 14)
        parts.push(s("text", { x, y: f.height - 6, "text-anchor": "middle" }, clock(tick, f.to - f.from)));
    }
    for (const each of this.series) {
      for (const run of this.runs(each.points)) {
        const ups = run.map((p) => `${f.x(p.at)},${f.y(p.high)}`);
        const downs = run.map((p) => `${f.x(p.at)},${f.y(p.low)}`).reverse();
        parts.push(s("polygon", { points: [...ups, ...downs].join(" "), "clip-path": `url(#${clip})`,
          css: { fill: each.colour, opacity: 0.14 } }));
      }
    }
    for (const each of this.series) {
      for (const run of this.runs(each.points)) {
        const path = run.map((p) => `${f.x(p.at)},${f.y(p.mean)}`).join(" ");
        parts.push(s("polyline", { points: path, fill: "none", "stroke-linejoin": "round", "data-series": each.name,
          "clip-path": `url(#${clip})`, "stroke-dasharray": each.dashed ? "6 5" : null,
          css: { stroke: each.colour, "stroke-width": each.dashed ? 2 : 2.6 } }));
      }
      const last = each.points.at(-1);
      parts.push(s("circle", { cx: f.x(last.at), cy: f.y(last.mean), r: 4, css: { fill: each.colour } }));
    }
    if (f.named) parts.push(...this.names(f));
    this.cursor = s("line", { class: "cursor", y1: TOP, y2: f.height - BOTTOM, visibility: "hidden" });
    this.svg.replaceChildren(...parts, this.cursor);
    if (this.at !== null) this.mark();
  }

  // The points, cut wherever there is a hole between two of them.
  runs(points) {
    const runs = [[]];
    for (const point of points) {
      const before = runs.at(-1).at(-1);
      if (before && this.holes.some(([after, until]) => before.at <= after && until <= point.at)) runs.push([]);
      runs.at(-1).push(point);
    }
    return runs;
  }

  names(f) {
    const placed = this.series
      .map((each) => ({ each, y: f.y(each.points.at(-1).mean) + 4 }))
      .sort((a, b) => a.y - b.y);
    for (let i = 1; i < placed.length; i++)
      placed[i].y = Math.max(placed[i].y, placed[i - 1].y + NAME_GAP);
    let floor = f.height - BOTTOM + 4;
    for (const each of placed.toReversed()) {
      each.y = Math.min(each.y, floor);
      floor = each.y - NAME_GAP;
    }
    return placed.map(({ each, y }) =>
      s("text", { class: "name", x: f.right + 12, y, css: { fill: each.colour } }, each.name));
  }

  times() {
    return [...new Set(this.series.flatMap((each) => each.points.map((p) => p.at)))].sort((a, b) => a - b);
  }

  point(x) {
    if (!this.series.length) return;
    const times = this.times();
    this.at = times.reduce((best, at) =>
      Math.abs(this.f.x(at) - x) < Math.abs(this.f.x(best) - x) ? at : best);
    this.mark();
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.series.length) return;
    event.preventDefault();
    event.stopPropagation();
    const times = this.times();
    const now = this.at === null ? times.length : times.indexOf(this.at);
    this.at = times[Math.min(times.length - 1, Math.max(0, now + step))];
    this.mark();
  }

  leave() {
    this.at = null;
    this.tip.hidden = true;
    this.cursor?.setAttribute("visibility", "hidden");
  }

  mark() {
    const x = this.f.x(this.at);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.cursor.setAttribute("visibility", "visible");
    const rows = this.series.flatMap((each) => {
      const p = each.points.findLast((point) => point.at <= this.at);
      if (!p) return [];
      return [h("span", {}, h("i", { class: "swatch", css: { background: each.colour } }), each.name,
        h("em", {}, this.signed ? `${difference(p.mean)} (${difference(p.low)} to ${difference(p.high)})` : `${percent(p.mean)} (${range(p.low, p.high)})`))];
    });
    const near = this.marks.filter((each) => Math.abs(this.f.x(each.at_ms) - x) < 6 && each.at_ms <= this.f.to);
    this.tip.replaceChildren(h("b", {}, clock(this.at, this.f.to - this.f.from)), ...rows,
      ...near.map((each) => h("span", {}, each.words)));
    this.tip.hidden = false;
    const wide = this.tip.offsetWidth;
    const left = x + 14 + wide > this.f.width ? x - 14 - wide : x + 14;
    this.tip.style.left = `${Math.max(0, Math.min(left, this.f.width - wide))}px`;
  }
}

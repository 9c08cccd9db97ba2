// Small drawings: an interval on a scale, a sparkline, shares over time.
import { h, s } from "/page/dom.js";
import { clock, niceTicks, share, signed, timeTicks } from "/page/format.js";

// The lift's interval on a scale that always holds zero.
export function liftScale(host, lift) {
  const width = host.clientWidth, mid = 16;
  if (!width) return;
  const low = Math.min(0, lift.low), high = Math.max(0, lift.high);
  const pad = (high - low) * 0.07;
  const x = (v) => 8 + ((v - low + pad) / (high - low + 2 * pad)) * (width - 16);
  const tone = lift.low > 0 ? "var(--good)" : lift.high < 0 ? "var(--bad)" : "var(--control)";
  const ticks = niceTicks(low, high, 4);
  const label = (v) => (v === 0 ? "0\u00a0%" : `${signed(v, 0)}\u00a0%`);
  const svg = s("svg", { role: "img", "aria-label": `from ${label(lift.low)} to ${label(lift.high)}` },
    s("line", { class: "grid", x1: 4, x2: width - 4, y1: mid, y2: mid }),
    s("line", { class: "axis-zero", x1: x(0), x2: x(0), y1: 4, y2: 28 }),
    s("rect", { x: x(lift.low), y: mid - 5, width: Math.max(2, x(lift.high) - x(lift.low)), height: 10, rx: 5, css: { fill: tone, opacity: 0.28 } }),
    s("circle", { cx: x(lift.percent), cy: mid, r: 6.5, css: { fill: tone } }),
    ticks.map((tick) => s("text", { x: x(tick), y: 43, "text-anchor": "middle", css: { font: "12px var(--sans)", fill: "var(--soft)" } }, label(tick))));
  host.replaceChildren(svg);
}

export function spark(values, tone = "var(--d0)") {
  const svg = s("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (values.length < 2) return svg;
  const high = Math.max(...values), low = Math.min(0, ...values), span = high - low || 1;
  const x = (i) => (i / (values.length - 1)) * 100, y = (v) => 22 - ((v - low) / span) * 20;
  const line = values.map((v, i) => `${x(i)},${y(v)}`).join(" ");
  svg.append(
    s("polygon", { points: `0,24 ${line} 100,24`, css: { fill: tone, opacity: 0.13 } }),
    s("polyline", { points: line, fill: "none", "vector-effect": "non-scaling-stroke", css: { stroke: tone, "stroke-width": 1.6 } }));
  return svg;
}

// One artwork's interval, on the scale that all artworks of the title share; below it, thin and
// hollow, what the prior alone expects.
export function whisker(host, { mean, low, high, prior }, scale, tone) {
  const x = (v) => `${Math.max(0, Math.min(100, ((v - scale.low) / (scale.high - scale.low || 1)) * 100))}%`;
  host.replaceChildren(s("svg", { "aria-hidden": "true" },
    s("line", { class: "grid", x1: "0%", x2: "100%", y1: 10, y2: 10 }),
    s("line", { x1: x(low), x2: x(high), y1: 10, y2: 10, "stroke-linecap": "round", css: { stroke: tone, "stroke-width": 6, opacity: 0.35 } }),
    s("circle", { cx: x(mean), cy: 10, r: 5, css: { fill: tone } }),
    prior && s("line", { x1: x(prior.low), x2: x(prior.high), y1: 22, y2: 22, "stroke-linecap": "round", css: { stroke: "var(--soft)", "stroke-width": 2, opacity: 0.55 } }),
    prior && s("circle", { cx: x(prior.mean), cy: 22, r: 4, css: { fill: "var(--card)", stroke: "var(--soft)", "stroke-width": 2 } })));
}

// What came by what was expected, with intervals; curves: [{ name, colour, points: [] }].
export function calibration(host, curves) {
  const width = host.clientWidth, height = host.clientHeight;
  if (!width) return;
  const every = curves.flatMap((each) => each.points), left = 52, bottom = 26, top = 26;
  const most = Math.max(...every.map((each) => Math.max(each.expected, each.high))) * 1.04 || 1;
  const x = (v) => left + (v / most) * (width - left - 12), y = (v) => height - bottom - (v / most) * (height - top - bottom);
  const label = (v) => `${Number((v * 100).toPrecision(3))}\u00a0%`;
  const ticks = niceTicks(0, most, width < 480 ? 3 : 5).filter((tick) => tick >= 0 && tick <= most);
  const parts = ticks.flatMap((tick) => [
    s("line", { class: "grid", x1: left, x2: width - 12, y1: y(tick), y2: y(tick) }),
    s("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, label(tick)),
    s("text", { x: x(tick), y: height - 6, "text-anchor": "middle" }, label(tick)),
  ]);
  parts.push(s("line", { x1: x(0), y1: y(0), x2: x(most), y2: y(most), css: { stroke: "var(--faint)", "stroke-width": 1.5, "stroke-dasharray": "2 5" } }));
  curves.forEach((each, at) => {
    for (const point of each.points) {
      parts.push(s("line", { x1: x(point.expected), x2: x(point.expected), y1: y(point.low), y2: y(point.high), "stroke-linecap": "round", css: { stroke: each.colour, "stroke-width": 5, opacity: 0.3 } }));
      parts.push(s("circle", { cx: x(point.expected), cy: y(point.observed), r: 4.5, css: { fill: at ? "var(--card)" : each.colour, stroke: each.colour, "stroke-width": 2 } },
        s("title", {}, `${each.name}: expected ${label(point.expected)}, taken ${label(point.observed)} (${label(point.low)} to ${label(point.high)}), ${point.rewards} rewards`)));
    }
    parts.push(s("polyline", { points: each.points.map((point) => `${x(point.expected)},${y(point.observed)}`).join(" "), fill: "none", css: { stroke: each.colour, "stroke-width": 1.6, opacity: 0.7 } }));
    parts.push(s("circle", { cx: left + 12 + at * 140, cy: 11, r: 4.5, css: { fill: at ? "var(--card)" : each.colour, stroke: each.colour, "stroke-width": 2 } }),
      s("text", { x: left + 22 + at * 140, y: 15 }, each.name));
  });
  host.replaceChildren(s("svg", { role: "img", "aria-label": `What was taken by what was expected: ${curves.map((each) => each.name).join(" and ")}` }, ...parts));
}

// Shares of a whole over time, stacked; layers: [{ name, colour, counts: [] }].
export class Shares {
  constructor(host) {
    this.host = host;
    this.times = [];
    host.replaceChildren();
    new ResizeObserver(() => this.draw()).observe(host);
  }

  show(times, layers, label) {
    Object.assign(this, { times, layers, label });
    this.draw();
  }

  // Places of the spans, cut where nothing was shown for much longer than a span takes.
  runs() {
    const steps = this.times.slice(1).map((at, i) => at - this.times[i]);
    const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)];
    const least = Math.max(4 * usual, 0.1 * (this.times.at(-1) - this.times[0]));
    const runs = [[0]];
    steps.forEach((step, i) => (step > least ? runs.push([i + 1]) : runs.at(-1).push(i + 1)));
    return runs;
  }

  draw() {
    const width = this.host.clientWidth, height = this.host.clientHeight, n = this.times.length;
    if (!width) return;
    if (n < 2) return void this.host.replaceChildren(h("div", { class: "empty" }, h("span", {}, "Shares over time appear once two spans of time have impressions.")));
    const left = 44, bottom = 24, top = 6;
    const x = (i) => left + ((this.times[i] - this.times[0]) / (this.times[n - 1] - this.times[0])) * (width - left - 6);
    const y = (v) => top + (1 - v) * (height - top - bottom);
    const totals = this.times.map((_, i) => this.layers.reduce((sum, each) => sum + each.counts[i], 0) || 1);
    let base = new Array(n).fill(0);
    const parts = [], runs = this.runs();
    for (const each of this.layers) {
      const next = base.map((v, i) => v + each.counts[i] / totals[i]);
      for (const run of runs) {
        // A span that stands alone between two holes is a stroke of its own.
        const wide = run.length > 1 ? 0 : 3;
        const at = (i, v, by) => `${x(i) + by},${y(v)}`;
        const up = run.flatMap((i) => (wide ? [at(i, next[i], -wide), at(i, next[i], wide)] : [at(i, next[i], 0)]));
        const down = run.flatMap((i) => (wide ? [at(i, base[i], -wide), at(i, base[i], wide)] : [at(i, base[i], 0)])).reverse();
        parts.push(s("polygon", { points: [...up, ...down].join(" "), css: { fill: each.colour, stroke: "var(--card)", "stroke-width": 1.5, opacity: 0.88 } },
          s("title", {}, `${each.name}: ${share(each.counts[n - 1] / totals[n - 1])} of the latest`)));
      }
      base = next;
    }
    for (const tick of [0, 0.5, 1])
      parts.push(s("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, share(tick)));
    const span = this.times[n - 1] - this.times[0];
    for (const tick of timeTicks(this.times[0], this.times[n - 1], Math.max(2, width / 120))) {
      const at = left + ((tick - this.times[0]) / span) * (width - left - 6);
      if (at > left + 16 && at < width - 24) parts.push(s("text", { x: at, y: height - 5, "text-anchor": "middle" }, clock(tick, span)));
    }
    this.host.replaceChildren(s("svg", { role: "img", "aria-label": this.label }, ...parts));
  }
}

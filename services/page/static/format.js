// Numbers and times as people read them.
const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n) => counts.format(n);
export const few = (n) => (n < 10 ? n.toFixed(1) : counts.format(n));

const places = (fraction) => (Math.abs(fraction) < 0.01 ? 2 : 1);

export const percent = (fraction, digits = places(fraction)) => `${(fraction * 100).toFixed(digits)}\u00a0%`;

export function range(low, high) {
  const digits = places(low + (high - low) / 2);
  return `${(low * 100).toFixed(digits)} to ${percent(high, digits)}`;
}

export const share = (fraction) =>
  fraction > 0 && fraction < 0.01 ? "<1\u00a0%" : `${Math.round(fraction * 100)}\u00a0%`;

export function signed(value, digits = 1) {
  const text = Math.abs(value).toFixed(digits);
  return `${Number(text) === 0 ? "" : value > 0 ? "+" : "−"}${text}`;
}

export const difference = (fraction, digits = 1) => `${signed(fraction * 100, digits)}\u00a0%`;

export function moment(ms) {
  return new Date(ms).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function lasting(ms) {
  if (ms < 950) return `${Math.round(ms / 10) * 10} ms`;
  const seconds = ms / 1000;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export const ago = (ms) => (ms < 1500 ? "just now" : `${lasting(ms)} ago`);

export function clock(ms, spanMs) {
  const at = new Date(ms);
  if (spanMs > 3 * 86400e3) return at.toLocaleDateString([], { day: "numeric", month: "short" });
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (spanMs < 10 * 60e3) parts.second = "2-digit";
  return at.toLocaleTimeString([], parts);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  86400, 172800, 604800, 1209600, 2592000].map((seconds) => seconds * 1000);

export function timeTicks(from, to, most) {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? STEPS.at(-1);
  const shift = step >= 3600e3 ? new Date(to).getTimezoneOffset() * 60e3 : 0;
  const ticks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push(at);
  return ticks;
}

// Decimals that tell neighbours apart: 2.5 needs one, 5 none.
export const digitsOf = (step) =>
  [0, 1, 2, 3].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? 4;

export function niceTicks(low, high, most) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= raw);
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) ticks.push(at);
  return ticks;
}

const COLOURS = ["--d0", "--d1", "--d2", "--d3", "--d4", "--d5", "--d6"];
export const colour = (at) => (at < COLOURS.length ? `var(${COLOURS[at]})` : "var(--control)");

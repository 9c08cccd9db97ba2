// The loop: ask every two seconds while somebody looks, and say plainly when nobody answers.
import { byId, setText } from "/page/dom.js";
import { Decisions } from "/page/decisions.js";
import { Filters } from "/page/filters.js";
import { ago } from "/page/format.js";
import { showOverview, showTimeline } from "/page/overview.js";
import { Serendipity } from "/page/serendipity.js";
import { Titles } from "/page/titles.js";
import { Viewers } from "/page/viewers.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30000;
let key = sessionStorage.getItem("keyart-key") ?? "";
let view = "moving";
let failures = 0;
let heardAt = 0;
let timer = 0;
let running = false;
let last = {};

class Away extends Error {}

function raw(path, more = {}) {
  const headers = { ...more.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  return fetch(path, { ...more, headers, cache: "no-store", signal: AbortSignal.timeout(15000) });
}

// Return the answer, or null where there is no such thing and `mayMiss` says that this is no fault.
async function ask(path, mayMiss = false) {
  const answer = await raw(path);
  if (answer.status === 401 || answer.status === 403) {
    byId("key").hidden = false;
    const wrong = answer.status === 403 ? "This key is known, but it may not see the page." : "This key is wrong.";
    setText(byId("key-words"), key ? wrong : "");
    throw new Away(key ? wrong.slice(0, -1).toLowerCase() : "waiting for a key");
  }
  if (answer.status === 404 && mayMiss) return null;
  if (!answer.ok) throw new Away(`the service answers ${answer.status}`);
  return answer.json();
}

const filters = new Filters(raw, () => { titles.onSurface(filters.surface); tick(); });
const titles = new Titles(guarded(ask), keepPlace);
const decisions = new Decisions(ask, (title) => {
  titles.pick(title);
  byId("titles-title").scrollIntoView({ behavior: "smooth", block: "start" });
});

const serendipity = new Serendipity(ask);
new Viewers(raw);

// What is asked for between two rounds must not throw into nothing: the next round will tell.
function guarded(call) {
  return async (...given) => {
    try { return await call(...given); } catch (wrong) {
      if (running) throw wrong;
      return undefined;
    }
  };
}

async function round() {
  const [overview, timeline] = await Promise.all([
    ask(`/v1/insight/overview?${filters.query()}`), ask(`/v1/insight/timeline?view=${view}&${filters.query()}`)]);
  byId("key").hidden = true;
  filters.offer(overview.shown_on, overview.surfaces.pooled);
  last = { overview, timeline };
  showOverview(overview);
  showTimeline(timeline, overview.waiting);
  await Promise.all([titles.refresh(overview.titles), decisions.refresh(), serendipity.refresh()]);
}

async function tick() {
  clearTimeout(timer);
  if (document.hidden || running) return;
  running = true;
  try {
    await round();
    failures = 0;
    heardAt = Date.now();
    state("live", "live");
  } catch (wrong) {
    failures += 1;
    const reason = wrong instanceof Away ? wrong.message : "the service does not answer";
    const old = heardAt ? `, figures from ${ago(Date.now() - heardAt)}` : "";
    state("away", `${reason}${old}; trying again`);
    if (!(wrong instanceof Away) && !(wrong instanceof TypeError) && wrong.name !== "TimeoutError") console.error(wrong);
  }
  running = false;
  timer = setTimeout(tick, Math.min(SLOWEST_MS, EVERY_MS * 2 ** Math.min(failures, 4)));
}

function state(name, words) {
  byId("live").dataset.state = name;
  setText(byId("live").lastElementChild, words);
}

function keepPlace() {
  history.replaceState(null, "", titles.id ? `#title=${encodeURIComponent(titles.id)}` : "#");
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key-text").value;
  sessionStorage.setItem("keyart-key", key);
  failures = 0;
  tick();
});

const choices = [...document.querySelectorAll("[data-view]")];
function choose(button) {
  view = button.dataset.view;
  for (const each of choices) {
    each.setAttribute("aria-checked", String(each === button));
    each.tabIndex = each === button ? 0 : -1;
  }
  tick();
}
for (const [at, button] of choices.entries()) {
  button.tabIndex = at ? -1 : 0;
  button.addEventListener("click", () => choose(button));
  button.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const other = choices[(at + 1) % choices.length];
    other.focus();
    choose(other);
  });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("search").focus();
  }
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && !event.target.closest(".decisions, .shelf")) {
    event.preventDefault();
    titles.step(by);
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) state("waiting", "paused while nobody looks");
  else tick();
});
let width = innerWidth;
addEventListener("resize", () => {
  if (width !== innerWidth && last.overview) showOverview(last.overview);
  width = innerWidth;
});
addEventListener("hashchange", place);
function place() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("title");
  if (wanted && wanted !== titles.id) titles.pick(wanted);
}

place();
tick();

// The page of models: asks every five seconds while somebody looks, and moves an alias when told to.
import { byId, empty, h, keyed, setText } from "/page/dom.js";
import { ago, count, lasting, moment, percent, signed } from "/page/format.js";
import { Lines } from "/page/lines.js";
import { calibration } from "/page/shapes.js";

const EVERY_MS = 5000;
const STAGES = { job: "asked for", fitted: "fitted", proposed: "proposed", judged: "judged", decided: "decided" };
const ENDED = {
  promoted: "it serves", proposed: "left as candidate", canary: "let out to a share of viewers",
  refused: "refused by the gate", same: "it came out as what serves",
};
const ACTS = { propose: "proposed", promote: "let serve", rollback: "rolled back to", withdraw: "withdrawn" };
const RULES = { passed: "passed", refused: "refused", "cannot tell": "cannot tell" };
let key = sessionStorage.getItem("keyart-key") ?? "";
let timer = 0, failures = 0, running = false, wanted = null;
const charts = new Map();

class Away extends Error {}

async function ask(path, body) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const given = body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : { headers, signal: AbortSignal.timeout(15000) };
  const answer = await fetch(path, { cache: "no-store", ...given });
  if (answer.status === 401 || (answer.status === 403 && !body)) {
    byId("key").hidden = false;
    setText(byId("key-words"), key ? "This key is wrong, or may not see the page." : "");
    throw new Away("waiting for a key");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Away(answer.status === 403 ? "This key may look, but not move models: that takes the scope admin." : problem.detail || `the service answers ${answer.status}`);
  }
  return answer.json();
}

async function tick() {
  clearTimeout(timer);
  if (document.hidden || running) return;
  running = true;
  try {
    show(await ask("/v1/insight/models"));
    byId("key").hidden = true;
    failures = 0;
    state("live", "live");
  } catch (wrong) {
    failures += 1;
    state("away", wrong instanceof Away ? wrong.message : "the service does not answer");
  }
  running = false;
  timer = setTimeout(tick, Math.min(EVERY_MS * 2 ** failures, 60000));
}

function state(name, words) {
  byId("live").dataset.state = name;
  setText(byId("live").lastElementChild, words);
}

function show(models) {
  showServing(models);
  showRetraining(models);
  showRollouts(models);
  showJudged(models);
  showVersions(models);
  showReports(models);
  showMoves(models);
}

function showServing({ serves, previous, moves, now_ms }) {
  setText(byId("serves"), serves === "neutral" ? "no prior (neutral)" : serves);
  const since = moves.find((each) => each.champion === serves && ["promote", "rollback"].includes(each.act));
  setText(byId("serves-words"), since
    ? `Since ${moment(since.at_ms)} (${ago(now_ms - since.at_ms)}), by ${since.by}${since.why ? `: ${since.why}` : "."}`
    : serves === "neutral" ? "Every artwork starts equal; a retraining on what viewers do makes the first opinion." : "Nobody has moved it since it was first let serve.");
  const button = byId("rollback");
  button.hidden = !previous;
  setText(button, `Roll back to ${previous}`);
  button.onclick = () => confirm({
    title: `Roll back to ${previous}?`, act: "Roll back",
    words: `${previous} decides for all viewers again, within seconds and without a restart. ${serves} stays in the registry.`,
    path: "/v1/models/rollback", body: { to: previous },
  });
}

function showRetraining({ jobs, now_ms }) {
  const open = jobs.find((each) => !each.outcome), last = jobs.find((each) => each.outcome);
  const host = byId("stages");
  host.hidden = !open;
  if (open) {
    const left = open.left_ms === null ? "How long it takes is not known: none of its kind has ended yet."
      : open.left_ms > 0 ? `About ${lasting(open.left_ms)} more, by those before it.` : "It takes longer than those before it.";
    setText(byId("retraining-words"), `Running (${open.kind}) since ${moment(open.started_at_ms)} because: ${open.reason}. ${left}${open.doing ? ` Now: ${open.doing}.` : ""}`);
    const names = Object.keys(STAGES), at = names.indexOf(open.stage);
    keyed(host, names, (name) => name, () => h("li"), (line, name) => {
      const place = names.indexOf(name);
      line.dataset.state = place <= at ? "done" : place === at + 1 ? "now" : "later";
      setText(line, STAGES[name]);
    });
  } else setText(byId("retraining-words"), last
    ? `Nothing runs. The last one ended ${ago(now_ms - last.ended_at_ms)}: ${last.version}, ${ENDED[last.outcome] ?? last.outcome}.`
    : "None has run yet. keyart retrain starts one; KEYART_RETRAIN_HOURS, _REWARDS or _DRIFT let it start by itself.");
}

function showRollouts({ rollouts }) {
  keyed(byId("rollouts"), rollouts, (each) => `${each.version} ${each.phase} ${each.since_ms}`,
    () => h("section", { class: "card rollout" }, h("h2"), h("p", { class: "soft" }), h("div", { class: "chart mid" }), h("p", { class: "soft small" })),
    (card, its) => {
      const [title, words, host, last] = card.children;
      const watching = its.phase === "watch";
      setText(title, its.running ? (watching ? "Watched after it took over" : "Let out to some") : "The last one that was let out");
      const look = its.looks.at(-1);
      setText(words, `${its.version} beside ${its.against}: ${percent(its.share)} of viewers ${its.running ? "see" : "saw"} it, since ${moment(its.since_ms)}. ${its.running ? (watching ? "It goes back by itself if it turns worse." : "It grows while it does well, and goes back by itself if it does not, or if nothing is heard of it.") : "It is over."}`);
      setText(last, look ? `${moment(look.at_ms)}, after ${count(look.rewards)} rewards of it: ${look.says}.` : "Nobody has looked yet.");
      const points = its.looks.filter((each) => each.lift !== null && each.lift !== undefined)
        .map((each) => ({ at: each.at_ms, mean: each.lift, low: Math.max(each.low, -1), high: Math.min(each.high, 1.5), n: each.rewards }));
      if (points.length < 2) {
        charts.delete(card);
        return host.replaceChildren(empty("Nothing to draw yet", "A curve is drawn from the second look on that has ten takes on each side."));
      }
      host.id ||= `rollout-${charts.size}`;
      if (!charts.has(card)) charts.set(card, new Lines(host));
      charts.get(card).show([{ name: "takes", colour: "var(--d0)", points }],
        `Takes of viewers who were to see ${its.version} over all others, look by look. Latest: ${signed(points.at(-1).mean * 100)} %.`, { signed: true });
    });
}

function showVersions({ versions, serves }) {
  setText(byId("versions-words"), versions.length ? "The newest first; none of them ever changes." : "There is none yet: keyart prior fit, or a retraining, makes the first.");
  keyed(byId("versions"), versions, (each) => each.name,
    () => h("li", {}, h("div", {}, h("div", { class: "title" }), h("p", { class: "soft small" }), h("p", { class: "soft small" }), h("ul", { class: "worths soft small" })), h("button", { class: "pill", type: "button" })),
    (line, its) => {
      const [body, button] = line.children;
      line.dataset.serves = its.serves ? "yes" : "no";
      const tags = its.aliases.map((alias) => h("span", { class: "tag", "data-alias": alias }, alias));
      body.children[0].replaceChildren(h("b", {}, its.name), ...tags);
      const learned = its.rows ? `, from ${count(its.rows)} rewards${its.from_ms ? ` of ${moment(its.from_ms)} to ${moment(its.to_ms)}` : ""}` : "";
      setText(body.children[1], `${its.kind}, made ${moment(its.made_at_ms)}${its.made_by ? ` by ${its.made_by}` : ""}${learned}${its.parent ? `; after ${its.parent}` : ""}${its.note ? `; ${its.note}` : ""}`);
      setText(body.children[2], Object.entries(its.figures).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`).join(", "));
      body.children[3].hidden = !its.says.length;
      body.children[3].replaceChildren(...its.says.map((words) => h("li", {}, words)));
      button.hidden = its.serves;
      setText(button, "Let it serve");
      button.setAttribute("aria-label", `Let ${its.name} serve`);
      button.onclick = () => confirm({
        title: `Let ${its.name} serve?`, act: "Let it serve",
        words: `It decides for all viewers within seconds, without a restart, and without a canary. ${serves} stays, and a rollback brings it back.`,
        path: "/v1/models/promote", body: { version: its.name },
      });
    });
}

function showJudged({ judged, now_ms }) {
  const host = byId("calibration"), table = byId("others");
  const none = "Housekeeping looks at the newest of the log now and then (KEYART_JUDGE_S); it has not yet. keyart models judge does it at once.";
  const curves = judged ? [
    { name: "with the prior", colour: "var(--d0)", points: judged.with_prior },
    { name: "without", colour: "var(--control)", points: judged.without_prior },
  ].filter((each) => each.points.length) : [];
  host.hidden = !curves.length;
  const when = judged ? `By the newest ${count(judged.rewards)} rewards, looked at ${ago(now_ms - judged.at_ms)}.` : "";
  const ends = judged && judged.gain !== null ? `${signed(judged.gain, 2)} nats for 1,000 impressions (95\u00a0% interval ${signed(judged.low, 2)} to ${signed(judged.high, 2)})` : "";
  setText(byId("true-words"), !judged ? none : !curves.length ? `${when} None of them says yet what was expected of it.`
    : judged.gain === null ? `${when} No prior has said anything of them, so there is one curve.`
    : `${judged.low > 0 ? "The prior helps: it made what came likelier, by" : judged.high < 0 ? "The prior misleads: it made what came less likely, by" : "Too early to tell whether the prior helps:"} ${ends}. ${when}`);
  setText(byId("true-curves"), curves.length ? "Across: what was expected of a picture before anything was learned of it; up: how often it was taken. On the dotted line both are the same. Bars are 95\u00a0% intervals." : "");
  if (curves.length) calibration(host, curves);
  const policies = judged?.policies ?? [];
  table.hidden = !policies.length;
  setText(byId("others-words"), !judged ? none : policies.length ? `What each would have taken of the same impressions, doubly robust, and how much more than the ${percent(judged.logged)} that were taken; 95\u00a0% intervals that count viewers. A log can warn; a gain is shown by an experiment.` : judged.waiting || "None could be judged on this log.");
  keyed(table.tBodies[0], policies, (each) => each.policy, () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td")),
    (row, its) => {
      const [name, value, more] = row.children;
      const rate = (each) => `${signed(each * 100)}\u00a0%`;
      const told = its.more_low > 0 ? "more" : its.more_high < 0 ? "less" : its.rows_to_tell ? `cannot be told; it would take about ${count(Number(its.rows_to_tell.toPrecision(2)))} rewards` : "no difference";
      setText(name, its.policy);
      setText(value, `${percent(its.value)} (${percent(its.low)} to ${percent(its.high)})`);
      setText(more, `${rate(its.more)} (${rate(its.more_low)} to ${rate(its.more_high)}): ${told}`);
    });
}

function showReports({ jobs }) {
  const judged = jobs.filter((each) => each.verdicts.length);
  setText(byId("gate-words"), judged.length ? "Each retraining, the newest first, rule by rule. A log can veto harm; a gain is shown by the canary." : "No retraining has been judged yet.");
  keyed(byId("reports"), judged, (each) => each.number,
    (its) => h("li", {}, h("details", { open: its === judged[0] }, h("summary", {}, h("b"), h("span")),
      h("p", { class: "soft small" }), h("table", { class: "rules" }, h("tbody")))),
    (line, its) => {
      const [summary, reason, table] = line.firstElementChild.children;
      setText(summary.children[0], its.version);
      setText(summary.children[1], `, ${moment(its.started_at_ms)}: ${its.outcome ? ENDED[its.outcome] ?? its.outcome : "not decided yet"}`);
      setText(reason, `Because: ${its.reason}`);
      keyed(table.firstElementChild, its.verdicts, (each) => each.rule,
        () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td")),
        (row, verdict) => {
          setText(row.children[0], verdict.rule);
          row.children[1].dataset.tone = verdict.outcome;
          setText(row.children[1], RULES[verdict.outcome] ?? verdict.outcome);
          setText(row.children[2], verdict.says);
        });
    });
}

function showMoves({ moves }) {
  const host = byId("moves");
  if (!moves.length) return host.replaceChildren(h("li", { class: "soft" }, "Nobody has moved anything yet."));
  keyed(host, moves, (each) => each.number,
    () => h("li", {}, h("span", {}, h("b"), h("span")), h("span", { class: "soft small" })),
    (line, its) => {
      setText(line.children[0].children[0], its.version);
      setText(line.children[0].children[1], ` ${ACTS[its.act] ?? its.act}`);
      setText(line.children[1], `${moment(its.at_ms)} by ${its.by || "nobody named"}${its.why ? `: ${its.why}` : ""}`);
    });
}

function confirm(asked) {
  wanted = asked;
  setText(byId("sure-title"), asked.title);
  setText(byId("sure-words"), asked.words);
  setText(byId("do"), asked.act);
  setText(byId("sure-failed"), "");
  byId("do").disabled = false;
  byId("why").value = "";
  byId("sure").showModal();
  byId("why").focus();
}

async function act() {
  const button = byId("do");
  button.disabled = true;
  setText(button, "Working");
  try {
    show(await ask(wanted.path, { ...wanted.body, why: byId("why").value }));
    byId("sure").close();
  } catch (wrong) {
    setText(byId("sure-failed"), wrong instanceof Away ? wrong.message : "the service does not answer");
    setText(button, wanted.act);
    button.disabled = false;
  }
}

byId("do").addEventListener("click", act);
byId("why").addEventListener("keydown", (event) => {
  // Enter in a form would press its first button, which leaves everything as it is
  if (event.key === "Enter") { event.preventDefault(); byId("do").focus(); }
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key-text").value;
  sessionStorage.setItem("keyart-key", key);
  byId("key-text").value = "";
  tick();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) state("waiting", "paused while nobody looks");
  else tick();
});

tick();

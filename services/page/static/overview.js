// The headline, the take fraction over time, and how the service runs.
import { byId, empty, h, keyed, setText } from "/page/dom.js";
import { ago, colour, count, few, lasting, percent, range, signed } from "/page/format.js";
import { Lines } from "/page/lines.js";
import { liftScale, spark } from "/page/shapes.js";

const rates = { events: [], decisions: [] };
let lines = null;
let drawn = null;

export function policyColour(policy) {
  return policy.role === "control" ? "var(--control)" : colour(policy.place);
}

export function showOverview(overview) {
  setText(byId("note"), overview.note);
  byId("note").hidden = !overview.note;
  showLift(overview);
  keyed(byId("policies"), overview.policies, (policy) => policy.policy,
    () => h("li", {}, h("i", { class: "swatch" }), h("b"), h("span", { class: "value" }), h("span", { class: "n" })),
    (row, policy) => {
      row.children[0].style.background = policyColour(policy);
      setText(row.children[1], policy.name);
      setText(row.children[2], percent(policy.mean));
      setText(row.children[3], `${range(policy.low, policy.high)}, ${count(policy.impressions)} impressions`);
    });
  showVitals(overview);
}

function showLift({ lift, waiting }) {
  const big = byId("lift"), words = byId("lift-words");
  if (!lift) {
    big.dataset.tone = "wait";
    setText(big, "Not known yet");
    setText(words, waiting);
    return byId("lift-scale").replaceChildren();
  }
  const tone = lift.low > 0 ? "above" : lift.high < 0 ? "below" : "even";
  big.dataset.tone = tone;
  setText(big, `${signed(lift.percent)}\u00a0%`);
  const interval = `95\u00a0% interval: ${signed(lift.low)}\u00a0% to ${signed(lift.high)}\u00a0%.`;
  const verdict = {
    above: `${lift.policy} is above uniform choice.`,
    below: `${lift.policy} is below uniform choice.`,
    even: "Too early to tell from uniform choice.",
  }[tone];
  setText(words, `${verdict} ${interval}`);
  liftScale(byId("lift-scale"), lift);
}

export function showTimeline(timeline, waiting) {
  const host = byId("fractions");
  const series = timeline.series.filter((each) => each.points.length > 1);
  if (!series.length) {
    lines = null;
    const text = waiting || "It starts with the second span of time that has impressions.";
    return host.replaceChildren(empty("Nothing to draw yet", text));
  }
  lines ??= new Lines(host);
  drawn = series.map((each) => ({
    name: each.name, colour: policyColour(each), dashed: each.role === "control", points: each.points,
  }));
  const latest = series.map((each) => `${each.name} ${percent(each.points.at(-1).mean)}`).join(", ");
  lines.show(drawn, `Take fraction over time. Latest: ${latest}. Arrow keys read single times.`);
  const cover = timeline.view === "moving"
    ? `Each point covers the ${count(timeline.window_impressions)} impressions before it.`
    : "Each point covers everything before it.";
  setText(byId("fractions-words"), `${cover} Bands are 95\u00a0% intervals.`);
}

function rate(name, now, total) {
  const held = rates[name];
  const last = held.at(-1);
  if (last && (total < last.total || now < last.now)) held.length = 0;
  if (!last || now > last.now) held.push({ now, total });
  if (held.length > 60) held.shift();
  const steps = held.slice(1).map((each, i) => ((each.total - held[i].total) * 1000) / (each.now - held[i].now));
  // Over about ten seconds, so that the figure can be read.
  const start = held.findLast((each) => each.now <= now - 9000) ?? held[0];
  const mean = start.now < now ? ((total - start.total) * 1000) / (now - start.now) : null;
  return { steps, mean };
}

function showVitals(overview) {
  const events = rate("events", overview.now_ms, overview.events);
  const decisions = rate("decisions", overview.now_ms, overview.decisions);
  const cards = [
    {
      key: "events", title: "Events per second",
      figure: events.mean === null ? "…" : few(events.mean), unit: "",
      words: `${count(overview.events)} so far; ${decisions.mean === null ? "…" : few(decisions.mean)} pages of decisions a second`,
      line: events.steps,
    },
    {
      key: "lag", title: "Join lag",
      figure: lasting(overview.behind_ms), unit: "behind", bad: overview.behind_ms > 30000,
      words: overview.reward_wait_ms === null
        ? `${count(overview.behind_records)} events not joined yet`
        : `${count(overview.behind_records)} events to join; a reward is known ${lasting(overview.reward_wait_ms)} after its impression`,
    },
    ratioCard(overview),
    entropyCard(overview),
  ];
  if (overview.trust) cards.push({
    key: "trust", title: "Trust in the prior",
    figure: `${Math.round(overview.trust.mean * 100)}\u00a0%`, unit: overview.trust.prior,
    words: `mean of ${count(overview.trust.titles)} titles; 0 % ignores it, 100 % takes it at its word`,
  });
  keyed(byId("vitals"), cards, (card) => card.key,
    () => h("div", { class: "vital" }, h("h3"), h("p", { class: "figure" }, h("span"), " ", h("small")),
      h("p", { class: "words" }), h("div", { class: "spark" })),
    (card, { title, figure, unit, words, line, bad }) => {
      card.dataset.tone = bad ? "bad" : "good";
      setText(card.children[0], title);
      setText(card.children[1].children[0], figure);
      setText(card.children[1].children[1], unit ?? "");
      setText(card.children[2], words);
      card.children[3].hidden = !line || line.length < 2;
      if (line) card.children[3].replaceChildren(spark(line));
    });
}

function ratioCard({ propensities: ratios }) {
  const card = { key: "ratio", title: "Sample ratio" };
  if (!ratios.length) return { ...card, figure: "–", words: "no decision joined yet" };
  const broken = ratios.filter((each) => !each.passed);
  if (broken.length) return {
    ...card, figure: "broken", bad: true,
    words: `${broken.map((each) => each.policy).join(", ")}: artworks do not come as often as chosen. Impressions are being lost or doubled; trust no figure here until it is mended.`,
  };
  const decisions = ratios.reduce((sum, each) => sum + each.decisions, 0);
  const worst = Math.min(...ratios.map((each) => each.p_value));
  return {
    ...card, figure: "in order", unit: "",
    words: `${count(decisions)} choices match their propensities (p ${worst < 0.995 ? `= ${worst.toFixed(2)}` : "> 0.99"}, however often looked at)`,
  };
}

function entropyCard({ entropy, now_ms, newest_ms }) {
  const card = { key: "entropy", title: "Entropy of choices" };
  if (!entropy) return { ...card, figure: "–", words: "no decision joined yet" };
  const fresh = newest_ms ? `, last impression ${ago(Math.max(0, now_ms - newest_ms))}` : "";
  return {
    ...card, figure: entropy.effective.toFixed(1), unit: `of ${entropy.artworks.toFixed(1)}`,
    words: `artworks of a title still in play${fresh}`, line: entropy.trail,
  };
}

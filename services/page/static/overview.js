// The headline, the take fraction over time, and how the service runs.
import { byId, empty, h, keyed, setText } from "/page/dom.js";
import { ago, colour, count, few, lasting, moment, percent, range, signed } from "/page/format.js";
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
  showWorth(overview.worth);
  keyed(byId("policies"), overview.policies, (policy) => policy.policy,
    () => h("li", {}, h("i", { class: "swatch" }), h("b"), h("span", { class: "value" }), h("span", { class: "n" })),
    (row, policy) => {
      row.children[0].style.background = policyColour(policy);
      setText(row.children[1], policy.name);
      setText(row.children[2], percent(policy.mean));
      setText(row.children[3], `${range(policy.low, policy.high)}, ${count(policy.impressions)} impressions`);
    });
  showExperiment(overview);
  showWatched(overview);
  showKeeping(overview);
  showPositions(overview);
  showLost(overview);
  showVitals(overview);
}

function showLift({ lift, waiting }) {
  const big = byId("lift"), words = byId("lift-words");
  setText(byId("hero-title"), `More takes than ${lift ? lift.control : "uniform choice"}?`);
  for (const id of ["lift-extra", "lift-until", "lift-control"]) byId(id).hidden = !lift;
  if (!lift) {
    big.dataset.tone = "wait";
    setText(big, "Not known yet");
    setText(words, waiting);
    return byId("lift-scale").replaceChildren();
  }
  const tone = toneOf(lift);
  big.dataset.tone = tone;
  setText(big, `${signed(lift.percent)}\u00a0%`);
  const verdict = {
    above: `Yes: ${lift.policy} is above ${lift.control}.`,
    below: `No: ${lift.policy} is below ${lift.control}.`,
    even: `Too early to tell ${lift.policy} from ${lift.control}.`,
  }[tone];
  setText(words, `${verdict} ${intervalWords(lift)}`);
  setText(byId("lift-extra"), extraWords(lift));
  setText(byId("lift-until"), lift.until);
  byId("lift-until").hidden = !lift.until;
  setText(byId("lift-control"), `The control, ${lift.control}: ${lift.control_words}. ${count(lift.impressions)} impressions since ${moment(lift.since_ms)}.`);
  liftScale(byId("lift-scale"), lift);
}

function showWorth({ lift, waiting }) {
  const tone = lift && toneOf(lift);
  setText(byId("worth"), !lift ? waiting : `${{
    above: `${signed(lift.percent)}\u00a0% takes over default artworks.`,
    below: `${signed(lift.percent)}\u00a0% takes: fewer than with default artworks.`,
    even: "Too early to tell keyart from default artworks.",
  }[tone]} ${intervalWords(lift)} ${extraWords(lift)} ${lift.until} The control: ${lift.control_words}.`);
}

const toneOf = (lift) => (lift.low > 0 ? "above" : lift.high < 0 ? "below" : "even");
const intervalWords = (lift) =>
  `95\u00a0% interval, however often looked at: ${signed(lift.low)}\u00a0% to ${signed(lift.high)}\u00a0%.`;

function extraWords(lift) {
  const plays = (n) => count(Math.abs(Math.round(n)));
  const more = lift.extra >= 0 ? "more" : "fewer";
  const end = (n) => `${n < 0 && Math.round(n) ? "−" : ""}${plays(n)}`;
  const sure = toneOf(lift) !== "even";
  return `${sure ? "That is" : "So far, and it may be chance:"} about ${plays(lift.extra)} takes ${more} than ${lift.control} would have had in the same impressions (between ${end(lift.extra_low)} and ${end(lift.extra_high)}).`;
}

export function showTimeline(timeline, waiting) {
  const host = byId("fractions"), differing = timeline.view === "lift";
  const every = differing ? timeline.lifts : timeline.series;
  const series = every.filter((each) => each.points.length > 1);
  setText(byId("chart-title"), differing ? "Difference from the control, so far" : "Take fraction over time");
  if (!series.length) {
    lines = null;
    setText(byId("fractions-words"), "");
    const text = waiting || (differing ? "A difference is drawn once it can be told honestly: ten takes on each side." : "It starts with the second span of time that has impressions.");
    return host.replaceChildren(empty("Nothing to draw yet", text));
  }
  lines ??= new Lines(host);
  drawn = series.map((each) => ({
    name: each.name, colour: differing ? colour(each.place) : policyColour(each), dashed: each.role === "control", points: each.points,
  }));
  const value = (point) => (differing ? `${signed(point.mean * 100)}\u00a0%` : percent(point.mean));
  const latest = series.map((each) => `${each.name} ${value(each.points.at(-1))}`).join(", ");
  lines.show(drawn, `${byId("chart-title").textContent}. Latest: ${latest}. Arrow keys read single times.`,
    { holes: timeline.holes, signed: differing, marks: timeline.marks });
  const cover = timeline.view === "moving"
    ? `Each point covers the ${count(timeline.window_impressions)} impressions before it.`
    : "Each point covers everything before it.";
  const bands = differing ? "Bands are 95\u00a0% intervals that hold at every look: above the line at zero it is told." : "Bands are 95\u00a0% intervals.";
  const gaps = timeline.holes.length ? " Where the line is cut nothing was shown." : "";
  const [from, to] = [Math.min, Math.max].map((end) => end(...series.flatMap((each) => each.points.map((point) => point.at))));
  const changes = timeline.marks.filter((each) => from <= each.at_ms && each.at_ms <= to);
  const marked = changes.length ? ` A mark is where another model began to serve; the latest, ${moment(changes.at(-1).at_ms)}: ${changes.at(-1).words}.` : "";
  setText(byId("fractions-words"), `${cover} ${bands}${gaps}${marked}`);
}

function showExperiment({ experiment }) {
  byId("experiment").hidden = !experiment;
  if (!experiment) return;
  setText(byId("experiment-words"), `${experiment.running ? "Running" : `Ended ${moment(experiment.last_ms)}`}, since ${moment(experiment.since_ms)}: each policy serves its own share of viewers, and is compared with ${experiment.control} over the same time.`);
  keyed(byId("arms"), experiment.arms, (arm) => arm.policy,
    () => h("tr", {}, h("th", { scope: "row" }, h("i", { class: "swatch" }), h("span")), h("td"), h("td"), h("td", {}, h("b"), h("span", { class: "soft small" }))),
    (row, arm) => {
      row.children[0].children[0].style.background = colour(arm.place);
      setText(row.children[0].children[1], arm.name);
      setText(row.children[1], `${percent(arm.share_seen)} of ${percent(arm.share_meant)} meant, ${count(arm.impressions)}`);
      setText(row.children[2], `${percent(arm.mean)} (${range(arm.low, arm.high)})`);
      const [figure, words] = row.children[3].children;
      figure.dataset.tone = arm.lift ? toneOf(arm.lift) : "even";
      setText(figure, arm.lift ? `${signed(arm.lift.percent)}\u00a0%` : arm.waiting ? "Not known yet" : "the default");
      setText(words, arm.lift
        ? ` ${signed(arm.lift.low)}\u00a0% to ${signed(arm.lift.high)}\u00a0%. ${extraWords(arm.lift)} ${arm.lift.until}`
        : arm.waiting ? ` ${arm.waiting}` : "");
    });
  const check = byId("arms-check");
  check.dataset.tone = experiment.passed ? "good" : "bad";
  setText(check, experiment.passed
    ? `Each arm gets the share of impressions it is meant to (sample-ratio check, p ${p(experiment.p_value)} at any look).`
    : `The arms do not get the shares they are meant to (sample-ratio check, p ${p(experiment.p_value)} at any look): viewers or impressions of one arm are lost. Do not compare them until that is mended.`);
}

function showWatched({ watched }) {
  byId("watched").hidden = !watched.length;
  const rows = watched.flatMap(({ reward, policies }) => policies.map((policy) => ({ reward, ...policy })));
  const figure = (value) => `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(3)}`;
  keyed(byId("watched-rows"), rows, (row) => `${row.reward} ${row.policy}`,
    () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td"), h("td")),
    (line, row) => {
      setText(line.children[0], row.reward.replaceAll("_", " "));
      setText(line.children[1], row.name);
      setText(line.children[2], `${figure(row.mean)} (${figure(row.low)} to ${figure(row.high)})`);
      setText(line.children[3], count(row.impressions));
    });
}

const STAYS = {
  dwell: "for their dwell period",
  swaps: "because their viewer's swaps of the day are used up",
};

function keepingWords({ reason, pictures, cost, low, high, takes_per_1000: takes }) {
  const stays = `Pictures that stay ${STAYS[reason]}`;
  if (cost === null) return [stays, `: the cost is not known yet. 100 pictures, of 20 viewers, have to be looked at; ${count(pictures)} were.`];
  const [less, by] = cost < 0 ? ["more", -cost] : ["less", cost];
  const told = low > 0 || high < 0 ? "" : " That cannot be told from nothing.";
  return [
    `${stays} are expected to be taken ${percent(by)} ${less}`,
    ` than choices made anew (${signed(-100 * high)}\u00a0% to ${signed(-100 * low)}\u00a0%), ${Math.abs(takes).toFixed(1)} takes in 1,000 pictures.${told}`,
  ];
}

function showKeeping({ keeping }) {
  byId("keeping").hidden = !keeping.length;
  keyed(byId("keeping-list"), keeping, (each) => each.reason,
    () => h("li", {}, h("b"), h("span")),
    (line, each) => keepingWords(each).forEach((words, at) => setText(line.children[at], words)));
  if (!keeping.length) return;
  const pictures = keeping.reduce((sum, each) => sum + each.pictures, 0);
  setText(byId("keeping-how"), `As beliefs are now: one in ${keeping[0].one_in} requests in which a picture stays is looked at, ${count(pictures)} pictures since this process of the api started. Nothing but this sum is made of it.`);
}

const placeWords = ({ first, last }) => (last === first ? `place ${first}` : last ? `places ${first}–${last}` : `place ${first} and on`);
const times = (value) => (value < 9.95 ? value.toFixed(2) : value.toFixed(0));

function showPositions({ positions }) {
  byId("positions").hidden = !positions.length;
  const said = positions.map(({ surface, places }) => {
    const told = places.filter((each) => each.low > 1 || each.high < 1);
    if (!told.length) return `On ${surface} no place is told from the others yet.`;
    const best = told.reduce((a, b) => (b.factor > a.factor ? b : a)), worst = told.reduce((a, b) => (b.factor < a.factor ? b : a));
    const parts = best === worst ? [best] : [best, worst];
    return `On ${surface} a picture is taken ${parts.map((each) => `${times(each.factor)} times as often at ${placeWords(each)}`).join(" and ")} as the same picture at an average place.`;
  });
  setText(byId("positions-words"), `${said.join(" ")} What is believed of a picture is without this: a take where few are taken says more, a miss there less.`);
  const rows = positions.flatMap(({ surface, places }) => places.map((place) => ({ surface, ...place })));
  keyed(byId("positions-rows"), rows, (row) => `${row.surface} ${row.first}`,
    () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td"), h("td")),
    (line, row) => {
      setText(line.children[0], row.surface);
      setText(line.children[1], placeWords(row));
      setText(line.children[2], `× ${times(row.factor)} (${times(row.low)} to ${times(row.high)})`);
      setText(line.children[3], `${count(Math.round(row.impressions))} times`);
    });
}

const p = (value) => (value > 0.995 ? "> 0.99" : value < 0.001 ? "< 0.001" : `= ${value.toFixed(value < 0.1 ? 3 : 2)}`);

const KINDS = { impressions: "impressions", plays: "plays and other engagements", decisions: "decisions" };

function showLost({ untaught, aside }) {
  const list = (id, rows) => keyed(byId(id), rows, (row) => `${row.of} ${row.because}`,
    () => h("li", {}, h("b"), h("span")),
    (line, row) => {
      setText(line.children[0], count(row.count));
      setText(line.children[1], ` ${KINDS[row.of]}, because ${row.because}`);
    });
  const lost = untaught.filter((each) => each.lost), right = untaught.filter((each) => !each.lost);
  byId("lost").hidden = !untaught.length && !aside;
  const kinds = Object.keys(KINDS).map((of) => [of, lost.reduce((sum, each) => sum + (each.of === of ? each.count : 0), 0)]).filter(([, n]) => n);
  const sum = kinds.map(([of, n]) => `${count(n)} ${KINDS[of]}`).join(", ");
  const set = aside ? ` ${count(aside)} records could not be read or applied and were set aside; the rest went on (keyart deadletters list).` : "";
  setText(byId("lost-words"), `${sum ? `Since this site began ${sum} could not be joined. They are counted here and never learned as a "no".` : "Nothing was lost: every impression and play that should teach did."}${set}`);
  list("lost-list", lost);
  list("right-list", right);
  byId("right").hidden = !right.length;
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
  const wait = lasting(overview.pending_ms);
  const cards = [
    {
      key: "events", title: "Coming in",
      figure: events.mean === null ? "…" : few(events.mean), unit: "events a second",
      words: `What viewers saw and did: ${count(overview.events)} so far. Pictures are asked for ${decisions.mean === null ? "…" : few(decisions.mean)} times a second.`,
      line: events.steps,
    },
    {
      key: "lag", title: "How far behind",
      figure: lasting(overview.behind_ms), unit: "", bad: overview.behind_ms > 30000,
      words: `Age of the oldest record that has not been read; ${count(overview.behind_records)} wait.${overview.reward_wait_ms === null ? "" : ` What came of a picture is known ${lasting(overview.reward_wait_ms)} after it was seen.`}`,
    },
    ratioCard(overview),
    entropyCard(overview),
  ];
  cards.splice(1, 0, {
    key: "pending", title: "Waiting for their window", figure: count(overview.pending), unit: "",
    words: `Impressions whose play may still come; each is counted ${wait} after it was seen.`,
  });
  if (overview.trust) cards.push({
    key: "trust", title: "Trust in the prior",
    figure: `${Math.round(overview.trust.mean * 100)}\u00a0%`, unit: overview.trust.prior,
    words: `How far the opinion that was there before any viewer is followed: 0 % not at all, 100 % to the word. Mean of ${count(overview.trust.titles)} titles.`,
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

function ratioCard({ propensities }) {
  const card = { key: "ratio", title: "Do pictures come as chosen?" };
  if (!propensities.length) return { ...card, figure: "–", words: "No decision has come back yet." };
  const broken = propensities.filter((each) => !each.passed);
  if (broken.length) return {
    ...card, figure: "no", bad: true,
    words: `Pictures of ${broken.map((each) => each.policy).join(", ")} do not come back as often as they were chosen. Impressions are being lost or doubled; trust no figure here until it is mended.`,
  };
  const decisions = propensities.reduce((sum, each) => sum + each.decisions, 0);
  const worst = Math.min(...propensities.map((each) => each.p_value));
  return {
    ...card, figure: "yes", unit: "",
    words: `Each comes back as often as it was chosen: ${count(decisions)} choices match their propensities (p ${p(worst)} at any look).`,
  };
}

function entropyCard({ entropy, now_ms, newest_ms }) {
  const card = { key: "entropy", title: "Pictures still in play" };
  if (!entropy) return { ...card, figure: "–", words: "No decision has come back yet." };
  const fresh = newest_ms ? ` Last impression ${ago(Math.max(0, now_ms - newest_ms))}.` : "";
  return {
    ...card, figure: entropy.effective.toFixed(1), unit: `of ${entropy.artworks.toFixed(1)}`,
    words: `How many pictures of a title are still tried; 1 is always the same one (from the entropy of choices).${fresh}`, line: entropy.trail,
  };
}

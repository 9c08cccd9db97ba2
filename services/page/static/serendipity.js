// What came of proposals: unique pairs beside guardrails, the dose of each surface, the table.
import { byId, h, keyed, setText } from "/page/dom.js";
import { ago, count, lasting, moment, percent, range, share, signed } from "/page/format.js";

const EVERY_MS = 30000;
const COLUMNS = ["Seen", "Unique engaged pairs per 1,000", "Engaged", "Hidden"];
const WATCHED = {
  novelty: ["Novelty", "of places seen propose interests not explored before, where their dose means", ""],
  satisfaction: ["Satisfaction", "of proposals engaged with were finished or liked, and", " of what the same viewers found themselves"],
};

export class Serendipity {
  constructor(ask) {
    this.ask = ask;
    this.askedAt = 0;
  }

  // Counted once an hour or so: there is no need to ask at every round.
  async refresh() {
    if (this.askedAt && Date.now() - this.askedAt < EVERY_MS) return;
    const its = await this.ask("/v1/insight/serendipity", true);
    if (its) this.show(its);
    this.askedAt = Date.now();
  }

  show(its) {
    const { table, came, doses } = its;
    byId("serendipity").hidden = !table && !came;
    if (!table && !came) return;
    setText(byId("serendipity-words"), `${tableWords(table)} ${cameWords(its)}`);
    const seen = came?.seen ?? 0;
    byId("serendipity-more").hidden = !seen;
    byId("serendipity-kinds").hidden = !seen;
    byId("serendipity-guards").hidden = !seen;
    setText(byId("serendipity-more"), moreWords(came?.more));
    kinds(came?.kinds ?? {});
    guards(came?.guards ?? []);
    keyed(byId("serendipity-doses"), doses, (each) => each.surface,
      () => h("li", {}, h("b"), h("span")), (line, dose) => {
        setText(line.children[0], dose.surface === "*" ? "every other surface" : dose.surface);
        setText(line.children[1], ` ${doseWords(dose)}`);
      });
  }
}

const known = (its) => its && its.low !== null && its.high !== null;
const ends = (its) => `${signed(its.low)} to ${signed(its.high)}`;

function tableWords(table) {
  if (!table) return "No table of proposals serves now.";
  const by = { ials: "by what viewers of alike titles took (iALS)", taste: "by the viewer's taste" }[table.grounding] ?? table.grounding;
  const exact = table.exact_match === null ? "" : ` ${percent(table.exact_match)} of its proposals are clusters, letter by letter.`;
  const made = table.made_at_ms ? `, made ${moment(table.made_at_ms)}` : "";
  return `Table ${table.version}${made}: ${count(table.clusters)} interest clusters of ${count(table.titles)} titles, planned by ${table.planner}; titles are taken ${by}.${exact}`;
}

function cameWords({ came, every_s, now_ms }) {
  const by = every_s ? `Housekeeping counts about every ${lasting(every_s * 1000)}.` : "keyart serendipity report --keep counts it.";
  if (!came) return `What came of it has not been counted yet. ${by}`;
  const since = came.since_ms ? ` since ${moment(came.since_ms)}` : "";
  return came.seen ? `Of ${count(came.seen)} places seen${since}, counted ${ago(now_ms - came.at_ms)}.` : `None of its places was seen${since}, counted ${ago(now_ms - came.at_ms)}. ${by}`;
}

function moreWords(more) {
  if (!known(more)) return "All places seen were proposals, or none was: there is nothing on these pages to compare with.";
  const told = more.low > 0 ? "More than places that were not proposed"
    : more.high < 0 ? "Fewer than places that were not proposed" : "Too early to tell from places that were not proposed";
  return `${told}: ${signed(more.estimate)} unique engaged pairs per 1,000 places (${ends(more)}).`;
}

function kinds(its) {
  keyed(byId("serendipity-rows"), Object.entries(its), ([kind]) => kind,
    () => h("tr", {}, h("th", { scope: "row" }), COLUMNS.map((name) => h("td", { "data-name": name }))), (row, [kind, each]) => {
      setText(row.children[0], kind);
      const none = !each.places;
      setText(row.children[1], none ? "none yet" : `${count(each.places)}, ${count(each.viewers)} viewers`);
      setText(row.children[2], none ? "" : `${each.ueuc.estimate.toFixed(1)} (${each.ueuc.low.toFixed(1)} to ${each.ueuc.high.toFixed(1)})`);
      setText(row.children[3], none ? "" : `${percent(each.engaged.estimate)} (${range(each.engaged.low, each.engaged.high)}), of which ${share(each.satisfied)} finished or liked`);
      setText(row.children[4], none ? "" : `${percent(each.hidden.estimate)} (${range(each.hidden.low, each.hidden.high)})`);
    });
}

function guards(its) {
  keyed(byId("serendipity-guards"), its, (each) => each.name,
    () => h("li", {}, h("b"), h("em"), h("span")), (line, guard) => {
      const [name, words, beside] = WATCHED[guard.name] ?? [guard.name, "", ""];
      line.dataset.says = guard.says;
      setText(line.children[0], name);
      setText(line.children[1], guard.says);
      setText(line.children[2], known(guard.over)
        ? `${percent(guard.share.estimate)} (${range(guard.share.low, guard.share.high)}) ${words} ${percent(guard.beside)}${beside}: ${signed(guard.over.estimate * 100)} points (${signed(guard.over.low * 100)} to ${signed(guard.over.high * 100)}), ${count(guard.viewers)} viewers.`
        : "Nothing to compare yet.");
    });
}

function doseWords(dose) {
  const meant = `${share(dose.meant)} of places are to be proposals`;
  if (dose.proposed === null) return `${meant}; none was seen yet.`;
  return `${meant}; of ${count(dose.places)} seen ${percent(dose.proposed)} were, ${percent(dose.random)} drawn at random to learn from.`;
}

// A title's rules: each in words, whether it holds now, and what they did and cost lately.
import { h, keyed, setText } from "/page/dom.js";
import { count, few, share } from "/page/format.js";

const HOW = [
  ["narrowed", "had artworks taken away"],
  ["bounded", "had shares bounded"],
  ["pinned", "were pinned"],
  ["defaulted", "showed the default, as nothing else was left"],
];

const listed = (parts) =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

function didWords(title) {
  const shown = title.shares.reduce((sum, span) => sum + span.counts.reduce((a, b) => a + b, 0), 0);
  const did = title.ruled;
  if (!did) return shown ? `Rules touched none of the ${count(shown)} impressions above.` : "Nothing has been shown yet.";
  const part = did.changed / Math.max(1, did.impressions);
  const how = HOW.filter(([name]) => did[name]).map(([name, words]) => `${count(did[name])} ${words}`);
  return `Of the ${count(did.impressions)} impressions above, rules changed about ${share(part)}: there another picture would have been chosen without them. ${listed(how)}.`;
}

function costWords(did) {
  if (!did) return "";
  const [cost, low, high] = [did.cost, did.low, did.high].map(Math.abs);
  if (did.told && did.cost > 0) return `That cost about ${few(cost)} takes (95 % interval ${few(low)} to ${few(high)}).`;
  if (did.told) return `That gained about ${few(cost)} takes (95 % interval ${few(high)} to ${few(low)}).`;
  return `What that cost cannot be told yet: not enough data, anything from ${few(low)} takes gained to ${few(high)} given up.`;
}

export class RuleList {
  constructor() {
    this.did = h("p", { class: "small", id: "rules-did" });
    this.cost = h("p", { class: "small", id: "rules-cost" });
    this.how = h("p", { class: "soft small", id: "rules-how" },
      "Reckoned, not measured: the expected takes of what the policy would have chosen without rules, less those of what it chose under them, by what is believed of each artwork today.");
    this.list = h("ul", { class: "rules" });
    this.element = h("section", { class: "ruled", "aria-labelledby": "rules-title", hidden: true },
      h("h4", { id: "rules-title" }, "Rules"), this.did, this.cost, this.how, this.list);
  }

  show(title) {
    const words = new Map(title.artworks.map((each) => [each.id, each.description || each.id]));
    this.element.hidden = !(title.rules.length || title.ruled);
    setText(this.did, didWords(title));
    setText(this.cost, costWords(title.ruled));
    this.cost.hidden = this.how.hidden = !title.ruled;
    const artworks = [...new Set(title.rules.map((each) => each.artwork))];
    keyed(this.list, artworks, (artwork) => artwork,
      () => h("li", {}, h("b"), h("div")),
      (line, artwork) => {
        setText(line.children[0], words.get(artwork) ?? artwork);
        keyed(line.children[1], title.rules.filter((each) => each.artwork === artwork), (each) => each.words,
          () => h("p", {}, h("span"), h("em")),
          (rule, each) => {
            setText(rule.children[0], each.words);
            setText(rule.children[1], each.now);
            rule.dataset.state = each.state;
          });
      });
  }
}

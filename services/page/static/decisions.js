// Recent decisions, and why one of them came out as it did.
import { byId, empty, h, picture, setText } from "/page/dom.js";
import { ago, clock, percent, share } from "/page/format.js";
import { Picker } from "/page/list.js";

export class Decisions {
  constructor(ask, goToTitle) {
    this.ask = ask;
    this.goToTitle = goToTitle;
    this.known = new Map();
    this.picker = new Picker(byId("decision-list"), {
      key: (row) => row.key,
      create: (row) => h("li", { class: "row" }, picture(row.picture), h("div", {}, h("b"), h("span"))),
      update: (line, row) => {
        setText(line.children[1].children[0], row.title_name || row.title);
        const how = row.explored ? "explored" : row.policy;
        setText(line.children[1].children[1], `${ago(Math.max(0, this.now - row.at_ms))}, ${how}, ${row.surface}`);
      },
      picked: (key) => this.show(key),
    });
  }

  async refresh() {
    const found = await this.ask("/v1/insight/decisions?limit=40");
    if (!found) return;
    this.now = found.now_ms;
    const rows = found.decisions.map((row) => ({ ...row, key: `${row.id} ${row.at_ms}` }));
    // The chosen one, and what a still list shows, stay in reach.
    const chosen = this.known.get(this.picker.chosen);
    this.picker.show(rows);
    this.known = new Map([...this.picker.items, ...rows].map((row) => [row.key, row]));
    if (chosen) this.known.set(chosen.key, chosen);
    if (!rows.length && !chosen) {
      return byId("decision-detail").replaceChildren(empty("No decisions lately",
        "Ask for one, and it can be taken apart here.", 'POST /v1/decisions {"viewer": "ann", "surface": "home", "titles": ["…"]}'));
    }
    if (!this.picker.chosen) {
      const first = rows.find((row) => !row.explored && row.candidates.length > 1) ?? rows[0];
      this.picker.pick(first.key, true);
    }
  }

  show(key) {
    const row = this.known.get(key);
    if (!row) return;
    const most = Math.max(...row.candidates.map((each) => each.propensity));
    const odds = row.candidates.map((each) => {
      const chosen = each.artwork === row.artwork;
      return h("li", { class: "odd", "data-chosen": chosen ? "yes" : "no" }, picture(each.picture, "", "eager"),
        h("span", { class: "what", title: each.description }, each.description || each.artwork, chosen ? h("span", { class: "soft" }, " (shown)") : null),
        h("span", { class: "meter" }, h("i", { css: { width: `${(each.propensity / most) * 100}%`, background: chosen ? "var(--d0)" : "var(--control)" } })),
        h("em", {}, share(each.propensity)));
    });
    const { versions } = row;
    byId("decision-detail").replaceChildren(
      h("div", { class: "why" },
        h("figure", {}, picture(row.picture, row.description || row.artwork, "eager"), h("figcaption", {}, row.description || row.artwork)),
        h("div", {},
          h("p", { class: "soft small" }, `${clock(row.at_ms, 0)} for viewer ${row.viewer} on ${row.surface}: `,
            h("button", { class: "link", type: "button", onclick: () => this.goToTitle(row.title) }, row.title_name || row.title)),
          h("p", { class: "sentence" }, row.sentence),
          h("p", { class: "tags" },
            row.explored ? h("span", { class: "tag", "data-kind": "explored" }, "uniform exploration") : null,
            row.degraded ? h("span", { class: "tag", "data-kind": "explored" }, `degraded: ${row.degraded}`) : null,
            [["policy", versions.policy], ["prior", versions.prior], ["posterior", versions.posterior], ["space", versions.space]]
              .map(([name, value]) => h("span", { class: "tag" }, `${name} ${value}`))),
          h("h4", {}, "What it was made from"), this.terms(row.terms),
          h("h4", {}, `How likely each artwork was (${row.candidates.length})`), h("ul", { class: "odds" }, odds))));
  }

  terms(terms) {
    const term = (value, name, kind) => h("div", { class: "term", "data-kind": kind }, h("b", {}, value), h("span", {}, name));
    const product = Math.min(1, terms.level * terms.prior * terms.taste * terms.own);
    const seen = Math.round(terms.impressions);
    const joined = (sign, ...given) => h("span", { class: "times" }, sign, term(...given));
    return h("div", { class: "terms" },
      term(percent(terms.level), "title level"),
      joined("×", terms.prior.toFixed(2), Math.abs(terms.prior - 1) > 0.005 ? `prior, trusted ${share(terms.trust)}` : "prior"),
      joined("×", terms.taste.toFixed(2), "taste"),
      joined("×", terms.own.toFixed(2), `own record, ${seen} seen`),
      joined("=", percent(product), "expected take", "sum"),
      terms.bonus > 0 ? joined("+", percent(terms.bonus), "benefit of doubt") : null);
  }
}

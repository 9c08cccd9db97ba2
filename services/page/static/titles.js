// One title: its artworks as pictures, what is believed of each, and its share over time.
import { byId, empty, h, keyed, picture, setPicture, setText } from "/page/dom.js";
import { colour, count, percent, range, share } from "/page/format.js";
import { Picker } from "/page/list.js";
import { RuleList } from "/page/rules.js";
import { Shares, whisker } from "/page/shapes.js";

// The artwork that leads beyond doubt: its whole interval lies above the mean of the others.
function leader(artworks) {
  if (artworks.length < 2) return null;
  const best = artworks.reduce((a, b) => (b.mean > a.mean ? b : a));
  const others = artworks.reduce((sum, each) => sum + each.mean, -best.mean) / (artworks.length - 1);
  return best.low > others ? best : null;
}

export class Titles {
  constructor(ask, changed) {
    this.ask = ask;
    this.changed = changed;
    this.total = -1;
    this.surface = "";
    this.askedAt = 0;
    this.picker = new Picker(byId("title-list"), {
      key: (row) => row.id,
      create: (row) => h("li", { class: "row" }, picture(row.picture), h("div", {}, h("b"), h("span"))),
      update: (line, row) => {
        setPicture(line.children[0], row.picture);
        setText(line.children[1].children[0], row.name || row.id);
        setText(line.children[1].children[1], `${row.artworks} artworks, ${count(row.impressions)} impressions${row.ruled ? `, rules on ${row.ruled}` : ""}`);
      },
      picked: (id) => this.pick(id),
    });
    byId("search").addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search(), 150);
    });
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        if (!this.picker.items.some((row) => row.id === this.id)) this.picker.step(0);
        byId("title-list").focus();
      }
    });
  }

  onSurface(surface) {
    this.surface = surface;
    this.askedAt = 0;
  }

  pick(id) {
    this.picker.chosen = id;
    this.id = id;
    this.picker.mark(true);
    this.changed();
    this.refresh();
  }

  step(by) { this.picker.step(by); }

  async search() {
    const wanted = byId("search").value.trim();
    const found = await this.ask(`/v1/insight/titles?limit=100&search=${encodeURIComponent(wanted)}&surface=${encodeURIComponent(this.surface)}`);
    if (!found || wanted !== byId("search").value.trim()) return;
    this.askedAt = Date.now();
    this.total = found.total;
    this.picker.show(found.titles);
    setText(byId("title-count"), found.total
      ? `${count(found.found)} of ${count(found.total)} titles${found.found > found.titles.length ? `, the first ${found.titles.length} shown` : ""}`
      : "");
    if (!found.total) this.picker.list.replaceChildren();
    // Begin with the title that has learned most; its picture says more than the list's first.
    if (!this.id && found.titles.length)
      this.pick(found.titles.reduce((a, b) => (b.lead > a.lead ? b : a)).id);
  }

  async refresh(total = this.total) {
    if (total !== this.total || Date.now() - this.askedAt > 15000) await this.search();
    if (!this.id) {
      return byId("title-detail").replaceChildren(empty("No titles yet",
        "Load a catalogue, and its artworks appear here.", "keyart catalogue load FILE"));
    }
    const id = this.id;
    const title = await this.ask(`/v1/insight/titles/${encodeURIComponent(id)}?surface=${encodeURIComponent(this.surface)}`, true);
    if (id !== this.id) return;
    if (title) this.show(title);
    else if (title === null) {
      this.shown = null;
      byId("title-detail").replaceChildren(empty("No such title", `Nothing is known of ${id}.`));
    }
  }

  frame(title) {
    this.shown = title.id;
    this.found = false;
    const turn = (by, mark, label) =>
      h("button", { class: "pill", type: "button", "aria-label": label, onclick: () => this.step(by) }, mark);
    this.parts = {
      name: h("h3"), words: h("p", { class: "soft small" }), shelf: h("div", { class: "shelf", role: "group", "aria-label": "Artworks", tabindex: 0 }),
      drawn: h("p", { class: "soft small drawn", hidden: true }),
      bounded: h("p", { class: "soft small bounded", hidden: true }),
      opinion: h("p", { class: "opinion", hidden: true }, h("b"), h("span")),
      chart: h("div", { class: "chart mid", id: "shares" }), legend: h("p", { class: "legend" }),
    };
    this.rules = new RuleList();
    byId("title-detail").replaceChildren(
      h("div", { class: "detail-head" }, h("div", {}, this.parts.name, this.parts.words),
        h("div", { class: "steps" }, turn(-1, "←", "Previous title"), turn(1, "→", "Next title"))),
      this.parts.shelf, this.parts.opinion, this.parts.drawn, this.parts.bounded, h("h4", {}, "Share of impressions over time"), this.parts.chart, this.parts.legend, this.rules.element);
    this.shares = new Shares(this.parts.chart);
  }

  showOpinion({ opinion }) {
    const place = this.parts.opinion;
    place.hidden = !opinion;
    if (!opinion) return;
    place.dataset.tone = { yes: "good", no: "bad" }[opinion.helps] ?? "even";
    setText(place.children[0], `The opinion of ${opinion.prior}. `);
    setText(place.children[1], `${opinion.says} It is worth ${count(Math.round(opinion.worth))} impressions here, beside ${count(Math.round(opinion.impressions))} that are known, and ${opinion.trust < 0 ? "followed upside down, " : "followed "}by ${share(Math.abs(opinion.trust))}. Hollow marks are what it alone expects.`);
  }

  show(title) {
    if (this.shown !== title.id) this.frame(title);
    const { parts } = this;
    setText(parts.name, title.name || title.id);
    const where = this.surface ? ` on ${this.surface}` : "";
    setText(parts.words, `${title.group ? `${title.group}, ` : ""}${count(title.impressions)} impressions${where}; beliefs are for ${title.surface || "any surface"}`);
    parts.drawn.hidden = !title.elsewhere.length;
    setText(parts.drawn, title.elsewhere.length ? `These pictures are drawn from their descriptions: this page may load none from ${title.elsewhere.join(" or ")}. To see the real ones, start the api with KEYART_PAGE_IMAGES=${title.elsewhere.join(",")}` : "");
    parts.bounded.hidden = !title.bounded.length;
    setText(parts.bounded, title.bounded.map((each) => `The key ${each.name} says what the others do not: of the ${count(Math.round(each.told))} impressions it told of, ${count(Math.round(each.counts))} count.`).join(" "));
    this.showOpinion(title);
    this.rules.show(title);
    const live = title.artworks.filter((each) => !each.removed);
    // An opinion worth little has an interval over everything: it is cut where beliefs end.
    const means = live.flatMap((each) => (each.prior ? [each.prior.mean] : []));
    const scale = {
      low: Math.min(...live.map((each) => each.low), ...means) * 0.95,
      high: Math.max(...live.map((each) => each.high), ...means) * 1.02,
    };
    const best = leader(live);
    const tones = new Map(title.artworks.map((each, i) => [each.id, colour(i)]));
    keyed(parts.shelf, title.artworks, (each) => each.id,
      (each) => h("article", { class: "artwork" },
        h("div", { class: "frame" }, picture(each.picture, each.description || each.id, "eager"), h("span", { class: "badge", hidden: true })),
        h("div", { class: "mean" }, h("b"), h("span")),
        h("div", { class: "whisker" }),
        h("div", { class: "expected", hidden: true }, h("span"), " ", h("span")),
        h("div", { class: "share" }, h("div", { class: "meter" }, h("i")), h("span")),
        h("p", {})),
      (card, each) => {
        const [frame, mean, line, expected, part, words] = card.children;
        setPicture(frame.children[0], each.picture);
        card.dataset.best = each === best ? "yes" : "no";
        card.dataset.gone = each.removed ? "yes" : "no";
        frame.children[1].hidden = !(each === best || each.removed);
        setText(frame.children[1], each.removed ? "withdrawn" : "leads");
        setText(mean.children[0], each.removed ? "–" : percent(each.mean));
        setText(mean.children[1], each.removed ? "" : range(each.low, each.high));
        if (each.removed) line.replaceChildren();
        else whisker(line, each, scale, tones.get(each.id));
        line.dataset.prior = each.prior ? "yes" : "no";
        expected.hidden = !each.prior;
        setText(expected.children[0], each.prior ? `prior ${percent(each.prior.mean)}` : "");
        setText(expected.children[1], each.prior ? range(each.prior.low, each.prior.high) : "");
        part.children[0].children[0].style.width = `${each.share * 100}%`;
        part.children[0].children[0].style.background = tones.get(each.id);
        setText(part.children[1], `shown ${share(each.share)} lately`);
        part.title = `${count(each.impressions)} impressions, ${count(each.takes)} takes in all`;
        setText(words, each.description || each.id);
        words.title = each.description || each.id;
      });
    if (best && !this.found) {
      // Where the pictures are swiped through, begin with the one that leads.
      const card = parts.shelf.children[title.artworks.indexOf(best)];
      parts.shelf.scrollLeft = card.offsetLeft - parts.shelf.offsetLeft - (parts.shelf.clientWidth - card.offsetWidth) / 2;
      this.found = true;
    }
    parts.shelf.dataset.few = title.artworks.length <= 5 ? "yes" : "no";
    const layers = title.artworks.map((each, i) => ({
      name: each.description || each.id, colour: tones.get(each.id), counts: title.shares.map((span) => span.counts[i]),
    })).filter((each) => each.counts.some(Boolean));
    this.shares.show(title.shares.map((span) => span.at_ms), layers, `Share of impressions of ${layers.length} artworks over time`);
  }
}

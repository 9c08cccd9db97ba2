// One surface, one span of days: what the figures are of; and the figures as files.
import { byId, h, keyed, setText } from "/page/dom.js";

// The start of a day of the reader's own calendar.
const dayStart = (text, after = 0) => {
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day + after).getTime();
};

export class Filters {
  constructor(fetching, changed) {
    this.fetching = fetching;
    this.surface = "";
    for (const id of ["surface", "from", "to"]) byId(id).addEventListener("change", () => this.read(changed));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("reset", () => setTimeout(() => this.read(changed)));
    byId("figures-csv").addEventListener("click", () => this.save(`/v1/insight/figures.csv?${this.query()}`, "keyart-figures.csv"));
    byId("titles-csv").addEventListener("click", () => this.save("/v1/insight/titles.csv", "keyart-titles.csv"));
  }

  read(changed) {
    this.surface = byId("surface").value;
    this.from = byId("from").value;
    this.to = byId("to").value;
    byId("all").hidden = !(this.surface || this.from || this.to);
    const wrong = this.from && this.to && this.from > this.to;
    setText(byId("filter-words"), wrong ? "The first day is after the last: there is nothing between them."
      : this.surface || this.from || this.to ? "Headline, charts and experiment are of this alone; the tiles below are of everything, now." : "");
    changed();
  }

  query() {
    const asked = new URLSearchParams();
    if (this.surface) asked.set("surface", this.surface);
    if (this.from) asked.set("from_ms", dayStart(this.from));
    if (this.to) asked.set("to_ms", dayStart(this.to, 1));
    return asked.toString();
  }

  offer(surfaces, pooled) {
    setText(byId("pooled-words"), pooled ? `${pooled} of the surfaces have little traffic: what is believed on them is counted together, as of one surface "other".` : "");
    const select = byId("surface");
    if (select === document.activeElement) return;
    const names = ["", ...surfaces];
    if (this.surface && !surfaces.includes(this.surface)) names.push(this.surface);
    keyed(select, names, (name) => `s ${name}`, (name) => h("option", { value: name }), (option, name) =>
      setText(option, name === "" ? "every surface" : name === "other" ? "other (surfaces counted together)" : name));
    select.value = this.surface;
    select.closest("label").hidden = names.length < 3;
  }

  // Fetched and not linked, because a link cannot carry the key.
  async save(path, name) {
    try {
      const answer = await this.fetching(path);
      if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
      const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      setText(byId("filter-words"), `Saved as ${name}.`);
    } catch (wrong) {
      setText(byId("filter-words"), `The file could not be had: ${wrong.message}.`);
    }
  }
}

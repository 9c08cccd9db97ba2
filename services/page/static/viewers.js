// One viewer: what they explored, what would be proposed to them, what they said is not for them.
import { byId, empty, h, setText } from "/page/dom.js";

export class Viewers {
  constructor(raw) {
    this.raw = raw;
    byId("viewer-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.look(byId("viewer").value.trim());
    });
  }

  address() {
    return `/v1/viewers/${encodeURIComponent(this.viewer)}`;
  }

  async look(viewer) {
    this.viewer = viewer;
    await this.told(async () => {
      const answer = await this.raw(this.address());
      if (answer.status === 404) return this.nobody();
      this.show(await this.read(answer));
    });
  }

  // Their own word holds at once in the process that took it; what it answers next is shown.
  async say(field, cluster) {
    await this.told(async () => {
      await this.read(await this.raw(this.address(), {
        method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ [field]: [cluster] }),
      }));
      this.show(await this.read(await this.raw(this.address())));
      const words = field === "declined" ? "is not proposed any more" : "may be proposed again";
      setText(byId("viewer-words"), `${cluster} ${words}.`);
    });
  }

  async told(act) {
    const asked = this.viewer;
    setText(byId("viewer-words"), "");
    try { await act(); } catch (wrong) {
      if (asked === this.viewer) setText(byId("viewer-words"), wrong.words ?? "The service does not answer.");
    }
  }

  async read(answer) {
    if (answer.ok) return answer.json();
    const wrong = new Error(`the service answers ${answer.status}`);
    wrong.words = answer.status === 401 || answer.status === 403
      ? "This key may not see viewers: it needs the scope admin." : `The service answers ${answer.status}.`;
    throw wrong;
  }

  nobody() {
    byId("viewer-detail").replaceChildren(empty("Nothing is kept of this viewer",
      "They have played nothing that is remembered, or were erased."));
  }

  show(kept) {
    const list = (name, rows, none) => h("div", { class: "interests", "data-list": name.toLowerCase() },
      h("h3", {}, name), rows.length ? h("ul", {}, rows) : h("p", { class: "soft small" }, none));
    const line = (name, words, act, said) => h("li", {}, h("div", {}, h("b", {}, name), words ? h("span", {}, words) : null),
      act ? h("button", { class: "pill", type: "button", "aria-label": `${said}: ${name}`, onclick: act }, said) : null);
    const many = (count) => `${count} title${count === 1 ? "" : "s"}`;
    const notThis = (each, words) => line(each.cluster, words, () => this.say("declined", each.cluster), "not this");
    const declined = new Set(kept.declined);
    byId("viewer-detail").replaceChildren(
      h("p", { class: "sentence" }, kept.summary),
      h("div", { class: "three" },
        list("Explored", kept.explored.map((each) => (declined.has(each.cluster)
          ? line(each.cluster, many(each.titles)) : notThis(each, many(each.titles)))),
          "No title of a table of proposals was played for two minutes, finished or liked."),
        list("Proposed", kept.proposed.map((each) => notThis(each, each.why)),
          "Nothing: there is no table of proposals, or nothing is known that speaks for one."),
        list("Declined", kept.declined.map((name) => line(name, "", () => this.say("allowed", name), "allow again")),
          "They have said of nothing that it is not for them.")));
  }
}

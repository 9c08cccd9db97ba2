// A list to pick from, by pointer or by keys, that keeps its place while it is refreshed.
import { keyed } from "/page/dom.js";

export class Picker {
  constructor(list, { key, create, update, picked }) {
    Object.assign(this, { list, key, create, update, picked });
    this.items = [];
    this.chosen = null;
    this.busy = false;
    list.addEventListener("keydown", (event) => this.keys(event));
    list.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.pick(row.dataset.key, true);
    });
    list.addEventListener("pointerenter", () => { this.busy = true; });
    list.addEventListener("pointerleave", () => { this.busy = false; });
  }

  // Rows must not move from under a finger: while somebody is in the list, only figures change.
  show(items) {
    if (this.busy || this.list === document.activeElement) {
      const fresh = new Map(items.map((item) => [this.key(item), item]));
      const same = this.items.map((item) => fresh.get(this.key(item)) ?? item);
      items = this.items.length ? same : items;
    }
    this.items = items;
    keyed(this.list, items, this.key, (item) => {
      const row = this.create(item);
      row.setAttribute("role", "option");
      row.id = `${this.list.id}-${this.number = (this.number ?? 0) + 1}`;
      return row;
    }, this.update);
    this.mark(false);
  }

  mark(scroll) {
    for (const row of this.list.children) {
      const on = row.dataset.key === this.chosen;
      row.setAttribute("aria-selected", String(on));
      if (on) this.list.setAttribute("aria-activedescendant", row.id);
      if (on && scroll) {
        const above = row.offsetTop - this.list.offsetTop;
        if (above < this.list.scrollTop) this.list.scrollTop = above;
        else if (above + row.offsetHeight > this.list.scrollTop + this.list.clientHeight)
          this.list.scrollTop = above + row.offsetHeight - this.list.clientHeight;
      }
    }
  }

  pick(key, tell) {
    this.chosen = key;
    this.mark(true);
    if (tell) this.picked(key);
  }

  step(by) {
    if (!this.items.length) return;
    const now = this.items.findIndex((item) => this.key(item) === this.chosen);
    const last = this.items.length - 1;
    let next = Math.max(0, Math.min(last, now + by));
    // One step beyond an end comes round to the other.
    if (by === 1 && now === last) next = 0;
    if (by === -1 && now <= 0) next = last;
    this.pick(this.key(this.items[next]), true);
  }

  keys(event) {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6, Home: -1e9, End: 1e9 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.step(by);
  }
}

// keyart for pages: asks which artworks to show, and tells what was seen and done. No dependencies.
//
//   import { Keyart } from "/keyart.js";
//   const keyart = new Keyart({ defaults: { "deep-field": "stars" } });
//   const page = await keyart.decide("viewer-7", ["deep-field"]);
//   for (const choice of page.decisions) keyart.show(document.getElementById(choice.title), choice);
//   play.onclick = () => keyart.track("click", choice);
//
// Requests go to this page's own origin (or `base`): let your site pass /v1/decisions and /v1/events
// on to keyart, with its key, and name the viewer there. A key has no business in a page.

const SEEN_SHARE = 0.5;
const SEEN_MS = 1000;
const BATCH = 100; // of 300 bytes each: a beacon may hold 64 KB
const MOST_WAIT_MS = 30_000;

const id = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");

export class Keyart {
  /** defaults: title -> artwork, shown when keyart is away; most: events that may wait. */
  constructor({ base = "", surface = "home", defaults = {}, most = 500, everyMs = 1000, timeoutMs = 1500 } = {}) {
    Object.assign(this, { base, surface, defaults, most, everyMs, timeoutMs });
    this.dropped = 0;
    this.waiting = [];
    this.viewer = "";
    this.timer = 0;
    this.failures = 0;
    this.shown = new Map(); // element -> { choice, timer }
    this.observer = new IntersectionObserver((entries) => entries.forEach((each) => this.#looked(each)), {
      threshold: [0, SEEN_SHARE],
    });
    const leave = () => document.visibilityState === "hidden" && this.#beacon();
    document.addEventListener("visibilitychange", leave);
    addEventListener("pagehide", () => this.#beacon());
  }

  /** Return { decisions, unknown, away }; never throws because keyart is away: `away` says why. */
  async decide(viewer, titles, given = {}) {
    const { context, allow, deny, positions, slate, why = false, surface = this.surface } = given;
    this.viewer = viewer;
    const body = JSON.stringify({ viewer, titles, surface, why, context, allow, deny, positions, slate });
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.timeoutMs);
    try {
      const answer = await fetch(`${this.base}/v1/decisions`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        signal: stop.signal,
      });
      if (answer.status >= 400 && answer.status < 500 && ![404, 409, 429].includes(answer.status))
        throw new TypeError(`keyart refused: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
      if (!answer.ok) return this.#fallback(titles, `it answered ${answer.status}`);
      return { unknown: [], away: "", ...(await answer.json()) };
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith("keyart refused")) throw error;
      return this.#fallback(titles, String(error.message || error));
    } finally {
      clearTimeout(timer);
    }
  }

  #fallback(titles, away) {
    const known = titles.filter((title) => title in this.defaults);
    return {
      decisions: known.map((title) => ({ id: "", title, artwork: this.defaults[title], image: "" })),
      unknown: titles.filter((title) => !(title in this.defaults)),
      away,
    };
  }

  /** An impression is sent once half of the element has been on screen for a second. */
  show(element, choice) {
    this.forget(element);
    this.shown.set(element, { choice, timer: 0 });
    this.observer.observe(element);
  }

  /** Watch an element no longer. */
  forget(element) {
    clearTimeout(this.shown.get(element)?.timer);
    this.shown.delete(element);
    this.observer.unobserve(element);
  }

  #looked({ target, intersectionRatio }) {
    const held = this.shown.get(target);
    if (!held) return;
    clearTimeout(held.timer);
    if (intersectionRatio < SEEN_SHARE) return;
    held.timer = setTimeout(() => {
      this.forget(target);
      this.track("impression", held.choice);
    }, SEEN_MS);
  }

  /** kind: impression, click, play (with { minutes }), finish, like, hide. */
  track(kind, choice, more = {}) {
    const { title, artwork } = choice;
    const event = {
      type: kind,
      id: id(),
      viewer: this.viewer,
      title,
      artwork,
      surface: this.surface,
      occurred_at_ms: Date.now(),
      ...more,
    };
    if (choice.id) event.decision = choice.id;
    this.waiting.push(event);
    while (this.waiting.length > this.most) {
      this.waiting.shift();
      this.dropped += 1;
    }
    // what a viewer does often leads away from the page
    if (kind === "impression") this.#later(this.everyMs);
    else this.#beacon();
  }

  #later(ms) {
    if (!this.timer) this.timer = setTimeout(() => this.flush(), ms);
  }

  /** Send what waits, in batches; what fails is tried again later, with the same ids. */
  async flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    while (this.waiting.length) {
      const events = this.waiting.splice(0, BATCH);
      let again = true;
      try {
        const answer = await fetch(`${this.base}/v1/events`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ events }),
          keepalive: true,
        });
        again = answer.status >= 500 || answer.status === 429;
        if (!answer.ok && !again) this.dropped += events.length;
      } catch {
        again = true;
      }
      if (again) {
        this.waiting = [...events, ...this.waiting].slice(-this.most);
        this.failures += 1;
        return this.#later(Math.min(MOST_WAIT_MS, this.everyMs * 2 ** this.failures));
      }
      this.failures = 0;
    }
  }

  #beacon() {
    while (this.waiting.length) {
      const events = this.waiting.slice(0, BATCH);
      const body = new Blob([JSON.stringify({ events })], { type: "application/json" });
      if (!navigator.sendBeacon(`${this.base}/v1/events`, body)) return this.#later(this.everyMs);
      this.waiting.splice(0, events.length);
    }
  }
}

// The last run of a thread, kept up to date. Its words arrive over its socket; what changes on the page is asked for as
// the server renders it.

import { keepSteady } from "../steady.js";
import { gettext } from "../words.js";
import { Announcer } from "./announcer.js";
import { Connection } from "./connection.js";
import { elementFrom, elementsFrom, update } from "./fragments.js";
import { carryOver } from "./late_message.js";
import { Pill } from "./pill.js";
import { Replies } from "./replies.js";
import { WINDOW } from "./settings.js";
import { ThreadNews } from "./thread_news.js";
import { Outline } from "./thread_outline.js";
import { listenToKeys } from "./thread_keys.js";
import { keepUnsent, typedIn } from "./typed_text.js";

const TOGETHER_MS = 150;
const POLL_MS = 3_000;
const ACK_MS = 1_000;
const ANSWER_MS = 15_000;
const AT_THE_END_PX = 96;
const HALF_WINDOW = { bytes: WINDOW.bytes / 2, frames: WINDOW.frames / 2 };

class LiveEntry {
  constructor(entry) {
    this.entry = entry;
    this.last = Number(entry.dataset.after);
    this.unacknowledged = { bytes: 0, frames: 0 };
    this.pill = new Pill();
    this.announcer = new Announcer();
    this.replies = new Replies(entry.querySelector("[data-replies]"), (paint) => follow(paint));
    this.connection = new Connection({
      address: () => `${entry.dataset.live}?after=${this.last}`,
      frame: (frame, size) => this.frame(frame, size),
      opened: () => {
        clearTimeout(this.polling);
        this.polling = null;
        this.replies.doubt();
      },
      doubted: () => this.polling || this.pill.checking(),
      lost: (reason) => this.polling || this.pill.offline(reason),
      ended: () => this.refreshSoon(),
      blocked: () => this.poll(),
    });
    this.acknowledging = setInterval(() => this.acknowledge(), ACK_MS);
  }

  frame(frame, size) {
    this.pill.heard();
    this.pill.says("live", gettext("Live"));
    for (const [sequence, html] of frame.steps ?? []) {
      this.last = Math.max(this.last, sequence);
      this.replies.endedBy(elementFrom(html));
    }
    if (this.replies.hear(frame) || frame.steps) this.received(size);
    if (frame.state) this.replies.forgetUnheard();
    if (frame.steps || frame.state) this.refreshSoon();
  }

  received(size) {
    this.unacknowledged.bytes += size;
    this.unacknowledged.frames += 1;
    if (this.unacknowledged.bytes >= HALF_WINDOW.bytes || this.unacknowledged.frames >= HALF_WINDOW.frames) this.acknowledge();
  }

  acknowledge() {
    if (!this.unacknowledged.frames) return;
    this.unacknowledged = { bytes: 0, frames: 0 };
    this.connection.say({ ack: this.last });
  }

  refreshSoon() {
    this.timer ??= setTimeout(() => this.refresh(), TOGETHER_MS);
  }

  // News that come while an answer is on its way may be later than it: it asks once more.
  async refresh() {
    clearTimeout(this.timer);
    this.timer = null;
    this.isOutdated = Boolean(this.asking);
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
      if (this.isOutdated) this.refreshSoon();
    });
    await this.asking;
  }

  async ask() {
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(this.entry.dataset.entry, { cache: "no-store", redirect: "error", signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const [fresh, facts] = elementsFrom(await answer.text()).map((each) => document.importNode(each, true));
      keepSteady(() => follow(() => this.show(fresh, facts)));
      if (this.polling) this.pill.says("live", gettext("Live, every %(n)s s", { n: POLL_MS / 1000 }));
    } catch {
      this.pill.offline();
      if (this.entry.dataset.live) setTimeout(() => this.refreshSoon(), POLL_MS);
    }
  }

  show(fresh, facts) {
    for (const name of ["parts", "outcome"]) {
      const [old, wanted] = [this.entry, fresh].map((entry) => entry.querySelector(`[data-part="${name}"]`));
      keepFolds(old, wanted);
      if (!old.isEqualNode(wanted)) keepTyped(old, () => update(old, wanted));
    }
    const sums = document.querySelector('[data-part="facts"]');
    if (sums && facts && !sums.isEqualNode(facts)) update(sums, facts);
    if (this.entry.dataset.status !== fresh.dataset.status && fresh.dataset.status === "waiting") {
      this.announcer.say(gettext("The run waits for you."), "[data-announce-now]");
    }
    this.entry.dataset.status = fresh.dataset.status;
    if (!fresh.dataset.live) this.end();
  }

  end() {
    if (!this.entry.dataset.live) return;
    delete this.entry.dataset.live;
    clearInterval(this.acknowledging);
    this.polling = null;
    this.connection.end();
    this.replies.clear();
    this.entry.querySelector("[data-replies]").remove();
    this.pill.ended();
    carryOver();
    const status = this.entry.querySelector(".pill").textContent.trim();
    this.announcer.say(gettext("The run ended: %(status)s.", { status }));
  }

  // Where sockets are blocked.
  async poll() {
    if (this.polling) return;
    this.polling = setTimeout(() => {}, 0);
    while (this.polling && this.entry.dataset.live) {
      if (!document.hidden) await this.refresh();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

// Opened work stays open, with what was loaded, until newer work is.
function keepFolds(old, wanted) {
  for (const fold of old.querySelectorAll("[data-fold]")) {
    const fresh = wanted.querySelector(`[data-fold="${fold.dataset.fold}"]`);
    if (!fresh || !fold.querySelector("details[open]")) continue;
    fresh.querySelector("details")?.setAttribute("open", "");
    const [loaded, place] = [fold, fresh].map((each) => each.querySelector("[data-fold-body]"));
    place?.replaceChildren(...loaded.cloneNode(true).childNodes);
  }
}

// A reason that was typed while somebody else decided goes back into its field, or stays to be copied.
function keepTyped(part, change) {
  const typed = typedIn(part).map((field) => ({ field, name: field.name, value: field.value }));
  change();
  const lost = typed.filter(({ field, name, value }) => {
    if (field.isConnected) return false;
    const again = part.querySelector(`[name="${CSS.escape(name)}"]`);
    if (again) again.value = value;
    return !again;
  });
  keepUnsent(lost, (kept) => part.after(kept));
}

// A reader at the end of the page stays there; the place of others does not change.
function follow(change) {
  const isAtTheEnd = document.documentElement.scrollHeight - scrollY - innerHeight < AT_THE_END_PX;
  change();
  if (isAtTheEnd) scrollTo(0, document.documentElement.scrollHeight);
}

// A thread opens at its end; a page that was left or reloaded is shown by the browser where it was.
const isNewHere = performance.getEntriesByType("navigation")[0]?.type === "navigate";
if (isNewHere && !location.hash && !location.search.includes("before=")) scrollTo(0, document.documentElement.scrollHeight);
listenToKeys();
const going = [...document.querySelectorAll("[data-thread-run][data-live]")].at(-1);
if (going) new LiveEntry(going);
for (const nav of document.querySelectorAll("[data-outline]")) new Outline(document.querySelector("[data-thread]"), nav);
for (const thread of document.querySelectorAll("[data-thread][data-news]")) {
  new ThreadNews(thread, (entry) => {
    if (entry.dataset.live) new LiveEntry(entry);
    document.querySelector("[data-announce]").textContent = gettext("A new message.");
  });
}

// The inbox, kept up to date: new calls are added, decided ones removed, and typed text is kept.

import { keepSteady, rest } from "../steady.js";
import { waits } from "../waiting.js";
import { gettext, ngettext } from "../words.js";
import { Connection } from "./connection.js";
import { cameIn, elementFrom } from "./fragments.js";
import { callsOf, InboxCards } from "./inbox_cards.js";
import { InboxKeys } from "./inbox_keys.js";
import { InboxSelection } from "./inbox_selection.js";
import { Pill } from "./pill.js";
import { typedIn } from "./typed_text.js";

const POLL_MS = 10_000;
const SOON_MS = 150;

// A form that takes a decision back, or changes a rule.
const decidesNothing = (form) => form.matches(".undo") || form.closest("[data-menu]");

const waitingWords = (count) => ngettext("%(count)s waiting", "%(count)s waiting", count);

export class Inbox {
  constructor(section) {
    this.section = section;
    this.list = section.querySelector("#inbox-list");
    this.pill = new Pill();
    this.selection = new InboxSelection(section);
    this.cards = new InboxCards(this.list, () => this.soon());
    new InboxKeys(section);
    this.connection = new Connection({
      address: () => section.dataset.socket,
      frame: (frame) => (frame.ping && this.pill.isLive ? this.pill.heard() : this.soon()),
      opened: () => {
        this.isBlocked = false;
      },
      doubted: () => this.isBlocked || this.pill.checking(),
      lost: (reason) => (this.isBlocked && !reason) || this.pill.offline(reason),
      ended: () => this.pill.offline(gettext("Not live")),
      blocked: () => {
        this.isBlocked = true;
        this.look();
      },
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.soon());
    for (const event of ["online", "focus"]) addEventListener(event, () => this.soon());
    setInterval(() => this.look(), POLL_MS);
    this.deciding = new Set(); // the calls whose decision was sent, and is not answered
    this.listenToDecisions();
    if (section.querySelector(".inbox-said .notice")) rest();
  }

  listenToDecisions() {
    document.addEventListener("htmx:beforeRequest", ({ detail }) => {
      if (detail.requestConfig.verb === "post") this.decides(detail.elt, true);
    });
    document.addEventListener("decided", ({ detail }) => this.cards.said.set(detail.call, detail));
    document.addEventListener("undone", ({ detail }) => this.undone(detail.call));
    document.addEventListener("htmx:afterRequest", ({ detail }) => {
      if (detail.requestConfig?.verb !== "post") return;
      if (decidesNothing(detail.elt)) return this.look();
      this.decides(detail.elt, false);
      if (detail.xhr.status === 204) {
        this.cards.stay(callsOf(detail.elt), detail.requestConfig);
        detail.elt.closest("dialog")?.close();
        this.selection.clear();
      }
      this.look();
    });
  }

  undone(id) {
    for (const said of this.section.querySelectorAll(".inbox-said [data-vanishes]")) {
      if (said.querySelector("form")?.action.includes(id)) said.remove();
    }
    this.cards.undone(id);
  }

  decides(element, isAsked) {
    if (decidesNothing(element)) return;
    for (const { dataset } of callsOf(element)) this.deciding[isAsked ? "add" : "delete"](dataset.inboxCall);
  }

  // Many runs change at once: one request is enough for all of them.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), SOON_MS);
  }

  // The list as it is now: whole calls, but for those that this page shows only their names.
  async fetchList() {
    const known = this.calls().map((call) => call.dataset.inboxCall);
    const headers = { "HX-Request": "true" };
    const answer = await fetch(`${this.section.dataset.inbox}&known=${known}`, { headers, cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    return elementFrom((await answer.text()).trim());
  }

  async look() {
    const number = (this.looks = (this.looks ?? 0) + 1);
    let fresh;
    try {
      fresh = await this.fetchList();
    } catch {
      this.pill.offline();
      return;
    }
    if (number !== this.looks) return; // A later request has been sent, and has newer data.
    keepSteady(() => this.show(fresh));
    this.pill.heard();
    this.pill.says("live", this.isBlocked ? gettext("Live, every %(n)s s", { n: POLL_MS / 1000 }) : gettext("Live"));
  }

  // The calls that wait, as far as this page knows.
  calls() {
    return [...this.list.querySelectorAll("[data-inbox-call]:not([data-gone], [data-decided])")];
  }

  show(fresh) {
    const [went, came] = [this.takeAway(fresh), this.add(fresh)];
    this.list.querySelector("#inbox-more").hidden = fresh.querySelector("#inbox-more").hidden;
    this.list.querySelector("#inbox-empty").replaceWith(fresh.querySelector("#inbox-empty"));
    for (const tab of this.section.querySelectorAll("[data-tab-count]")) tab.textContent = fresh.dataset[tab.dataset.tabCount];
    waits(Number(fresh.dataset.waitingCount));
    this.cards.cameBack();
    this.selection.show();
    if (came || went) this.section.querySelector("[data-announce]").textContent = waitingWords(Number(fresh.dataset.waitingCount));
  }

  takeAway(fresh) {
    let went = 0;
    for (const call of this.calls()) {
      const now = fresh.querySelector(`[data-inbox-call="${call.dataset.inboxCall}"]`);
      if (now?.dataset.hash === call.dataset.hash) continue;
      // The list came before the answer to its decision: that puts the result, and Undo, in the card.
      if (this.deciding.has(call.dataset.inboxCall)) continue;
      went += 1;
      if (typedIn(call).length) this.cards.keep(call);
      else this.cards.remove(call);
    }
    return went;
  }

  add(fresh) {
    let came = 0;
    const more = this.list.querySelector("#inbox-more");
    const isHere = ({ dataset }) => this.list.querySelector(`[data-inbox-call="${dataset.inboxCall}"]:not([data-gone])`);
    for (const run of fresh.querySelectorAll("[data-inbox-run]")) {
      const here = this.list.querySelector(`[data-inbox-run="${run.dataset.inboxRun}"]`);
      const calls = [...run.querySelectorAll("[data-inbox-call]:not([data-known])")];
      if (!here && calls.length) {
        more.before(run);
        cameIn(run);
        came += calls.length;
        continue;
      }
      for (const call of calls) {
        if (isHere(call)) continue;
        here.querySelector("ol").append(call);
        cameIn(call);
        came += 1;
      }
    }
    return came;
  }
}

// The inbox, kept up to date: new calls are added, decided ones removed, and typed text is kept.

import { keepSteady, rest } from "../steady.js";
import { waits } from "../waiting.js";
import { Connection } from "./connection.js";
import { cameIn, elementFrom, typedIn } from "./fragments.js";
import { Pill } from "./pill.js";

const POLL_MS = 10_000;
const SOON_MS = 150;
const STAYS_MS = 3_000; // after the last decision
const DECISIONS = { approve: "Approved by you", deny: "Denied by you", cancel: "Stopped by you" };

export class Inbox {
  constructor(section) {
    this.section = section;
    this.list = section.querySelector("#inbox-list");
    this.pill = new Pill();
    this.connection = new Connection({
      address: () => section.dataset.socket,
      frame: (frame) => (frame.ping && this.pill.isLive ? this.pill.heard() : this.soon()),
      opened: () => {
        this.isBlocked = false;
      },
      doubted: () => this.isBlocked || this.pill.checking(),
      lost: (reason) => (this.isBlocked && !reason) || this.pill.offline(reason),
      ended: () => this.pill.offline("Not live"),
      blocked: () => {
        this.isBlocked = true;
        this.look();
      },
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.soon());
    for (const event of ["online", "focus"]) addEventListener(event, () => this.soon());
    setInterval(() => this.look(), POLL_MS);
    this.decided = new Set();
    document.addEventListener("htmx:beforeRequest", ({ detail }) => this.decides(detail.elt, true));
    document.addEventListener("htmx:afterRequest", ({ detail }) => {
      if (detail.requestConfig?.verb !== "post") return;
      if (detail.successful) this.stay(this.callsOf(detail.elt), detail.requestConfig);
      else this.decides(detail.elt, false);
      this.look();
    });
    section.addEventListener("change", (event) => this.choose(event.target));
    this.showChosen();
    if (section.querySelector(".inbox-said")) rest();
  }

  // The calls that the form `element` decides.
  callsOf(element) {
    const call = element.closest?.("[data-inbox-call]");
    if (call) return [call];
    return element.id === "inbox-bulk" ? this.boxes().filter((box) => box.checked).map((box) => box.closest("[data-inbox-call]")) : [];
  }

  decides(element, isAsked) {
    for (const { dataset } of this.callsOf(element)) this.decided[isAsked ? "add" : "delete"](dataset.inboxCall);
  }

  // Many runs change at once: one request is enough for all of them.
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), SOON_MS);
  }

  async look() {
    const number = (this.looks = (this.looks ?? 0) + 1);
    let html;
    try {
      const answer = await fetch(this.section.dataset.inbox, { headers: { "HX-Request": "true" }, cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      html = await answer.text();
    } catch {
      this.pill.offline();
      return;
    }
    if (number !== this.looks) return; // A later request has been sent, and has newer data.
    keepSteady(() => this.show(elementFrom(html.trim())));
    this.pill.heard();
    this.pill.says("live", this.isBlocked ? `Live, every ${POLL_MS / 1000} s` : "Live");
  }

  show(fresh) {
    let [came, went] = [0, 0];
    for (const call of this.list.querySelectorAll("[data-inbox-call]:not([data-gone], [data-decided])")) {
      const now = fresh.querySelector(`[data-inbox-call="${call.dataset.inboxCall}"]`);
      if (now?.dataset.hash === call.dataset.hash) continue;
      went += 1;
      // A call that was decided on this page is removed without a notice.
      if (typedIn(call).length && !this.decided.delete(call.dataset.inboxCall)) this.keep(call);
      else this.remove(call);
    }
    const more = this.list.querySelector("#inbox-more");
    for (const run of fresh.querySelectorAll("[data-inbox-run]")) {
      const here = this.list.querySelector(`[data-inbox-run="${run.dataset.inboxRun}"]`);
      const calls = [...run.querySelectorAll("[data-inbox-call]")];
      if (!here) {
        more.before(run);
        cameIn(run);
        came += calls.length;
        continue;
      }
      for (const call of calls) {
        if (here.querySelector(`[data-inbox-call="${call.dataset.inboxCall}"]:not([data-gone])`)) continue;
        here.querySelector("ol").append(call);
        cameIn(call);
        came += 1;
      }
    }
    more.hidden = fresh.querySelector("#inbox-more").hidden;
    const count = Number(fresh.dataset.waitingCount);
    this.list.dataset.waitingCount = count;
    waits(count);
    this.showChosen();
    if (came || went) this.section.querySelector("[data-announce]").textContent = `${count} waiting`;
  }

  // The call was decided elsewhere, or the run ended, during typing: the typed text stays, to be copied.
  async keep(call) {
    call.setAttribute("data-gone", "");
    call.querySelector('input[name="call"]')?.remove();
    for (const field of call.querySelectorAll("input, textarea")) field.readOnly = true;
    for (const field of call.querySelectorAll("select, button")) field.disabled = true;
    const close = document.createElement("button");
    Object.assign(close, { type: "button", className: "button button-small", textContent: "Dismiss" });
    close.setAttribute("data-dismiss-call", "");
    close.addEventListener("click", () => this.remove(call));
    const words = document.createElement("div");
    words.className = "notice";
    words.setAttribute("role", "status");
    words.append("This call was decided meanwhile. What you typed was not sent; it can still be copied. ");
    call.querySelector(".inbox-call-head").after(words, close);
    try {
      const answer = await fetch(call.dataset.stands, { headers: { "HX-Request": "true" }, cache: "no-store", redirect: "error" });
      if (!answer.ok) return;
      const stands = elementFrom((await answer.text()).trim());
      words.replaceWith(stands);
      cameIn(stands);
    } catch {
      // The server is unreachable: the generic text above stays.
    }
  }

  // A call decided here keeps its place for a while: the next one must not slide under a second click.
  stay(calls, { path, parameters }) {
    const action = parameters?.get?.("action") ?? path.match(/(\w+)\/$/)?.[1];
    for (const call of calls.filter((each) => !each.hasAttribute("data-decided"))) {
      const hadFocus = call.contains(document.activeElement);
      call.style.blockSize = `${call.offsetHeight}px`;
      call.setAttribute("data-decided", "");
      const words = document.createElement("p");
      words.className = "decided";
      words.setAttribute("role", "status");
      words.textContent = DECISIONS[action] ?? "Decided by you";
      call.querySelectorAll("form, details, [name=call]").forEach((part) => part.remove());
      call.append(words);
      if (hadFocus) call.focus({ preventScroll: true });
    }
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => keepSteady(() => this.leave()), STAYS_MS);
  }

  leave() {
    for (const call of this.list.querySelectorAll("[data-decided]")) this.remove(call);
    this.soon();
  }

  remove(call) {
    const run = call.closest("[data-inbox-run]");
    const hadFocus = call.contains(document.activeElement);
    const all = [...this.list.querySelectorAll("[data-inbox-call]")];
    const next = all[all.indexOf(call) + 1] ?? all[all.indexOf(call) - 1];
    call.remove();
    if (!run.querySelector("[data-inbox-call]")) run.remove();
    if (hadFocus) (next ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  boxes() {
    return [...this.list.querySelectorAll('input[name="call"]')];
  }

  choose(box) {
    if (box.matches("[data-choose-all]")) for (const each of this.boxes()) each.checked = box.checked;
    this.showChosen();
  }

  showChosen() {
    const [all, chosen] = [this.boxes().length, this.boxes().filter((box) => box.checked).length];
    const box = this.section.querySelector("[data-choose-all]");
    box.checked = all > 0 && chosen === all;
    box.indeterminate = chosen > 0 && chosen < all;
    this.section.querySelector("[data-chosen]").textContent = chosen ? `${chosen} chosen` : "Choose all";
  }
}

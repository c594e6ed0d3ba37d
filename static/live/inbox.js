// The inbox, kept as it is: new calls come, decided ones go, and what somebody types in between stays.

import { waits } from "../waiting.js";
import { Connection } from "./connection.js";
import { cameIn, elementFrom } from "./fragments.js";
import { Pill } from "./pill.js";

const POLL_MS = 10_000;
const SOON_MS = 150;

export class Inbox {
  constructor(section) {
    this.section = section;
    this.list = section.querySelector("#inbox-list");
    this.pill = new Pill();
    this.connection = new Connection({
      address: () => "/ws/dashboard/",
      frame: () => this.soon(),
      opened: () => {},
      lost: (reason) => this.pill.offline(reason),
      ended: () => this.pill.offline("not live"),
    });
    setInterval(() => this.look(), POLL_MS);
    document.addEventListener("htmx:afterRequest", ({ detail }) => detail.requestConfig?.verb === "post" && this.look());
    section.addEventListener("change", (event) => this.choose(event.target));
    this.showChosen();
  }

  // Many runs change at once: one look is enough for all of them.
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
    if (number !== this.looks) return; // A later look has been sent, and knows more.
    this.show(elementFrom(html.trim()));
    this.pill.heard();
    this.pill.says("live", "live");
  }

  show(fresh) {
    let [came, went] = [0, 0];
    for (const call of this.list.querySelectorAll("[data-inbox-call]")) {
      const now = fresh.querySelector(`[data-inbox-call="${call.dataset.inboxCall}"]`);
      if (now?.dataset.hash === call.dataset.hash) continue;
      went += 1;
      this.remove(call);
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
        if (here.querySelector(`[data-inbox-call="${call.dataset.inboxCall}"]`)) continue;
        here.querySelector(".inbox-calls").append(call);
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

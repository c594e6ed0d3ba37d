// The lists and counts of all runs, kept up to date.

import { keepSteady } from "../steady.js";
import { gettext } from "../words.js";
import { Connection } from "./connection.js";
import { cameIn, elementFrom, update } from "./fragments.js";
import { Pill } from "./pill.js";
import { LIST_LENGTHS } from "./settings.js";

const POLL_MS = 5_000;
const REFILL_MS = 1_000;

export class Dashboard {
  constructor(section) {
    this.section = section;
    this.pill = new Pill();
    this.connection = new Connection({
      address: () => section.dataset.liveDashboard,
      frame: (frame) => this.frame(frame),
      opened: () => {
        this.isPolling = false;
      },
      doubted: () => this.isPolling || this.pill.checking(),
      lost: (reason) => (this.isPolling && !reason) || this.pill.offline(reason),
      ended: () => this.pill.offline(gettext("Not live")),
      blocked: () => this.poll(),
    });
  }

  // Polling, where sockets are blocked.
  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    while (this.isPolling && !this.connection.isOver) {
      if (!document.hidden) await this.look();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  // The counts, also at the heads of the lists. A list that is too short is filled up from the page.
  showCounts(fresh) {
    const counts = document.getElementById("counts");
    update(counts, fresh);
    for (const place of this.section.querySelectorAll("[data-count]")) {
      const count = counts.dataset[place.dataset.count];
      if (place.textContent !== count) place.textContent = count;
      const list = this.section.querySelector(`[data-run-list="${place.dataset.count}"]`);
      const wanted = Math.min(Number(count), LIST_LENGTHS[place.dataset.count]);
      if (list.children.length < wanted && !this.isPolling) this.refill ??= setTimeout(() => this.fillUp(), REFILL_MS);
    }
  }

  async fillUp() {
    if (!document.hidden && this.pill.isLive) await this.look({ isFilling: true });
    this.refill = null;
  }

  async look({ isFilling = false } = {}) {
    try {
      const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!this.isPolling && !isFilling) return;
      this.showCounts(document.importNode(fresh.getElementById("counts"), true));
      for (const list of this.section.querySelectorAll("[data-run-list]")) {
        keepSteady(() => this.showList(list, fresh.querySelector(`[data-run-list="${list.dataset.runList}"]`)));
      }
      if (isFilling) return;
      this.pill.heard();
      this.pill.says("live", gettext("Live, every %(n)s s", { n: POLL_MS / 1000 }));
    } catch {
      if (!isFilling) this.pill.offline();
    }
  }

  // Puts the rows in order; an unchanged row keeps its element, and the focus in it.
  showList(list, fresh) {
    const rows = [...fresh.children];
    const wanted = new Set(rows.map((row) => row.dataset.runRow));
    for (const row of [...list.children]) if (!wanted.has(row.dataset.runRow)) row.remove();
    rows.forEach((row, index) => {
      const here = list.querySelector(`[data-run-row="${CSS.escape(row.dataset.runRow)}"]`);
      if (here) {
        if (!here.isEqualNode(row)) update(here, document.importNode(row, true));
        if (list.children[index] !== here) list.insertBefore(here, list.children[index]);
        return;
      }
      const came = document.importNode(row, true);
      list.insertBefore(came, list.children[index] ?? null);
      cameIn(came);
    });
  }

  frame(frame) {
    keepSteady(() => {
      for (const [runId, html] of frame.rows ?? []) this.showRow(runId, elementFrom(html));
    });
    if (frame.counts) this.showCounts(elementFrom(frame.counts));
    if (frame.counts) document.dispatchEvent(new Event("runs:changed"));
    // A socket that opens may be refused right after; only a message proves that it is live.
    this.pill.heard();
    this.pill.says("live", gettext("Live"));
  }

  showRow(runId, fresh) {
    const name = fresh.dataset.list;
    const list = this.section.querySelector(`[data-run-list="${name}"]`);
    const old = this.section.querySelector(`[data-run-row="${CSS.escape(runId)}"]`);
    if (old?.parentElement === list) {
      if (!old.isEqualNode(fresh)) update(old, fresh);
      return;
    }
    const hadFocus = old?.contains(document.activeElement);
    old?.remove();
    list.prepend(fresh);
    while (list.children.length > LIST_LENGTHS[name]) list.lastElementChild.remove();
    cameIn(fresh);
    if (hadFocus) fresh.querySelector("a")?.focus({ preventScroll: true });
  }
}

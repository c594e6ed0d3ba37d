// Keeps the rows of the list of runs up to date. The socket of the dashboard says which runs changed; their rows are
// asked for together. New runs are counted only, so that nothing moves under the reader.

import { keepSteady } from "../steady.js";
import { gettext, ngettext } from "../words.js";
import { Connection } from "./connection.js";
import { cameIn, update } from "./fragments.js";
import { Pill } from "./pill.js";

const TOGETHER_MS = 700;
const MOST = 100;

class RunRows {
  constructor(page) {
    this.page = page;
    this.pill = new Pill();
    this.known = new Set();
    this.changed = new Set();
    this.news = new Set();
    this.connection = new Connection({
      address: () => page.dataset.runsPage,
      frame: (frame) => this.frame(frame),
      opened: () => (this.isFirst = true),
      doubted: () => this.pill.checking(),
      lost: (reason) => this.pill.offline(reason),
      ended: () => this.pill.offline(gettext("Not live")),
      blocked: () => this.pill.offline(gettext("Not live")),
    });
    document.addEventListener("visibilitychange", () => this.askSoon());
  }

  row(runId) {
    return this.page.querySelector(`[data-run-row="${CSS.escape(runId)}"]`);
  }

  frame({ rows = [] }) {
    this.pill.heard();
    this.pill.says("live", gettext("Live"));
    for (const [runId, html] of rows) {
      const row = this.row(runId);
      // The first frame has the state of all lists: only what differs has changed.
      if (row && !(this.isFirst && html.includes(`data-status="${row.dataset.status}"`))) this.changed.add(runId);
      if (!row && !this.isFirst && !this.known.has(runId)) this.news.add(runId);
      this.known.add(runId);
    }
    if (rows.length) this.isFirst = false;
    this.showNews();
    this.askSoon();
  }

  showNews() {
    const place = this.page.querySelector("[data-news]");
    if (!place || !this.news.size || location.search) return;
    place.hidden = false;
    const count = this.news.size;
    place.querySelector("[data-news-words]").textContent = ngettext("%(count)s new run ↑", "%(count)s new runs ↑", count);
  }

  askSoon() {
    if (this.changed.size && !document.hidden) this.timer ??= setTimeout(() => this.ask(), TOGETHER_MS);
  }

  async ask() {
    const ids = [...this.changed].slice(0, MOST);
    for (const id of ids) this.changed.delete(id);
    try {
      const headers = { "HX-Request": "true", "HX-Target": "renewed" };
      const answer = await fetch(`?${ids.map((id) => `only=${id}`).join("&")}`, { headers, redirect: "error", cache: "no-store" });
      if (answer.ok) this.show(await answer.text());
    } catch {
      for (const id of ids) this.changed.add(id); // with the next frame, when the server is there again
    }
    this.timer = null;
    if (this.changed.size && this.pill.isLive) this.askSoon();
  }

  show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    keepSteady(() => {
      for (const fresh of template.content.querySelectorAll("[data-run-row]")) {
        const row = this.row(fresh.dataset.runRow);
        if (!row) continue;
        const box = fresh.querySelector('input[name="run"]');
        box.toggleAttribute("checked", row.querySelector('input[name="run"]').checked);
        fresh.toggleAttribute("data-selected", box.checked);
        update(row, fresh);
        cameIn(row);
      }
    });
  }
}

for (const page of document.querySelectorAll("[data-runs-page]")) new RunRows(page);

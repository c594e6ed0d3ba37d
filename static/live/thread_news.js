// Follow-ups that were launched in another tab, or by somebody else: the socket of the first page says that there are new
// runs; the page of the thread is asked whether it has further ones.

import { keepSteady } from "../steady.js";
import { Connection } from "./connection.js";
import { cameIn } from "./fragments.js";

const SOON_MS = 300;

export class ThreadNews {
  constructor(thread, came) {
    this.thread = thread;
    this.came = came;
    this.known = null; // the runs that the socket has named; the first frame has the state of all lists
    const nothing = () => {};
    this.connection = new Connection({
      address: () => thread.dataset.news,
      frame: ({ rows = [] }) => this.frame(rows.map(([runId]) => runId)),
      opened: () => this.known && this.soon(), // something may have been missed
      doubted: nothing,
      lost: nothing,
      ended: nothing,
      blocked: nothing,
    });
    document.addEventListener("visibilitychange", () => document.hidden || this.soon());
  }

  frame(runIds) {
    const isNew = this.known && runIds.some((runId) => !this.known.has(runId));
    this.known = new Set([...(this.known ?? []), ...runIds]);
    if (isNew) this.soon();
  }

  soon() {
    this.timer ??= setTimeout(() => this.look(), SOON_MS);
  }

  async look() {
    this.timer = null;
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", redirect: "error" });
      if (answer.ok) this.add(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The server is unreachable; the pill of a run that goes on says so, and the next word asks again.
    }
  }

  // Only what follows the last run here: the newest messages may be of another branch.
  add(fresh) {
    const last = [...this.thread.querySelectorAll("[data-thread-run]")].at(-1);
    const runs = [...fresh.querySelectorAll("[data-thread-run]")];
    const at = runs.findIndex((run) => run.id === last?.id);
    if (at < 0 || last.dataset.live) return;
    for (const run of runs.slice(at + 1).map((each) => document.importNode(each, true))) {
      keepSteady(() => this.thread.append(run));
      cameIn(run);
      this.came(run);
    }
    this.follow(fresh.getElementById("follow-up"));
    this.steer(fresh.getElementById("compose"));
  }

  // What is typed below follows up the newest run.
  follow(fresh) {
    const form = document.getElementById("follow-up");
    if (!form || !fresh || form.action === fresh.action) return;
    form.action = fresh.getAttribute("action");
    form.setAttribute("hx-post", fresh.getAttribute("hx-post"));
    form.querySelector("[data-once]").value = fresh.querySelector("[data-once]").value;
    window.htmx?.process(form);
  }

  // The newest run takes messages while it works.
  steer(fresh) {
    const old = document.getElementById("compose");
    if (!fresh || old?.action === fresh.action) return;
    old?.remove();
    const form = document.importNode(fresh, true);
    document.getElementById("run-actions").after(form);
    window.htmx?.process(form);
  }
}

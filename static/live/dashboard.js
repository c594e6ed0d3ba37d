// The lists and counts of all runs, as they are now.

import { Connection } from "./connection.js";
import { cameIn, elementFrom, update } from "./fragments.js";
import { Pill } from "./pill.js";

const LIST_OF = { waiting: "waiting", completed: "finished", failed: "finished", cancelled: "finished" };
const LIST_LENGTHS = { running: 50, waiting: 50, finished: 10 };

export class Dashboard {
  constructor(section) {
    this.section = section;
    this.pill = new Pill();
    this.connection = new Connection({
      address: () => section.dataset.liveDashboard,
      frame: (frame) => this.frame(frame),
      opened: () => {},
      lost: (reason) => this.pill.offline(reason),
      ended: () => this.pill.offline("not live"),
    });
  }

  frame(frame) {
    for (const [runId, html] of frame.rows ?? []) this.showRow(runId, elementFrom(html));
    if (frame.counts) update(document.getElementById("counts"), elementFrom(frame.counts));
    // A socket that opens may be refused the next moment; who hears something is live.
    this.pill.heard();
    this.pill.says("live", "live");
  }

  showRow(runId, fresh) {
    const name = LIST_OF[fresh.dataset.status] ?? "running";
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

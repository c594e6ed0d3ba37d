// The tree of a run: its rows, and the status of child runs in the cards of their calls. A page whose run has ended hears
// nothing more of it over its socket, and asks while other runs of the tree go on.

import { keepSteady } from "../steady.js";
import { cameIn, elementFrom } from "./fragments.js";

const POLL_MS = 3_000;

export class Tree {
  constructor() {
    this.element = document.getElementById("run-tree");
    this.showInCalls();
  }

  show(fresh) {
    if (!fresh) return;
    for (const name of ["hidden", "data-open"]) this.element.toggleAttribute(name, fresh.hasAttribute(name));
    const [here, wanted] = [this.element.querySelector("details"), fresh.querySelector("details")];
    if (!wanted) return;
    if (!here) this.element.replaceChildren(wanted);
    else this.update(here, wanted);
    this.showInCalls();
  }

  // Row by row: the focus, an open or closed tree, and the place in it stay.
  update(here, wanted) {
    const heads = [here, wanted].map((each) => each.querySelector(".tree-head"));
    if (!heads[0].isEqualNode(heads[1])) heads[0].replaceChildren(...heads[1].childNodes);
    const list = here.querySelector(".tree-runs");
    const rows = [...wanted.querySelectorAll("[data-tree-run]")];
    const ids = new Set(rows.map((row) => row.dataset.treeRun));
    for (const row of [...list.children]) if (!ids.has(row.dataset.treeRun)) row.remove();
    rows.forEach((row, index) => this.place(list, row, index));
    here.querySelector(".tree-more")?.remove();
    const more = wanted.querySelector(".tree-more");
    if (more) here.append(more);
  }

  place(list, row, index) {
    const here = this.row(row.dataset.treeRun);
    if (!here) {
      list.insertBefore(row, list.children[index] ?? null);
      cameIn(row);
      return;
    }
    if (list.children[index] !== here) list.insertBefore(here, list.children[index]);
    if (here.isEqualNode(row)) return;
    here.dataset.status = row.dataset.status;
    for (const part of [".tree-pill", ".tree-cost"]) {
      here.querySelector(part).replaceChildren(...row.querySelector(part).childNodes);
    }
  }

  row(id) {
    return this.element.querySelector(`[data-tree-run="${CSS.escape(id)}"]`);
  }

  // Also for a card that comes later than the state with its run.
  showInCalls(root = document) {
    for (const place of root.querySelectorAll("[data-child-run]")) {
      const pill = this.row(place.dataset.childRun)?.querySelector(".pill");
      if (pill && !place.firstElementChild?.isEqualNode(pill)) place.replaceChildren(pill.cloneNode(true));
    }
  }

  // Returns once all runs of the tree have ended.
  async follow() {
    while (this.element.hasAttribute("data-open")) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (!document.hidden) await this.ask();
    }
  }

  async ask() {
    try {
      const answer = await fetch(this.element.dataset.tree, { cache: "no-store", redirect: "error" });
      if (!answer.ok) return;
      const html = await answer.text();
      keepSteady(() => this.show(elementFrom(html.trim())));
    } catch {
      // The next look may find the server again.
    }
  }
}

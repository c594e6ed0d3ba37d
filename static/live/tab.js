// The tab of a run's page: the sign and the tone of its state, and the countdown to its next attempt.

import { now } from "../clock.js";
import { nameTab } from "../tab_title.js";

const TICK_MS = 1_000;

export class Tab {
  constructor() {
    this.icon = document.querySelector("link[rel=icon]");
    this.show();
  }

  // Also in a hidden tab, which is where a title is read. A page that is not live does not count down.
  show() {
    clearTimeout(this.timer);
    const { tabMark, tabIcon } = document.getElementById("run-state").dataset;
    if (tabIcon && this.icon.getAttribute("href") !== tabIcon) this.icon.setAttribute("href", tabIcon);
    const due = Number(document.querySelector("#stage-face [data-counts-down]")?.dataset.countsDown ?? 0);
    const left = due - now();
    if (left > 0) this.timer = setTimeout(() => this.show(), TICK_MS);
    if (left > 0 && document.documentElement.hasAttribute("data-stale")) return;
    nameTab({ mark: left > 0 ? `${tabMark || "⟳"} ${Math.ceil(left / 1000)} s ·` : tabMark });
  }
}

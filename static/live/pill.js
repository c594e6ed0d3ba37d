// The connection status of the page: live, catching up, checking, or offline and since when. While it is not live, the
// page is marked as stale: its clocks stand still, and what changes live is shown as old.

import { gettext, LOCALE } from "../words.js";

const TIME = { hour: "2-digit", minute: "2-digit" };
const EXACT = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });

export class Pill {
  constructor() {
    this.element = document.querySelector("[data-connection]");
    this.heardAt = new Date();
  }

  get isLive() {
    return this.element?.dataset.connection === "live";
  }

  says(state, text) {
    this.show(state, text);
    this.markStale(false);
  }

  checking() {
    this.show("checking", gettext("Checking…"));
    this.markStale(true);
  }

  offline(reason) {
    this.offlineSince ??= new Date().toLocaleTimeString(LOCALE, TIME);
    this.show("offline", reason ?? gettext("Offline since %(time)s", { time: this.offlineSince }));
    this.markStale(true);
    if (!reason) return;
    const reload = document.createElement("a");
    reload.href = location.href;
    reload.textContent = gettext("Reload");
    this.element?.querySelector("[data-connection-text]").append(" · ", reload);
  }

  ended() {
    this.show("ended", "");
    this.markStale(false);
  }

  // A message arrived: the next outage gets a start time of its own.
  heard() {
    this.offlineSince = null;
    this.heardAt = new Date();
  }

  show(state, text) {
    if (!this.element) return;
    if (this.element.dataset.connection !== state) this.element.dataset.connection = state;
    this.element.dataset.told = "";
    const place = this.element.querySelector("[data-connection-text]");
    if (place.textContent !== text) place.textContent = text;
  }

  markStale(isStale) {
    const { documentElement: root } = document;
    if (root.hasAttribute("data-stale") === isStale) return;
    root.toggleAttribute("data-stale", isStale);
    if (this.element) this.element.title = isStale ? gettext("As of %(time)s", { time: EXACT.format(this.heardAt) }) : "";
  }
}

// The connection status of the page: live, catching up, checking, or offline and since when. While it is not live, the
// page is marked as stale: its clocks stand still, and what changes live is shown as old.

const TIME = { hour: "2-digit", minute: "2-digit" };
const EXACT = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

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
    this.show("checking", "Checking…");
    this.markStale(true);
  }

  offline(reason) {
    this.offlineSince ??= new Date().toLocaleTimeString(undefined, TIME);
    this.show("offline", reason ?? `Offline since ${this.offlineSince}`);
    this.markStale(true);
    if (!reason) return;
    const reload = document.createElement("a");
    reload.href = location.href;
    reload.textContent = "Reload";
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
    if (this.element) this.element.title = isStale ? `As of ${EXACT.format(this.heardAt)}` : "";
  }
}

// Where the page stands with the server: live, catching up, or offline and since when.

export class Pill {
  constructor() {
    this.element = document.querySelector("[data-connection]");
  }

  says(state, text) {
    if (!this.element) return;
    if (this.element.dataset.connection !== state) this.element.dataset.connection = state;
    this.element.dataset.told = "";
    const place = this.element.querySelector("[data-connection-text]");
    if (place.textContent !== text) place.textContent = text;
  }

  offline(reason) {
    this.offlineSince ??= new Date().toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    this.says("offline", reason ?? `offline since ${this.offlineSince}`);
    if (!reason) return;
    const reload = document.createElement("a");
    reload.href = location.href;
    reload.textContent = "Reload";
    this.element?.querySelector("[data-connection-text]").append(" · ", reload);
  }

  // The server said something, so the next outage has a beginning of its own.
  heard() {
    this.offlineSince = null;
  }
}

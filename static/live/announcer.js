// Announcements for screen readers: a summary at most every 5 s, errors at once.

import { gettext, ngettext } from "../words.js";

const SUMMARY_MS = 5_000;

export class Announcer {
  constructor() {
    this.summary = [];
  }

  announce(card) {
    const title = card.querySelector(".step-title")?.textContent.trim() ?? card.dataset.stepKind;
    if (card.dataset.stepKind === "error") this.say(gettext("Error: %(title)s", { title }), "[data-announce-now]");
    if (card.matches(":has([data-answer])")) this.summary.push(gettext("the answer"));
    else this.summary.push(title);
    this.summing ??= setTimeout(() => {
      const [count, latest] = [this.summary.length, this.summary.at(-1)];
      this.summary = [];
      this.summing = null;
      this.say(ngettext("New step: %(latest)s", "%(count)s new steps, the latest: %(latest)s", count, { latest }));
    }, SUMMARY_MS);
  }

  say(text, region = "[data-announce]") {
    const place = document.querySelector(region);
    if (place) place.textContent = text;
  }
}

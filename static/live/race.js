// The lanes of a race while it goes on: the bars grow by the clock, and words say how far each lane has come.

import { gettext, ngettext, number } from "../words.js";
import { now } from "../clock.js";

const TICK_MS = 100;
const WIDTH = 1000;
const LEAST = 4;
const SCALES_MS = [2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
const CHARS_OF_A_TOKEN = 4;
const BEGINNING = 60; // characters: who has heard more at once has come later than the first word

export class RaceLanes {
  constructor(replies) {
    this.replies = replies;
    this.firstWords = new Map(); // by card: when its first word came; null if that was before this page
    document.addEventListener("htmx:load", ({ target }) => target.querySelector?.("[data-race]") && this.tick());
    this.tick();
  }

  heard() {
    for (const [name, reply] of this.replies.state.open) {
      if (this.firstWords.has(name) || !reply.pieces.length) continue;
      this.firstWords.set(name, reply.number === 1 && this.length(name) < BEGINNING ? now() : null);
    }
  }

  length(card) {
    return this.replies.state.said(card).reduce((sum, [, text]) => sum + text.length, 0);
  }

  // What is in the turn of the race is shown as on the stage. A page that is not live does not know what is true now.
  tick() {
    clearTimeout(this.timer);
    const race = document.querySelector("#stage-face [data-race]:has([data-bar=asked])");
    this.timer = race ? setTimeout(() => this.tick(), TICK_MS) : null;
    if (!race || document.hidden || document.documentElement.hasAttribute("data-stale")) return;
    this.heard();
    for (const lanes of document.querySelectorAll(`[data-race="${race.dataset.race}"]`)) this.draw(lanes);
  }

  draw(lanes) {
    const starts = [...lanes.children].map(({ dataset }) => Number(dataset.laneFrom)).filter(Boolean);
    if (!starts.length) return;
    const begun = Math.min(...starts);
    const scale = SCALES_MS.find((ms) => ms > (now() - begun) * 1.1) ?? now() - begun;
    const x = (moment) => Math.round(Math.max(0, Math.min(1, (moment - begun) / scale)) * WIDTH);
    for (const lane of lanes.children) this.drawLane(lane, `${lanes.dataset.race}-${lane.dataset.lane}`, x);
  }

  drawLane(lane, card, x) {
    const first = this.firstWords.get(card);
    const from = Number(lane.dataset.laneFrom ?? first ?? 0);
    if (!from) return;
    const to = Number(lane.dataset.laneTo ?? now());
    const bar = lane.querySelector("rect");
    bar.setAttribute("x", x(from));
    bar.setAttribute("width", Math.max(LEAST, x(to) - x(from)));
    if (first) lane.querySelector(".bar-first").setAttribute("d", `M${x(first)} 0v10`);
    if (lane.dataset.bar === "asked") this.say(lane, card, now() - from);
  }

  say(lane, card, ms) {
    const said = this.length(card);
    const tokens = Math.max(1, Math.round(said / CHARS_OF_A_TOKEN));
    const silent = gettext("no word yet · %(n)s s", { n: number(ms / 1000, 1) });
    const words = said ? ngettext("writing, ≈%(count)s token", "writing, ≈%(count)s tokens", tokens) : silent;
    const place = lane.querySelector("[data-lane-words]");
    if (place.textContent !== words) place.textContent = words;
  }
}

// Clocks of the page: elapsed time of a run, countdown to the next attempt, buttons that appear or vanish at a given time,
// and times in the reader's own time zone.

import { gettext, LOCALE, number } from "./words.js";

const TICK_MS = 1_000;
const COUNTDOWN_TICK_MS = 100;

// Countdowns are in the server's time. If this computer's clock differs clearly, the difference is subtracted.
const page = document.querySelector("[data-now]");
const [loading] = performance.getEntriesByType("navigation");
const difference = page ? Number(page.dataset.now) - (performance.timeOrigin + (loading?.responseStart ?? 0)) : 0;
const skew = Math.abs(difference) > 2_000 && loading?.type !== "back_forward" ? difference : 0;

export const now = () => Date.now() + skew; // in the time of the server

const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return gettext("%(n)s s", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return gettext("%(minutes)s min %(seconds)s s", { minutes, seconds: seconds % 60 });
  return gettext("%(hours)s h %(minutes)s min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// What moves with time, and how. One search of the page finds all of it.
const MOVING = [
  ["time[data-elapsed]", showElapsed],
  ["time[data-countdown], time[data-counts-down]", countDown],
  ["[data-runs-since]", (element) => write(element, span(now() - element.dataset.runsSince))],
  ["[data-grows-from]", grow],
  ["[data-appears][hidden]", appear],
  ["[data-seconds-left]", showSecondsLeft],
  ["[data-vanishes]", vanish],
];
const ANY = MOVING.map(([selector]) => selector).join(", ");
const FAST = "time[data-countdown], time[data-counts-down], [data-vanishes]";
let timer;

function tick() {
  clearTimeout(timer);
  timer = setTimeout(tick, TICK_MS);
  show(document);
}

// The clocks in this part of the page; the next tick comes soon if one of them is fast.
function show(root) {
  const elements = [...root.querySelectorAll(ANY)];
  if (root !== document && root.matches(ANY)) elements.push(root);
  if (elements.some((each) => each.matches(FAST))) {
    clearTimeout(timer);
    timer = setTimeout(tick, COUNTDOWN_TICK_MS);
  }
  // A page that is not live does not know what is true now.
  if (document.hidden || document.documentElement.hasAttribute("data-stale")) return;
  for (const element of elements) for (const [selector, act] of MOVING) if (element.matches(selector)) act(element);
}

function showElapsed(element) {
  element.title = element.dateTime;
  write(element, span(now() - Date.parse(element.dateTime)));
}

function appear(element) {
  element.hidden = now() < Number(element.dataset.appears);
}

function showSecondsLeft(element) {
  write(element, `${Math.max(0, Math.ceil((element.dataset.secondsLeft - now()) / 1000))} s`);
}

// The focus stays near: at the card, or at the part of the page, that the element was in.
function vanish(element) {
  if (now() < element.dataset.vanishes) return;
  if (element.contains(document.activeElement)) element.parentElement.closest("[tabindex]")?.focus({ preventScroll: true });
  element.remove();
}

// Widths are attributes of an SVG 1,000 wide.
function grow(bar) {
  const { growsFrom, growsMs, least = 4 } = bar.dataset;
  const width = Math.min(1000, Math.max(least, Math.round(((now() - growsFrom) / growsMs) * 1000)));
  bar.setAttribute("width", width);
  bar.toggleAttribute("data-near", width >= 800);
}

function countDown(element) {
  const due = Number(element.dataset.countdown ?? element.dataset.countsDown);
  const left = due - now();
  const label = element.parentElement.querySelector("[data-countdown-words]");
  if (left > 0) {
    write(label, element.dataset.countdownLabel ?? gettext("Next try in"));
    write(element, left < 10_000 ? gettext("%(n)s s", { n: number(Math.ceil(left / 100) / 10, 1) }) : span(left + 999));
    return;
  }
  write(label, element.dataset.countdownLabel ? gettext("Was due at") : gettext("Retried at"));
  write(element, CLOCK.format(due));
  element.closest(".attempts")?.setAttribute("data-due", "");
  element.removeAttribute("data-countdown");
  element.removeAttribute("data-counts-down");
}

function localClocks(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    element.title = element.dateTime;
    write(element, CLOCK.format(Date.parse(element.dateTime)));
    element.removeAttribute("data-clock");
  }
}

document.addEventListener("htmx:load", ({ detail }) => {
  localClocks(detail.elt);
  show(detail.elt);
});
localClocks(document);
tick();

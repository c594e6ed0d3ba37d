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

let timer;

function tick() {
  clearTimeout(timer);
  const countdowns = document.querySelectorAll("time[data-countdown], time[data-counts-down]");
  const isFast = countdowns.length || document.querySelector("[data-vanishes]");
  timer = setTimeout(tick, isFast ? COUNTDOWN_TICK_MS : TICK_MS);
  // A page that is not live does not know what is true now.
  if (document.hidden || document.documentElement.hasAttribute("data-stale")) return;
  for (const element of document.querySelectorAll("time[data-elapsed]")) {
    element.title = element.dateTime;
    write(element, span(now() - Date.parse(element.dateTime)));
  }
  countdowns.forEach(countDown);
  for (const element of document.querySelectorAll("[data-runs-since]")) write(element, span(now() - element.dataset.runsSince));
  for (const bar of document.querySelectorAll("[data-grows-from]")) grow(bar);
  for (const element of document.querySelectorAll("[data-appears][hidden]")) {
    element.hidden = now() < Number(element.dataset.appears);
  }
  for (const element of document.querySelectorAll("[data-seconds-left]")) {
    write(element, `${Math.max(0, Math.ceil((element.dataset.secondsLeft - now()) / 1000))} s`);
  }
  for (const element of document.querySelectorAll("[data-vanishes]")) if (now() >= element.dataset.vanishes) vanish(element);
}

// The focus stays near: at the card, or at the part of the page, that the element was in.
function vanish(element) {
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
  if (detail.elt.querySelector("time, [data-grows-from], [data-vanishes]")) tick();
});
localClocks(document);
tick();

// Times as "4 min ago", "12:18", "Tue 12:18" or "28 Nov", in the reader's language and zone. The exact time is the title.

import { gettext, LOCALE, number, pgettext } from "./words.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const WEEK_DAYS = 7;
const TICK_MS = 10_000;

const CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const DAY_OF_YEAR = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" });
const EXACT = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "long" });

const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());

export function relative(moment, now = new Date()) {
  const past = now - moment;
  if (past < 3_000) return pgettext("time", "now");
  if (past < MINUTE_MS) return gettext("%(count)s s ago", { count: Math.floor(past / 1000) });
  if (past < HOUR_MS) return gettext("%(count)s min ago", { count: Math.floor(past / MINUTE_MS) });
  const days = Math.round((midnight(now) - midnight(moment)) / 86_400_000);
  if (days === 0) return CLOCK.format(moment);
  if (days < WEEK_DAYS) return `${WEEKDAY.format(moment)} ${CLOCK.format(moment)}`;
  return moment.getFullYear() === now.getFullYear() ? DAY.format(moment) : DAY_OF_YEAR.format(moment);
}

// The time since a moment in one unit, rounded down as above: "15 min".
function span(moment, now) {
  const seconds = Math.max(0, (now - moment) / 1000);
  if (seconds < 60) return gettext("%(n)s s", { n: Math.floor(seconds) });
  if (seconds < 3_600) return gettext("%(n)s min", { n: Math.floor(seconds / 60) });
  return gettext("%(n)s h", { n: number(Math.floor(seconds / 360) / 10, 1) });
}

function write(root) {
  const now = new Date();
  if (document.documentElement.hasAttribute("data-stale")) return; // a page that is not live does not know
  for (const element of root.querySelectorAll("time[data-span]")) {
    const words = span(new Date(element.dateTime), now);
    if (element.textContent !== words) element.textContent = words;
  }
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const moment = new Date(element.dateTime);
    const words = relative(moment, now);
    if (element.textContent !== words) element.textContent = words;
    if (!element.dataset.exact) element.title = EXACT.format(moment);
    element.dataset.exact = "";
  }
}

write(document);
document.addEventListener("htmx:load", ({ detail: { elt } }) => write(elt));
setInterval(() => document.hidden || write(document), TICK_MS);

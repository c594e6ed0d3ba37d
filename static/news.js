// What the rules of the user tell on open pages: a count in the title of a hidden tab, toasts in the one that is seen.

import { nameTab } from "./tab_title.js";
import { toast } from "./ui.js";
import { ngettext } from "./words.js";

const MOST_SINGLE = 2;
const LOG = "/settings/notifications/";

let told = new Set();

async function see(ids) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const body = new URLSearchParams(ids.map((id) => ["id", id]));
  try {
    await fetch(`${LOG}seen/`, { method: "POST", body, headers: { "X-CSRFToken": token }, redirect: "error" });
  } catch {
    // The next look says them to the server again; this page has told them.
  }
}

// In a hidden tab nothing is told yet: a toast would be gone before anybody sees it.
export function tell(news) {
  if (document.hidden) {
    nameTab({ news: news.length });
    return;
  }
  nameTab({ news: 0 });
  if (!news.length) return;
  const fresh = news.filter(({ id }) => !told.has(id));
  told = new Set(news.map(({ id }) => id));
  if (fresh.length > MOST_SINGLE) {
    toast(ngettext("%(count)s notification", "%(count)s notifications", fresh.length), "info", false, LOG);
  } else {
    // The page that it is about shows it by itself.
    for (const { title, path } of fresh) if (path !== location.pathname) toast(title, "info", false, path);
  }
  see(news.map(({ id }) => id));
}

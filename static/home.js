// The figures of the first page, asked for again while somebody looks at the page.

import { keepSteady } from "./steady.js";
import { cameIn, elementFrom } from "./live/fragments.js";

const EVERY_MS = 10_000;

async function renew() {
  const old = document.getElementById("figures");
  if (document.hidden || !old || old.contains(document.activeElement) || old.matches(":hover")) return;
  const headers = { "HX-Request": "true", "HX-Target": "figures" };
  try {
    const answer = await fetch(location.pathname, { headers, redirect: "error", cache: "no-store" });
    if (!answer.ok) return;
    const fresh = elementFrom((await answer.text()).trim());
    keepSteady(() => old.replaceWith(fresh));
    cameIn(fresh);
  } catch {
    // The pill says that the server is silent; the next time may succeed.
  }
}

setInterval(renew, EVERY_MS);

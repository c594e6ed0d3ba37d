// Goes to any step of a run: to its card if it is on the page, otherwise the list is loaded again around it.

import { cameIn, elementsFrom } from "../live/fragments.js";
import { join } from "../live/older_steps.js";
import { lastSequence, unfold } from "../live/placement.js";
import { toast } from "../ui.js";
import { gettext } from "../words.js";

const section = document.querySelector("[data-poll]");

export const stepList = () => document.querySelector("[data-step-list]");

let loading = null; // of the step that was asked for last

const addressOf = (sequence) => `${location.pathname}?at=${sequence}#step-${sequence}`;

// True once the step is in view. Where the page has no list of steps, or another one, the browser goes to the page of it;
// without a connection it stays.
export async function goTo(sequence, { takesFocus = true } = {}) {
  loading?.abort();
  loading = new AbortController();
  const { signal } = loading;
  const steps = stepList();
  if (!cardOf(sequence) && steps && !steps.dataset.only) {
    const answer = await ask(`${section.dataset.poll}?at=${sequence}`, signal);
    if (!answer || signal.aborted) return false; // or another step was asked for meanwhile
    if (answer.ok) show(steps, answer.text, sequence);
  }
  const card = cardOf(sequence);
  if (card) reveal(card, takesFocus);
  else location.assign(addressOf(sequence));
  return Boolean(card);
}

// What the server answers: not ok where it leads to another page, as to sign in. Null without a connection, which is said.
export async function ask(address, signal) {
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, redirect: "manual", signal });
    const ok = answer.ok && !answer.headers.has("HX-Redirect");
    return { ok, text: ok ? await answer.text() : "" };
  } catch {
    if (!signal?.aborted) toast(gettext("No connection. Try again."), "error");
    return null;
  }
}

function cardOf(sequence) {
  return stepList()?.querySelector(`[data-step-seq="${sequence}"]`);
}

// Steps that arrived since the server answered are behind a link, as those that arrive from now on.
function show(steps, html, sequence) {
  steps.dataset.arrived = Math.max(Number(steps.dataset.arrived ?? 0), lastSequence(steps));
  steps.replaceChildren(...elementsFrom(html));
  steps.toggleAttribute("data-cut", Boolean(steps.querySelector(":scope > [data-newer]")));
  join(steps, "newer");
  cameIn(steps);
  history.replaceState(history.state, "", `${location.pathname}?at=${sequence}`);
}

function reveal(card, takesFocus) {
  unfold(card);
  if (takesFocus) card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  for (const other of document.querySelectorAll('a[data-go][aria-current]')) other.removeAttribute("aria-current");
  if (link.closest("[data-found]")) link.setAttribute("aria-current", "true");
  goTo(Number(link.dataset.go));
});

// An address with a step leads to its card, from where the keys go on. Not every browser opens the fold that it is in.
function followAddress() {
  const card = location.hash.startsWith("#step-") && document.getElementById(location.hash.slice(1));
  if (!card) return;
  const wasHidden = !card.checkVisibility();
  unfold(card);
  if (wasHidden) card.scrollIntoView({ block: "center" });
  card.focus({ preventScroll: true });
}

addEventListener("hashchange", followAddress);
followAddress();

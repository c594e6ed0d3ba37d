// Goes to any step of a run: to its card if it is on the page, otherwise the list is loaded again around it.

import { cameIn, elementsFrom, replaceAll } from "../live/fragments.js";

const section = document.querySelector("[data-poll]");

export const stepList = () => document.querySelector("[data-step-list]");

const addressOf = (sequence) => `${location.pathname}?at=${sequence}#step-${sequence}`;

// True once the step is in view. Where the page has no list of steps, or another one, the browser goes to the page of it.
export async function goTo(sequence, { takesFocus = true } = {}) {
  const steps = stepList();
  if (!cardOf(sequence) && (!steps || steps.dataset.only || !(await load(steps, sequence)))) {
    location.assign(addressOf(sequence));
    return false;
  }
  reveal(cardOf(sequence), takesFocus);
  return true;
}

function cardOf(sequence) {
  return stepList()?.querySelector(`[data-step-seq="${sequence}"]`);
}

async function load(steps, sequence) {
  try {
    const answer = await fetch(`${section.dataset.poll}?at=${sequence}`, { headers: { "HX-Request": "true" }, redirect: "error" });
    if (!answer.ok) return false;
    steps.replaceChildren(...elementsFrom(await answer.text()));
  } catch {
    return false;
  }
  steps.toggleAttribute("data-cut", Boolean(steps.querySelector(":scope > [data-newer]")));
  replaceAll(steps);
  cameIn(steps);
  history.replaceState(history.state, "", `${location.pathname}?at=${sequence}`);
  return Boolean(cardOf(sequence));
}

// The cards of a call's attempts and questions are inside its details.
function reveal(card, takesFocus) {
  for (let part = card.parentElement.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
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

// An address with a step leads to its card, from where the keys go on.
if (location.hash.startsWith("#step-")) document.getElementById(location.hash.slice(1))?.focus({ preventScroll: true });

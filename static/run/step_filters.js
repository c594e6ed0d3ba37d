// The chips above the steps: they count steps that arrive, and ] and } walk from one to the next. While the results of a
// search are shown, the keys walk those.

import { BARS_PX } from "../live/placement.js";
import { number } from "../words.js";
import { ask, goTo, stepList } from "./step_window.js";

const LAST = 999999999; // after every step
const chips = document.querySelector("[data-chips]");

let counted = Number(chips.closest("main").querySelector("[data-poll]").dataset.after);

// Steps that are loaded on scrolling are counted already.
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  const sequence = Number(elt.dataset?.stepSeq ?? 0);
  if (sequence <= counted) return;
  counted = sequence;
  for (const chip of chips.querySelectorAll("[data-chip]")) if (elt.matches(chip.dataset.selector)) countOne(chip);
});

function countOne(chip) {
  const count = chip.querySelector("[data-count]");
  count.dataset.count = Number(count.dataset.count) + 1;
  count.textContent = number(count.dataset.count);
  chip.hidden = false;
  chip.dataset.shown = "";
  const jumps = chips.querySelector(".step-jumps[hidden]");
  if (!jumps) return;
  jumps.hidden = false;
  for (const link of jumps.querySelectorAll("[data-match]")) {
    const { match: side } = link.dataset;
    link.dataset.matchOnly = chip.dataset.chip;
    link.setAttribute("aria-label", chip.dataset[side]);
    link.href = `${chips.dataset.chips}?only=${chip.dataset.chip}${side === "before" ? `&before=${LAST}` : ""}`;
  }
}

// The step from which to go on: the one with the focus, or the one before the first in view.
function here(side) {
  const focused = document.activeElement?.closest("[data-step-seq]");
  if (focused) return focused.dataset.stepSeq;
  const cards = [...stepList().querySelectorAll("[data-step-seq]")];
  const seen = cards.find((card) => card.getBoundingClientRect().top > BARS_PX);
  return Math.max(0, Number(seen?.dataset.stepSeq ?? 1) - (side === "after" ? 1 : 0));
}

async function jump(link) {
  const found = [...document.querySelectorAll("[data-found] a[data-go]")];
  if (found.length) return walk(found, link.dataset.match === "after" ? 1 : -1);
  const { match: side, matchOnly: only } = link.dataset;
  const address = `${chips.dataset.chips}?only=${only}&${side}=${here(side)}`;
  const answer = await ask(address);
  if (!answer) return;
  if (!answer.ok) return location.assign(link.href);
  const { sequence } = JSON.parse(answer.text);
  if (sequence) goTo(sequence);
}

function walk(found, by) {
  const at = found.findIndex((link) => link.hasAttribute("aria-current"));
  const next = found[at < 0 ? 0 : (at + by + found.length) % found.length];
  next.click();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-match]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  jump(link);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-found-close]")) return;
  event.preventDefault();
  const field = document.getElementById("step-search");
  document.getElementById("found").replaceChildren();
  field.value = "";
  field.focus();
});

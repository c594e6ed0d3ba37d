// A long page holds its newest steps only; older ones are loaded above on scrolling up.

import { cameIn, replaceAll } from "./fragments.js";
import { cardsIn, mergeTurns } from "./placement.js";

const MAX_CARDS = 500;

// A browser paints a new card among 500 in 13 ms, among 5,000 in 68 ms; removed ones are loaded again on scrolling up.
// Whole turns are removed.
export function keepFew(steps) {
  let tooMany = cardsIn(steps).length - MAX_CARDS;
  if (tooMany <= 0) return;
  for (const part of [...steps.children]) {
    if (tooMany <= 0) break;
    if (part.matches("[data-older]")) continue;
    tooMany -= part.matches("[data-step-seq]") ? 1 : cardsIn(part).length;
    part.remove();
  }
  const before = Math.min(...cardsIn(steps).map((card) => Number(card.dataset.stepSeq)));
  steps.querySelector("[data-older]")?.remove();
  if (!Number.isFinite(before)) return;
  const older = document.getElementById("older-link").content.firstElementChild.cloneNode(true);
  const link = older.querySelector("a");
  for (const name of ["href", "hx-get"]) link.setAttribute(name, link.getAttribute(name).replace("before=0", `before=${before}`));
  link.textContent = link.textContent.replace("before 0", `before ${before}`);
  steps.prepend(older);
  cameIn(older);
}

// Inserts older steps above, and keeps the scroll position of the visible ones.
export function watchOlder(steps) {
  let anchor, top;
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!detail.target.matches?.("[data-older]")) return;
    anchor = cardsIn(steps).find((card) => card.checkVisibility());
    top = anchor?.getBoundingClientRect().top;
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!anchor) return;
    mergeTurns(steps);
    replaceAll(steps);
    scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
    anchor = null;
  });
}

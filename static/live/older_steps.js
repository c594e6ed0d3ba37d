// A long list holds a window of its steps: older and newer ones are loaded on scrolling to an end of it, and what is far
// from there is removed. What is read stays where it is.

import { cameIn, replaceAll } from "./fragments.js";
import { BARS_PX, cardsIn, lastSequence, mergeTurns } from "./placement.js";

const MAX_CARDS = 500;
const LOAD_BEFORE_PX = 1_000;
const LINKS = "[data-older], [data-newer]";
const FOLDS = "[data-fold]"; // of equal turns
const SETTLED_MS = 500; // after we have moved the page

let movedAt = 0;

// A browser paints a new card among 500 in 13 ms, among 5,000 in 68 ms. Whole turns are removed, older or newer ones.
export function keepFew(steps, side = "older") {
  let tooMany = cardsIn(steps).length - MAX_CARDS;
  if (tooMany <= 0) return;
  const parts = [...steps.children].filter((part) => !part.matches(LINKS));
  for (const part of side === "older" ? parts : parts.reverse()) {
    if (tooMany <= 0) break;
    tooMany -= part.matches("[data-step-seq]") ? 1 : cardsIn(part).length;
    part.remove();
  }
  const numbers = cardsIn(steps).map((card) => Number(card.dataset.stepSeq));
  if (numbers.length) addLink(steps, side, side === "older" ? Math.min(...numbers) : Math.max(...numbers));
}

function addLink(steps, side, sequence) {
  steps.querySelector(`:scope > [data-${side}]`)?.remove();
  const link = document.getElementById(`${side}-link`).content.firstElementChild.cloneNode(true);
  const asked = side === "older" ? "before" : "newer";
  for (const anchor of link.querySelectorAll("[hx-get]")) {
    const address = new URL(anchor.getAttribute("hx-get"), location.href);
    address.searchParams.set(asked, sequence);
    if (steps.dataset.only) address.searchParams.set("only", steps.dataset.only);
    anchor.setAttribute("hx-get", address.pathname + address.search);
    const page = new URL(location.pathname, location.href);
    page.searchParams.set(side === "older" ? "before" : "at", side === "older" ? sequence : sequence + 50);
    if (steps.dataset.only) page.searchParams.set("only", steps.dataset.only);
    anchor.href = page.pathname + page.search;
    anchor.textContent = anchor.textContent.replace(/\b0\b/, sequence);
  }
  if (side === "older") steps.prepend(link);
  else steps.append(link);
  // Steps that arrive from now on are not beside the last one of the list.
  if (side === "newer") steps.setAttribute("data-cut", "");
  cameIn(link);
}

// The step or fold that is read, and where it is: the step with the focus, if that is in view, or the first one below the
// bars.
function placeIn(steps) {
  const isBelowBars = (card) => card.checkVisibility() && card.getBoundingClientRect().bottom > BARS_PX;
  const focused = document.activeElement?.closest("[data-step-seq]");
  const isRead = focused && steps.contains(focused) && isBelowBars(focused) && focused.getBoundingClientRect().top < innerHeight;
  const card = isRead ? focused : [...steps.querySelectorAll(`[data-step-seq], ${FOLDS}:not([open])`)].find(isBelowBars);
  return { card, top: card?.getBoundingClientRect().top };
}

// Once more after painting, when the steps above have their real heights, unless somebody has scrolled.
function keepPlace({ card, top }) {
  const moveBack = () => {
    movedAt = performance.now();
    if (card?.isConnected) scrollBy({ top: card.getBoundingClientRect().top - top, behavior: "instant" });
  };
  moveBack();
  const scrolledTo = scrollY;
  requestAnimationFrame(() => requestAnimationFrame(() => scrollY === scrolledTo && moveBack()));
}

// Steps came above or below, or others took their place.
export function join(steps, side) {
  const moved = mergeTurns(steps);
  replaceAll(steps);
  for (const card of moved) cameIn(card);
  if (side !== "newer" || steps.querySelector(":scope > [data-newer]")) return;
  const arrived = Number(steps.dataset.arrived ?? 0);
  if (arrived > lastSequence(steps)) addLink(steps, "newer", lastSequence(steps));
  else steps.removeAttribute("data-cut");
}

export function watchOlder(live) {
  const lists = [...new Set([live, document.querySelector("[data-step-list]")])].filter(Boolean);
  let loading = null;
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const steps = lists.find((list) => detail.target.parentElement === list);
    if (!steps || !detail.shouldSwap || !detail.target.matches?.(LINKS)) return;
    const side = detail.target.hasAttribute("data-older") ? "older" : "newer";
    loading = { steps, side, place: placeIn(steps) };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!loading) return;
    const { steps, side, place } = loading;
    loading = null;
    join(steps, side);
    keepFew(steps, side === "older" ? "newer" : "older");
    keepPlace(place);
  });
  loadOnScroll(lists);
}

// A link loads when it comes into view: the one to older steps only after it has been out of it, because it is above the
// first step, where a page may begin. In a list with folds, which may be short, so does the other one, or when somebody
// scrolls: what stays in view otherwise waits to be pressed, so that a run of equal turns is not loaded whole.
function loadOnScroll(lists) {
  const armed = new WeakSet();
  const waiting = new Set();
  const load = (link) => link.isConnected && window.htmx.trigger(link.querySelector("[hx-get]"), "in-view"); // a click would close menus
  const look = (entries) => {
    for (const { target, isIntersecting } of entries) {
      waiting.delete(target);
      if (!isIntersecting) armed.add(target);
      else if (armed.has(target)) load(target);
      else if (target.hasAttribute("data-newer")) waiting.add(target);
    }
  };
  let isScrolledByHand = false;
  for (const type of ["wheel", "touchmove"]) addEventListener(type, () => (isScrolledByHand = true), { passive: true });
  const scrolled = () => {
    if (!isScrolledByHand && !navigator.userActivation?.hasBeenActive) return; // the browser went to an anchor
    if (performance.now() - movedAt < SETTLED_MS) return;
    for (const link of [...waiting]) {
      waiting.delete(link);
      load(link);
    }
  };
  addEventListener("scroll", scrolled, { passive: true });
  const observer = new IntersectionObserver(look, { rootMargin: `${LOAD_BEFORE_PX}px 0px` });
  const watch = (root) => {
    for (const link of root.querySelectorAll(LINKS)) {
      if (link.hasAttribute("data-newer") && !root.querySelector(FOLDS)) armed.add(link);
      observer.observe(link);
    }
  };
  for (const list of lists) watch(list);
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt.matches?.(LINKS) && elt.parentElement) watch(elt.parentElement);
    else if (lists.includes(elt)) watch(elt);
  });
}

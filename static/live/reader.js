// A reader at the end of the steps follows them; the scroll position of others is kept. The page itself never moves while
// the stage is in view.

import { areOn } from "../keys.js";
import { ngettext } from "../words.js";
import { cardsIn } from "./placement.js";

const AT_THE_END_PX = 96;
const TYPED_IN = "input, textarea, select, [contenteditable]";

export class Reader {
  constructor(section, steps) {
    this.section = section;
    this.steps = steps;
    this.stage = document.getElementById("stage");
    this.jump = document.querySelector("[data-jump]");
    this.unseen = 0;
    this.watch();
  }

  watch() {
    this.isAtTheEnd = false;
    this.scrolledTo = scrollY;
    // Told by the browser when it has laid the page out: to ask between two changes would lay it out for each.
    this.stageIsSeen = this.stage.getBoundingClientRect().bottom > 0;
    const seen = ([{ isIntersecting }]) => (this.stageIsSeen = isIntersecting);
    new IntersectionObserver(seen, { rootMargin: "0px 0px 100000px 0px" }).observe(this.stage);
    // Only a reader scrolls up; growth below (a card gets its real height when it is painted) does not.
    const look = () => {
      if (this.steps.hasAttribute("data-cut")) this.isAtTheEnd = false;
      else if (this.isInView()) this.isAtTheEnd = true;
      else if (scrollY < this.scrolledTo) this.isAtTheEnd = false;
      this.scrolledTo = scrollY;
      this.showUnseen(this.isInView() ? -this.unseen : 0);
    };
    new ResizeObserver(() => this.isFollowing() && this.toTheEnd()).observe(this.steps);
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look, { passive: true });
    this.steps.addEventListener("toggle", look, { capture: true });
    this.jump?.addEventListener("click", () => {
      if (this.steps.hasAttribute("data-cut")) return location.assign(location.pathname);
      this.isAtTheEnd = true;
      this.toTheEnd();
      this.showUnseen(-this.unseen);
    });
    document.addEventListener("keydown", (event) => this.walk(event));
    look();
  }

  // The end of the steps is in the window.
  isInView() {
    return this.steps.getBoundingClientRect().bottom < innerHeight + AT_THE_END_PX;
  }

  seesStage() {
    return this.stageIsSeen;
  }

  isFollowing() {
    const selection = getSelection();
    const isReading = !selection.isCollapsed && this.steps.contains(selection.anchorNode);
    if (this.steps.hasAttribute("data-cut")) return false;
    return this.isAtTheEnd && !this.seesStage() && !isReading && !this.steps.contains(document.activeElement);
  }

  // Somebody reads here: the page does not follow its end.
  stay() {
    this.isAtTheEnd = false;
    this.scrolledTo = scrollY;
  }

  toTheEnd() {
    const { bottom } = this.steps.getBoundingClientRect();
    scrollBy({ top: Math.max(0, bottom - innerHeight + AT_THE_END_PX), behavior: "instant" });
    this.scrolledTo = scrollY;
  }

  followTo(cards) {
    this.toTheEnd();
    if (cards.length <= 3) for (const card of cards) card.classList.add("step-new");
  }

  // At the next frame, for the same reason.
  showUnseenSoon(more) {
    this.arrived = (this.arrived ?? 0) + more;
    this.due ??= requestAnimationFrame(() => {
      const arrived = this.arrived;
      this.due = null;
      this.arrived = 0;
      this.showUnseen(arrived);
    });
  }

  showUnseen(more) {
    this.unseen = this.isInView() ? 0 : Math.max(0, this.unseen + more);
    if (!this.jump || this.steps.hidden) return;
    const text = ngettext("%(count)s new step", "%(count)s new steps", this.unseen);
    this.jump.hidden = !this.unseen || document.getElementById("run-state").hasAttribute("data-ended");
    this.jump.querySelector("[data-jump-text]").textContent = text;
  }

  // j and k move from card to card.
  walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key) || !areOn()) return;
    if (event.target.closest?.(TYPED_IN) || document.querySelector("dialog[open]")) return;
    const cards = cardsIn(this.steps).filter((card) => card.checkVisibility());
    const at = cards.indexOf(event.target.closest?.("[data-step-seq]"));
    const next = event.key === "j" ? cards[at + 1] : cards[at < 0 ? cards.length - 1 : at - 1];
    if (!next) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}

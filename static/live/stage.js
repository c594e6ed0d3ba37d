// The stage: the one card of a run's page that shows the most important thing now. Its face comes from the server; replies
// in the making are written into it. It keeps its place and, while a run is watched, its height.

import { cameIn } from "./fragments.js";
import { keepUnsent, typedIn } from "./typed_text.js";

const WHOLE = "stage-whole"; // in this session's storage: all of it is shown, however high it gets
const END_PX = 24;
const AT_WORK = ["thinking", "race", "tools", "retry", "queued", "paused", "stopping"];

function stored(change) {
  try {
    return change(sessionStorage);
  } catch {
    return null; // Storage may be forbidden.
  }
}

const sameIn = (face, id) => (id ? face.querySelector(`#${CSS.escape(id)}`) : null);

// What was typed about a question that is still open stays in its field.
function goesOn(field, face) {
  const same = sameIn(face, field.id);
  if (same) same.value = field.value;
  return Boolean(same);
}

export class Stage {
  constructor() {
    this.element = document.getElementById("stage");
    this.replies = this.element.querySelector("[data-replies]");
    this.size = this.element.querySelector("[data-stage-size]");
    this.isAtTheEnd = true;
    this.replies.addEventListener("scroll", () => this.look(), { passive: true });
    this.element.addEventListener("scroll", () => this.markHidden(), { passive: true, capture: true });
    this.sizes = new ResizeObserver(() => this.markHidden());
    this.sizes.observe(this.element);
    this.size.addEventListener("click", () => this.resize(!this.element.hasAttribute("data-whole")));
    document.addEventListener("visibilitychange", () => document.hidden && this.fit());
    new IntersectionObserver(([{ isIntersecting }]) => isIntersecting || this.fit()).observe(this.element);
    if (AT_WORK.includes(this.face.dataset.face)) this.watch();
  }

  get face() {
    return document.getElementById("stage-face");
  }

  // Whoever watched the run keeps a stage of the same height at its end, so that nothing moves.
  watch() {
    this.element.setAttribute("data-seen-live", "");
    this.element.removeAttribute("data-fits");
    this.resize(stored((storage) => storage.getItem(WHOLE)) === "yes", false);
    this.markHidden();
  }

  // The gap below a result that is shorter than the stage goes while nobody looks.
  fit() {
    const isCut = !this.size.hidden || this.element.hasAttribute("data-more");
    if (!AT_WORK.includes(this.face.dataset.face) && !isCut) this.element.setAttribute("data-fits", "");
  }

  // The button and the fade are there while some text is hidden; the button also while all of it is shown as asked.
  markHidden() {
    if (!this.element.hasAttribute("data-seen-live")) return;
    const scrollers = [this.replies, this.element.querySelector(".stage-body")].filter((each) => each?.clientHeight);
    const hidden = scrollers.map((each) => each.scrollHeight - each.clientHeight - each.scrollTop);
    const cut = scrollers.filter((each) => each.scrollHeight > each.clientHeight + 1);
    const isCut = cut.length > 0;
    // What scrolls can be scrolled by keys.
    for (const each of scrollers) {
      if (cut.includes(each)) each.setAttribute("tabindex", "0");
      else each.removeAttribute("tabindex");
    }
    this.size.hidden = !isCut && !this.element.hasAttribute("data-whole");
    this.element.toggleAttribute("data-more", hidden.some((px) => px > 1));
  }

  resize(isWhole, isAsked = true) {
    this.element.toggleAttribute("data-whole", isWhole);
    this.size.setAttribute("aria-pressed", String(isWhole));
    this.markHidden();
    if (isAsked) stored((storage) => storage.setItem(WHOLE, isWhole ? "yes" : "no"));
  }

  show(fresh) {
    if (this.face.querySelector(".stage-body[tabindex]")) fresh?.querySelector(".stage-body")?.setAttribute("tabindex", "0");
    if (!fresh || this.face.isEqualNode(fresh)) return;
    const { face: old } = this;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const typed = typedIn(old).filter((field) => !goesOn(field, fresh));
    for (const { id } of old.querySelectorAll("details[open][id]")) sameIn(fresh, id)?.setAttribute("open", "");
    old.replaceWith(fresh);
    cameIn(fresh);
    if (AT_WORK.includes(fresh.dataset.face)) this.watch();
    this.markHidden();
    keepUnsent(typed, (kept) => this.element.querySelector("[data-kept]").append(kept));
    const next = focused && (sameIn(fresh, focused.id) ?? fresh.querySelector("button:not([disabled]), a[href]") ?? this.element);
    next?.focus({ preventScroll: true });
  }

  look() {
    const { scrollHeight, scrollTop, clientHeight } = this.replies;
    this.isAtTheEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    this.markHidden();
  }

  // A growing reply scrolls inside the stage, with a reader who is at its end and has selected none of it.
  grow(change) {
    const selection = getSelection();
    const isReading = !selection.isCollapsed && this.replies.contains(selection.anchorNode);
    const follows = this.isAtTheEnd && !isReading;
    change();
    if (follows) this.replies.scrollTop = this.replies.scrollHeight;
    this.look();
  }

  // The end of a reply that has more than the stage shows is read.
  isFollowed() {
    return this.isAtTheEnd && this.replies.scrollHeight > this.replies.clientHeight + 1;
  }

  // The reply became the answer: its end stays in view.
  toTheEnd() {
    const answer = this.element.querySelector("[data-answer]");
    answer?.scrollTo({ top: answer.scrollHeight, behavior: "instant" });
  }

  // The place in the reply that somebody reads who has scrolled up in it; null for one who follows.
  placeIn(replies) {
    if (this.isAtTheEnd) return null;
    const box = this.replies.getBoundingClientRect();
    return replies.readAt((box.top + box.bottom) / 2);
  }

  // The reply became the answer, or an unfinished reply among the steps: show the same place of it.
  keepPlace(place, card) {
    const text = card?.querySelector("[data-words]") ?? this.element.querySelector("[data-answer]");
    if (!place || !text) return;
    const scroller = card ? document.scrollingElement : text;
    const middle = card ? innerHeight / 2 : text.clientHeight / 2;
    const height = card ? text.getBoundingClientRect().height : text.scrollHeight;
    const top = card ? text.getBoundingClientRect().top + scroller.scrollTop : 0;
    scroller.scrollTo({ top: top + place.share * height - middle, behavior: "instant" });
  }
}

// A reader at the end of the page follows it; the scroll position of others is kept.

const AT_THE_END_PX = 96;

export class Reader {
  constructor(section, steps) {
    this.section = section;
    this.steps = steps;
    this.jump = document.querySelector("[data-jump]");
    this.unseen = 0;
    this.watch();
    this.openAtTheEnd();
  }

  watch() {
    this.isAtTheEnd = false;
    this.scrolledTo = scrollY;
    // Only a reader scrolls up; growth below (a card gets its real height when it is painted) does not.
    const look = () => {
      const left = document.documentElement.scrollHeight - scrollY - innerHeight;
      if (left < AT_THE_END_PX) this.isAtTheEnd = true;
      else if (scrollY < this.scrolledTo) this.isAtTheEnd = false;
      this.scrolledTo = scrollY;
      this.showUnseen(this.isAtTheEnd ? -this.unseen : 0);
    };
    new ResizeObserver(() => this.isFollowing() && this.toTheEnd()).observe(this.steps);
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look, { passive: true });
    this.steps.addEventListener("toggle", look, { capture: true });
    this.jump?.addEventListener("click", () => {
      this.isAtTheEnd = true;
      this.toTheEnd();
      this.showUnseen(-this.unseen);
    });
    this.steps.addEventListener("keydown", (event) => this.walk(event));
    look();
  }

  isFollowing() {
    const selection = getSelection();
    const isReading = !selection.isCollapsed && this.steps.contains(selection.anchorNode);
    return this.isAtTheEnd && !isReading && !this.steps.contains(document.activeElement);
  }

  // A growing reply at the end of the page scrolls with a reader who is there.
  grow(change) {
    const follow = this.isFollowing();
    change();
    if (follow) this.toTheEnd();
  }

  toTheEnd() {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.scrolledTo = scrollY;
  }

  // The place in the replies that a reader above the end looks at: the middle of the window.
  placeIn(replies) {
    return this.isFollowing() ? null : replies.readAt(innerHeight / 2);
  }

  // The replies became cards, whose height differs because Markdown is rendered: scroll to the same place in them.
  keepPlace(place, cards) {
    if (!place) return;
    const last = cards.findIndex((card) => card.dataset.card === place.name);
    if (last < 0) return;
    const thoughts = cards.slice(0, last).findLast((card) => card.dataset.stepKind === "reasoning");
    const card = place.kind === "reasoning" && thoughts ? thoughts : cards[last];
    card.classList.add("step-read");
    const box = (card.querySelector("[data-words], [data-answer], .step-body") ?? card).getBoundingClientRect();
    scrollBy({ top: box.top + place.share * box.height - innerHeight / 2, behavior: "instant" });
    this.scrolledTo = scrollY;
  }

  followTo(cards) {
    this.toTheEnd();
    if (cards.length <= 3) for (const card of cards) card.classList.add("step-new");
  }

  showUnseen(more) {
    this.unseen = Math.max(0, this.unseen + more);
    if (!this.jump) return;
    this.jump.hidden = this.isAtTheEnd || (!this.unseen && this.section.hasAttribute("data-ended"));
    if (this.isAtTheEnd) this.unseen = 0;
    const text = this.unseen ? `${this.unseen} new step${this.unseen === 1 ? "" : "s"}` : "Latest";
    this.jump.querySelector("[data-jump-text]").textContent = text;
  }

  openAtTheEnd() {
    if (location.hash || this.section.hasAttribute("data-past")) return;
    const isLong = this.steps.querySelector("[data-older]");
    if (!isLong && this.section.hasAttribute("data-ended")) return;
    this.isAtTheEnd = true;
    this.toTheEnd();
  }

  // j and k move from card to card, while one of them has the focus.
  walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
    const card = event.target.closest("[data-step-seq]");
    const next = event.key === "j" ? card?.nextElementSibling : card?.previousElementSibling;
    if (!next?.matches("[data-step-seq]")) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}

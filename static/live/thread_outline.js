// The messages of a thread as a list beside it, where there is room: a link to each, and which one is read.

const MOST_CHARS = 90;
const FEWEST = 2; // messages; one alone needs no list

export class Outline {
  constructor(thread, nav) {
    this.thread = thread;
    this.nav = nav;
    this.reading = new IntersectionObserver((seen) => this.mark(seen), { rootMargin: "-15% 0px -70% 0px" });
    new MutationObserver(() => this.list()).observe(thread, { childList: true });
    this.list();
  }

  list() {
    const entries = [...this.thread.querySelectorAll(":scope > [data-thread-run]")];
    this.nav.hidden = entries.length < FEWEST;
    this.nav.querySelector("ol").replaceChildren(...entries.map((entry) => this.item(entry)));
    this.reading.disconnect();
    for (const entry of entries) this.reading.observe(entry);
  }

  item(entry) {
    const [item, link] = [document.createElement("li"), document.createElement("a")];
    const words = entry.querySelector(".thread-said").textContent.trim().replace(/\s+/g, " ");
    const chars = [...words.slice(0, 2 * MOST_CHARS)];
    link.href = `#${entry.id}`;
    link.dir = "auto";
    link.textContent = chars.length > MOST_CHARS ? `${chars.slice(0, MOST_CHARS).join("")}…` : words;
    item.append(link);
    return item;
  }

  mark(seen) {
    const read = seen.find(({ isIntersecting }) => isIntersecting)?.target;
    if (!read) return;
    for (const link of this.nav.querySelectorAll("a")) {
      if (link.hash === `#${read.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}

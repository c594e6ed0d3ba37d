// The minimap of a long run: one bar for each stretch of its steps, and a frame around those in view. It is a slider.

import { gettext, number } from "../words.js";
import { goTo, stepList } from "./step_window.js";

const HEIGHT = 28;
const TONES = ["", "run", "answer", "you", "error"]; // from the least to the most important
const SETTLE_MS = 250;
const LOOK_AGAIN_MS = 10_000;
const KINDS = { answer: "answer", approval: "you", error: "error", note: "", retry: "" };

class Minimap {
  constructor(element) {
    this.element = element;
    this.map = element.querySelector("svg");
    this.bars = element.querySelector("[data-bins]");
    this.frame = element.querySelector("[data-frame]");
    this.last = 0;
    this.size = 1;
    this.load();
    addEventListener("scroll", () => this.lookSoon(), { passive: true });
    addEventListener("resize", () => this.lookSoon(), { passive: true });
    document.addEventListener("htmx:load", ({ detail: { elt } }) => this.came(elt));
    this.map.addEventListener("keydown", (event) => this.press(event));
    this.map.addEventListener("pointerdown", (event) => this.drag(event));
  }

  // With the ETag that came last: the browser keeps nothing of signed-in people.
  async load() {
    const headers = this.tag ? { "If-None-Match": this.tag } : {};
    try {
      const answer = await fetch(this.element.dataset.minimap, { headers, redirect: "error" });
      if (!answer.ok) return;
      this.tag = answer.headers.get("ETag");
      this.draw(await answer.json());
    } catch {
      // It is drawn at the next step.
    }
  }

  draw({ last, size, bins }) {
    Object.assign(this, { last, size });
    this.bars.replaceChildren(...bins.map(([tone, height], at) => bar(at, tone, height)));
    this.fit();
  }

  fit() {
    this.element.hidden = this.last <= Number(this.element.dataset.fromSteps);
    this.map.setAttribute("viewBox", `0 0 ${Math.max(1, this.bars.children.length)} ${HEIGHT}`);
    this.map.setAttribute("aria-valuemax", this.last);
    this.lookSoon();
  }

  // A step arrived: it is in the last bar. How long it took comes with the next look.
  came(card) {
    const sequence = Number(card.dataset?.stepSeq);
    if (!sequence) return this.lookSoon();
    if (sequence <= this.last) return;
    this.last = sequence;
    const at = Math.floor((sequence - 1) / this.size);
    const tone = KINDS[card.dataset.stepKind] ?? (card.dataset.state === "failed" ? "error" : "run");
    const old = this.bars.children[at];
    if (!old) this.bars.append(bar(this.bars.children.length, tone, 5));
    else if (TONES.indexOf(tone) > TONES.indexOf(old.dataset.tone)) old.dataset.tone = tone;
    this.fit();
    this.again ??= setTimeout(() => {
      this.again = null;
      this.load();
    }, LOOK_AGAIN_MS);
  }

  lookSoon() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.look();
    });
  }

  // The steps in view, by the turns that are.
  look() {
    if (this.isMoved || this.element.hidden) return;
    const below = this.map.getBoundingClientRect().bottom;
    const parts = [...stepList().children].filter((part) => {
      const { top, bottom } = part.getBoundingClientRect();
      return bottom > below && top < innerHeight;
    });
    const numbers = [parts[0], parts.at(-1)].flatMap((part) => (part ? numbersIn(part) : []));
    if (numbers.length) this.show(Math.min(...numbers), Math.max(...numbers));
  }

  show(first, last) {
    const width = Math.max((last - first + 1) / this.size, this.bars.children.length / 100);
    this.frame.setAttribute("x", Math.min((first - 1) / this.size, this.bars.children.length - width));
    this.frame.setAttribute("width", width);
    this.value = first;
    this.map.setAttribute("aria-valuenow", first);
    this.map.setAttribute("aria-valuetext", gettext("Step %(n)s of %(last)s", { n: number(first), last: number(this.last) }));
  }

  // Moved with a key or the pointer: the list follows when it is at rest.
  move(to) {
    const sequence = Math.min(Math.max(1, Math.round(to)), this.last);
    this.isMoved = true;
    this.show(sequence, sequence);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.settle(), SETTLE_MS);
  }

  async settle() {
    clearTimeout(this.settling);
    await goTo(this.value, { takesFocus: false });
    this.isMoved = false;
  }

  press(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const to = { Home: 1, End: this.last }[event.key] ?? this.value + steps[event.key] * this.size;
    if (Number.isNaN(to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.move(to);
  }

  drag(event) {
    const follow = ({ clientX }) => {
      const { left, width } = this.map.getBoundingClientRect();
      this.move(((clientX - left) / width) * this.last);
    };
    this.map.setPointerCapture(event.pointerId);
    follow(event);
    const dragging = new AbortController();
    const { signal } = dragging;
    const end = () => {
      dragging.abort();
      this.settle();
    };
    this.map.addEventListener("pointermove", follow, { signal });
    for (const last of ["pointerup", "pointercancel"]) this.map.addEventListener(last, end, { signal });
  }
}

function bar(at, tone, height) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const geometry = { x: at, y: HEIGHT - height, width: 0.8, height };
  for (const [name, value] of Object.entries(geometry)) rect.setAttribute(name, value);
  rect.dataset.tone = tone;
  return rect;
}

function numbersIn(part) {
  const own = part.matches("[data-step-seq]") ? [part] : [];
  return [...own, ...part.querySelectorAll("[data-step-seq]")].map((card) => Number(card.dataset.stepSeq));
}

const element = document.querySelector("[data-minimap]");
if (element) new Minimap(element);

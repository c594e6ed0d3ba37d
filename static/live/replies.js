// Replies in the making on the page: what a model says before the step that says it all.

import { gettext, number } from "../words.js";
import { LivePiece } from "./blocks.js";
import { ReplyState, endsOf, numbers } from "./reply_state.js";

export class Replies {
  constructor(place, grows, models = []) {
    this.place = place;
    this.models = models;
    this.grows = grows;
    this.state = new ReplyState();
    this.painted = new Map(); // by card: its element, the reply in it, and the pieces of that
    this.due = 0;
  }

  // True if the frame is of replies.
  hear(frame) {
    if (!this.state.hear(frame)) return false;
    this.takeAway();
    this.paintSoon();
    return true;
  }

  // A step is there that says it all, as far as it came, or says that it came to nothing.
  endedBy(step) {
    const ends = endsOf(step.dataset);
    const isCutOff = ["retry", "race"].includes(step.dataset.stepKind);
    const said = isCutOff ? ends.map((name) => this.wordsOf(name)).filter(Boolean) : [];
    this.state.end(ends);
    this.takeAway();
    for (const words of said) this.void(step, words);
  }

  doubt() {
    this.state.doubt();
  }

  forgetUnheard() {
    this.state.forgetUnheard();
    this.takeAway();
  }

  clear() {
    this.state.clear();
    this.takeAway();
  }

  // At once, so that no text is on the page twice. A card that was taken away and opened again has another reply.
  takeAway() {
    for (const [name, { element, reply }] of [...this.painted]) {
      if (this.state.open.get(name) === reply) continue;
      element.remove();
      this.painted.delete(name);
    }
  }

  // Many pieces, one change of the page per frame; a page nobody looks at is painted when somebody does.
  paintSoon() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.grows(() => this.state.open.forEach((reply, name) => this.paint(name, reply)));
    });
  }

  paint(name, reply) {
    if (!reply.pieces.length) return;
    if (!this.painted.has(name)) {
      this.painted.set(name, { element: this.place.appendChild(this.elementOf(name)), reply, pieces: [] });
    }
    if (this.painted.size > 1) this.nameLanes();
    const { element, pieces } = this.painted.get(name);
    const body = element.querySelector("[data-reply-text]");
    this.state.said(name).forEach(([kind, text], index) => {
      if (pieces[index]?.element.dataset.said !== kind) {
        pieces.splice(index).forEach((piece) => piece.element.remove());
        pieces.push(new LivePiece(kind));
        body.append(pieces[index].element);
      }
      pieces[index].paint(text, reply.blocks.filter(([piece]) => piece === index));
    });
  }

  elementOf(name) {
    const element = document.getElementById("reply-card").content.firstElementChild.cloneNode(true);
    const [, , attempt, lane] = numbers(name);
    element.dataset.reply = name;
    element.dataset.lane = lane;
    element.querySelector("[data-which]").textContent = attempt > 1 ? gettext("Attempt %(n)s", { n: number(attempt) }) : "";
    return element;
  }

  // Several models at once: each with its name.
  nameLanes() {
    for (const { element } of this.painted.values()) {
      const { lane } = element.dataset;
      const model = this.models[lane - 1] ?? gettext("Model %(n)s", { n: number(lane) });
      element.querySelector("[data-which]").textContent = gettext("%(model)s is writing", { model });
    }
  }

  // What somebody reads at that height of the window: which reply, what of it, and the share of that which is above.
  readAt(height) {
    for (const [name, { element }] of this.painted) {
      for (const part of element.querySelectorAll("[data-said]")) {
        const box = part.getBoundingClientRect();
        if (box.top <= height && height < box.bottom) return { name, kind: part.dataset.said, share: (height - box.top) / box.height };
      }
    }
    return null;
  }

  wordsOf(name) {
    return this.state.said(name).map(([, text]) => text).join("\n\n");
  }

  void(step, said) {
    const voided = document.getElementById("voided-reply").content.firstElementChild.cloneNode(true);
    voided.querySelector("[data-voided]").textContent = said;
    (step.querySelector(".step-body") ?? step).append(voided);
  }
}

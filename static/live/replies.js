// Replies in the making: what a model says before the step that says it all.

export class Replies {
  constructor(place, grows) {
    this.place = place;
    this.grows = grows;
    this.cards = new Map();
    this.endedTurn = [0, 0];
    this.endedCards = new Set();
    this.due = 0;
  }

  // A chunk that does not follow on the last one means that some were missed: the next snap has them.
  delta(chunks, kinds = []) {
    chunks.forEach(([name, number, text], index) => {
      if (this.isOver(name)) return;
      if (number === 1 && !this.cards.has(name)) this.open(name);
      const card = this.cards.get(name);
      if (card?.chunk !== number - 1) return;
      card.chunk = number;
      card.isStale = false;
      card.fresh.push([kinds[index] ?? "text", text]);
    });
    this.paintSoon();
  }

  snap([name, number, text], kinds) {
    if (text === null) return this.remove(name);
    if (this.isOver(name)) return;
    const card = this.cards.get(name) ?? this.open(name);
    card.isStale = false;
    if (card.chunk >= number) return;
    card.chunk = number;
    card.isWhole = true;
    card.fresh = pieces(text, kinds);
    this.paintSoon();
  }

  open(name) {
    const [epoch] = numbers(name);
    for (const other of this.cards.keys()) if (numbers(other)[0] < epoch) this.remove(other);
    const card = { chunk: 0, fresh: [], isWhole: false, isStale: false, element: null };
    this.cards.set(name, card);
    return card;
  }

  // Many pieces, one change of the page per frame; a page nobody looks at is painted when somebody does.
  paintSoon() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.grows(() => this.cards.forEach((card, name) => this.paint(card, name)));
    });
  }

  paint(card, name) {
    if (!card.fresh.length) return;
    card.element ??= this.place.appendChild(this.elementOf(name));
    const body = card.element.querySelector("[data-reply-text]");
    if (card.isWhole) body.replaceChildren();
    card.isWhole = false;
    for (const [kind, text] of card.fresh) {
      if (body.lastElementChild?.dataset.said !== kind) {
        const part = document.createElement("p");
        part.dataset.said = kind;
        part.dir = "auto";
        part.append("");
        body.append(part);
      }
      body.lastElementChild.lastChild.appendData(text);
    }
    card.fresh = [];
  }

  elementOf(name) {
    const element = document.getElementById("reply-card").content.firstElementChild.cloneNode(true);
    const [, , attempt, lane] = numbers(name);
    element.dataset.reply = name;
    const which = [attempt > 1 && `attempt ${attempt}`, lane > 1 && `model ${lane}`].filter(Boolean);
    element.querySelector("[data-which]").textContent = which.join(", ");
    return element;
  }

  // A step is there that says it all, as far as it came, or says that it came to nothing.
  endedBy(step) {
    const name = step.dataset.card;
    if (!name) return;
    if ("unfinished" in step.dataset) {
      this.endedCards.add(name);
      this.remove(name);
      return;
    }
    if (["retry", "race"].includes(step.dataset.stepKind)) {
      for (const each of (step.dataset.cards ?? name).split(" ")) this.cutOff(each, step);
      return;
    }
    const turn = numbers(name).slice(0, 2);
    if (isBefore(this.endedTurn, turn)) this.endedTurn = turn;
    this.endedCards.clear();
    for (const other of [...this.cards.keys()]) if (this.isOver(other)) this.remove(other);
  }

  cutOff(name, step) {
    const said = this.saidIn(name);
    this.endedCards.add(name);
    this.remove(name);
    if (said) this.void(step, said);
  }

  // What somebody reads at that height of the window: which reply, what of it, and the share of that which is above.
  readAt(height) {
    for (const [name, { element }] of this.cards) {
      for (const part of element?.querySelectorAll("[data-said]") ?? []) {
        const box = part.getBoundingClientRect();
        if (box.top <= height && height < box.bottom) return { name, kind: part.dataset.said, share: (height - box.top) / box.height };
      }
    }
    return null;
  }

  saidIn(name) {
    const card = this.cards.get(name);
    if (!card || !(card.element || card.fresh.length)) return "";
    this.paint(card, name);
    return [...card.element.querySelectorAll("[data-said]")].map((part) => part.textContent).join("\n\n");
  }

  void(step, said) {
    const voided = document.getElementById("voided-reply").content.firstElementChild.cloneNode(true);
    voided.querySelector("[data-voided]").textContent = said;
    (step.querySelector(".step-body") ?? step).append(voided);
  }

  isOver(name) {
    return this.endedCards.has(name) || !isBefore(this.endedTurn, numbers(name).slice(0, 2));
  }

  remove(name) {
    this.cards.get(name)?.element?.remove();
    this.cards.delete(name);
  }

  removeAll(which = () => true) {
    for (const [name, card] of [...this.cards]) if (which(card)) this.remove(name);
  }

  // After the connection was gone, what nobody says again is no longer true.
  doubt() {
    for (const card of this.cards.values()) card.isStale = true;
  }
}

// Epoch, turn, attempt and lane.
function numbers(card) {
  return card.split("-").map(Number);
}

function isBefore([epoch, turn], [otherEpoch, otherTurn]) {
  return epoch < otherEpoch || (epoch === otherEpoch && turn < otherTurn);
}

// The kinds count characters; a string is indexed by halves of them.
function pieces(text, kinds) {
  if (!kinds) return [["text", text]];
  const characters = [...text];
  let start = 0;
  return kinds.map(([kind, length]) => [kind, characters.slice(start, (start += length)).join("")]);
}

// The state machine of replies in the making: the open cards and the content of each. It does not touch the page.
// runs/live/feeds/reply_state.py is the same machine and documents its rules; both are tested with
// tests/live/feeds/reply_stream_cases.json.

export class ReplyState {
  constructor() {
    this.open = new Map(); // replies by card, in the order of opening
    this.ended = new Set(); // cards that ended before the reply of their turn was recorded
    this.epoch = 0; // the last claim that has written or whose reply is recorded
    this.turn = 0; // the last turn whose reply is recorded
  }

  // True for a frame of replies.
  hear({ delta, snap, kinds, blocks }) {
    if (snap) this.hearSnap(snap, kinds);
    else if (blocks) this.hearBlocks(blocks);
    else delta?.forEach((chunk, index) => this.hearChunk(chunk, kinds?.[index] ?? "text"));
    return Boolean(snap || delta || blocks);
  }

  // A card by its name, or all cards of a turn as `epoch-turn`.
  end(names) {
    for (const name of names) {
      const [epoch, turn, attempt] = numbers(name);
      if (attempt === undefined) this.decide(epoch, turn);
      else this.ended.add(name);
    }
    for (const name of [...this.ended]) if (this.isDecided(name)) this.ended.delete(name);
    for (const name of [...this.open.keys()]) if (this.isOver(name)) this.open.delete(name);
  }

  // After a reconnect, cards without a new frame are outdated.
  doubt() {
    for (const reply of this.open.values()) reply.isStale = true;
  }

  forgetUnheard() {
    for (const [name, reply] of [...this.open]) if (reply.isStale) this.open.delete(name);
  }

  clear() {
    this.open.clear();
  }

  // A card's content: pieces of kind and text, no two of one kind side by side.
  said(name) {
    return (this.open.get(name)?.pieces ?? []).map((piece) => [...piece]);
  }

  hearChunk([name, number, text], kind) {
    if (this.isOver(name)) return;
    const reply = this.open.get(name) ?? (number === 1 ? this.begin(name) : null);
    if (reply?.number !== number - 1) return;
    reply.number = number;
    reply.isStale = false;
    addTo(reply.pieces, kind, text);
  }

  hearSnap([name, number, text], kinds) {
    if (text === null) this.open.delete(name);
    if (text === null || this.isOver(name)) return;
    const known = this.open.get(name);
    const reply = known ?? this.begin(name);
    reply.isStale = false;
    if (known && number <= known.number) return;
    reply.number = number;
    reply.pieces = split(text, kinds); // a new array, so that a painter of the old pieces sees the change
  }

  hearBlocks([name, first, blocks]) {
    const reply = this.open.get(name);
    if (reply && first <= reply.blocks.length) reply.blocks.splice(first, Infinity, ...blocks);
  }

  begin(name) {
    [this.epoch] = numbers(name);
    for (const other of [...this.open.keys()]) if (numbers(other)[0] < this.epoch) this.open.delete(other);
    const reply = { number: 0, pieces: [], blocks: [], isStale: false };
    this.open.set(name, reply);
    return reply;
  }

  decide(epoch, turn) {
    this.epoch = Math.max(this.epoch, epoch);
    this.turn = Math.max(this.turn, turn);
  }

  isOver(name) {
    return this.ended.has(name) || this.isDecided(name);
  }

  isDecided(name) {
    const [epoch, turn] = numbers(name);
    return epoch < this.epoch || turn <= this.turn;
  }
}

// The cards and turns that a step ends, from its element's data: the same as `ends_of` in runs/live/feeds/run_updates.py.
export function endsOf({ card, cards, stepKind, unfinished }) {
  if (!card) return [];
  if (unfinished !== undefined || stepKind === "retry") return [card];
  if (stepKind === "race") return (cards || card).split(" ");
  return [numbers(card).slice(0, 2).join("-")];
}

// Epoch, turn, attempt and lane.
export function numbers(card) {
  return card.split("-").map(Number);
}

function addTo(pieces, kind, text) {
  if (pieces.at(-1)?.[0] === kind) pieces.at(-1)[1] += text;
  else pieces.push([kind, text]);
}

// `kinds` counts code points; a string is indexed in UTF-16 units.
function split(text, kinds) {
  if (!kinds?.length) return [["text", text]];
  const characters = [...text];
  const pieces = [];
  let start = 0;
  for (const [kind, length] of kinds) addTo(pieces, kind, characters.slice(start, (start += length)).join(""));
  return pieces;
}

// Puts the card of a step where the page shows it: into its turn, or into the card of its call. The server does the same
// for the steps that come with the page (runs/live/rendering/placement.py).

export const BARS_PX = 120; // the height of what stays on top of a run's steps

const sequence = (card) => Number(card.dataset.stepSeq);

// A step that arrives. A list that does not reach the last step (data-cut) only notes how far the run is; a step that was
// loaded before it arrived is there already.
export function place(card, steps) {
  if (!steps.hasAttribute("data-cut")) return document.getElementById(card.id) ? card : put(card, steps);
  steps.dataset.arrived = Math.max(Number(steps.dataset.arrived ?? 0), sequence(card));
  return card;
}

// In the order of sequences, also if a part of them comes later, from above. Returns the card.
function put(card, steps) {
  const slot = slotOf(card, steps);
  insert(slot, card);
  if (card.hasAttribute("data-opens")) card.closest('[data-step-kind="tool_call"]')?.querySelector("details").setAttribute("open", "");
  return card;
}

function slotOf(card, steps) {
  const { into, orInto } = card.dataset;
  if (!into) return steps;
  const slot = document.getElementById(into) ?? document.getElementById(orInto);
  if (slot || !orInto) return slot ?? steps;
  addTurn(Number(orInto.split("-")[1]), steps);
  return document.getElementById(orInto);
}

function addTurn(number, steps) {
  const turn = document.getElementById("turn").content.firstElementChild.cloneNode(true);
  for (const element of [turn, ...turn.querySelectorAll("[id]")]) element.id = element.id.replace("turn-0", `turn-${number}`);
  turn.setAttribute("aria-label", turn.getAttribute("aria-label").replace("0", number));
  turn.querySelector(".turn-number").textContent = number;
  steps.append(turn);
}

function insert(slot, card) {
  let after = slot.lastElementChild;
  while (after?.dataset.stepSeq && sequence(after) > sequence(card)) after = after.previousElementSibling;
  if (after) after.after(card);
  else slot.prepend(card);
}

// Steps came above: the two halves of a turn become one, and cards move to the calls that they were parted from. Returns
// the moved cards: htmx initialises what it has inserted where it has inserted it, and does not find them any more.
export function mergeTurns(steps) {
  const seen = new Map();
  const moved = [];
  for (const turn of steps.querySelectorAll("[data-turn]")) {
    const first = seen.get(turn.id);
    if (!first) seen.set(turn.id, turn);
    else moved.push(...join(first, turn));
  }
  for (const card of steps.querySelectorAll("[data-into]")) {
    const slot = document.getElementById(card.dataset.into);
    if (slot && slot !== card.parentElement) moved.push(put(card, steps));
  }
  return moved;
}

function join(first, second) {
  const slots = [...first.querySelectorAll(":scope > .turn-slot")];
  const parts = [...second.querySelectorAll(":scope > .turn-slot")].map((slot) => [...slot.children]);
  parts.forEach((cards, index) => slots[index].append(...cards));
  second.remove();
  return parts.flat();
}

// The row of a call opens from both of its halves.
document.addEventListener("click", ({ target }) => {
  const details = target.closest?.(".result-line")?.closest(".call-slot")?.previousElementSibling;
  if (details && getSelection().isCollapsed) details.open = true;
});

// The link of a step leads to the page around it, for other readers; on this page the step is there already.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".step-number");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.replaceState(history.state, "", link.href);
  link.closest("[data-step-seq]").focus();
});

// Shows a card that is in a fold: of equal turns, or of a call.
export function unfold(card) {
  for (let part = card?.parentElement.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
}

// All cards of steps, in the order of the page.
export function cardsIn(steps) {
  return [...steps.querySelectorAll("[data-step-seq]")];
}

export function lastSequence(steps) {
  return Math.max(0, ...cardsIn(steps).map(sequence));
}

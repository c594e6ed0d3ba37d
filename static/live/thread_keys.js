// The keys of a thread: j and k go from message to message, the arrows left and right to other versions of the one that has
// the focus, and the arrow up in an empty message field edits the last message.

import { areOn } from "../keys.js";

const TYPED_IN = "input, textarea, select, [contenteditable]";
const entries = () => [...document.querySelectorAll("[data-thread-run]")];

function walk(step) {
  const all = entries();
  const at = all.findIndex((each) => each.contains(document.activeElement));
  const next = at < 0 ? all.at(-1) : all[at + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

function turnTo(way) {
  const link = document.activeElement?.closest("[data-thread-run]")?.querySelector(`[data-branch="${way}"]`);
  link?.click();
  return Boolean(link);
}

const KEYS = { j: () => walk(1), k: () => walk(-1), ArrowLeft: () => turnTo("previous"), ArrowRight: () => turnTo("next") };

function pressed(event) {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !areOn()) return;
  if (key === "ArrowUp" && target.id === "id_message" && !target.value) {
    event.preventDefault();
    [...document.querySelectorAll("[data-edit]")].at(-1)?.click();
  } else if (!target.closest?.(TYPED_IN) && !document.querySelector("dialog[open]") && KEYS[key]?.()) event.preventDefault();
}

// The form of another message is closed without leaving the page.
function closeForm(event) {
  const form = event.target.closest?.("[data-close-edit]")?.closest("form");
  const entry = form?.closest("[data-thread-run]");
  if (!entry) return;
  event.preventDefault();
  form.remove();
  entry.querySelector("[data-edit]")?.focus();
}

// At once, not after the settling: who types by then, or selects, keeps the place.
function enterForm({ detail: { elt } }) {
  const field = elt.closest?.(".thread-edit")?.querySelector("textarea");
  if (!field) return;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

export function listenToKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", closeForm);
  document.addEventListener("htmx:afterSwap", enterForm);
  // A version that was turned to has the focus, so that the arrows go on from there.
  const named = entries().find((each) => location.hash === `#${each.id}`);
  named?.focus({ preventScroll: true });
}

// The selection of the list of threads. Listeners are on the document, because the list is replaced.

import { ngettext } from "./words.js";

const boxes = () => [...document.querySelectorAll('input[name="thread"]')];
const list = () => document.getElementById("results");
let lastBox = null;

function show() {
  const selected = boxes().filter((box) => box.checked).length;
  const words = document.querySelector("[data-selected-count]");
  if (words) words.textContent = selected ? ngettext("%(count)s selected", "%(count)s selected", selected) : "";
  const all = document.querySelector("[data-select-all]");
  const isAll = selected === boxes().length;
  if (all) Object.assign(all, { checked: selected > 0 && isAll, indeterminate: selected > 0 && !isAll });
  for (const box of boxes()) box.closest("tr").toggleAttribute("data-selected", box.checked);
}

function clear() {
  for (const box of boxes()) box.checked = false;
  show();
}

// On a phone the boxes are there after "Select".
function selectMode(isOn) {
  list().toggleAttribute("data-selecting", isOn);
  document.querySelector("[data-select-mode]").ariaPressed = String(isOn);
  if (!isOn) clear();
}

document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.closest?.("[data-select-mode]")) selectMode(!list().hasAttribute("data-selecting"));
  const box = target.closest?.('input[name="thread"]');
  if (!box) return;
  const all = boxes();
  const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
  if (shiftKey && from >= 0) for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  lastBox = box;
  show();
});
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-select-all]")) return;
  for (const box of boxes()) box.checked = target.checked;
  show();
});
document.addEventListener("reset", () => setTimeout(show));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !boxes().some((box) => box.checked)) return;
  clear();
  event.preventDefault();
});
document.addEventListener("htmx:load", show);
show();

// The palette: a field over everything, in a dialog. htmx asks for the rows; the arrows move among them, Enter opens one.

import { actionsFor } from "./palette_actions.js";

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-input");
const results = document.getElementById("palette-results");

const controls = new WeakMap(); // the buttons of the page that rows press
let entered = null; // an Enter that came before the rows for what was typed

function open(text = "") {
  if (document.querySelector("dialog[open]")) return;
  const menu = document.querySelector("[data-menu][open]");
  if (menu) {
    menu.querySelector("summary").focus();
    menu.open = false;
  }
  field.value = text;
  entered = null;
  if (!isCurrent()) {
    select(null);
    results.querySelector("#palette-list").replaceChildren();
  }
  dialog.showModal();
  field.focus();
  field.dispatchEvent(new Event("palette-open"));
}

// --- the rows ---

const rows = () => [...results.querySelectorAll('[role="option"]')];
const selected = () => results.querySelector('[aria-selected="true"]');

function select(row) {
  selected()?.setAttribute("aria-selected", "false");
  row?.setAttribute("aria-selected", "true");
  row?.scrollIntoView({ block: "nearest" });
  if (row) field.setAttribute("aria-activedescendant", row.id);
  else field.removeAttribute("aria-activedescendant");
}

function move(by) {
  const all = rows();
  const from = all.indexOf(selected());
  if (all.length) select(all[(from + by + all.length) % all.length]);
}

// The rows are those of what is in the field, not of what it held a moment ago.
function isCurrent() {
  return results.querySelector("[data-typed]")?.dataset.typed === field.value.trim();
}

function enter(inNewTab) {
  const row = selected();
  if (!isCurrent()) entered = { inNewTab };
  else if (!row || !inNewTab || "press" in row.dataset || controls.has(row)) row?.click();
  else {
    noteUsed(row);
    window.open(row.href, "_blank", "noopener");
  }
}

// The buttons of the page come first; one that fits what was typed is what Enter presses.
function addActions() {
  const typed = field.value.trim();
  if (/^[#@]/.test(typed)) return null;
  const found = actionsFor(typed);
  if (!found.length) return null;
  const group = document.getElementById("palette-actions").content.firstElementChild.cloneNode(true);
  for (const [number, { words, subject, control }] of found.entries()) {
    const row = document.getElementById("palette-action").content.firstElementChild.cloneNode(true);
    Object.assign(row, { id: `palette-here-${number}`, role: "option", ariaSelected: "false" });
    row.querySelector(".palette-words").textContent = words;
    row.querySelector(".palette-meta").textContent = subject;
    controls.set(row, control);
    group.append(row);
  }
  results.querySelector("#palette-list").prepend(group);
  if (typed) results.querySelector(".when-empty")?.remove();
  return typed ? group.querySelector('[role="option"]') : null;
}

// What was opened is offered first the next time.
function noteUsed(row) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const body = new URLSearchParams({ url: row.getAttribute("href") });
  fetch(dialog.dataset.used, { method: "POST", headers, body, keepalive: true }).catch(() => {}); // the page is left
}

results.addEventListener("htmx:afterSwap", () => {
  const action = addActions();
  select(action ?? results.querySelector("[data-first]") ?? rows()[0]);
  if (!entered || !isCurrent()) return;
  const { inNewTab } = entered;
  entered = null;
  enter(inNewTab);
});

results.addEventListener("click", (event) => {
  const row = event.target.closest('[role="option"]');
  if (!row) return;
  const isPress = "press" in row.dataset || controls.has(row);
  if (!isPress) noteUsed(row);
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  dialog.close();
  if (!isPress) return;
  event.preventDefault();
  (controls.get(row) ?? document.getElementById(row.dataset.press))?.click();
});

// --- keys ---

field.addEventListener("input", () => (entered = null));
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const act = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => enter(event.ctrlKey || event.metaKey),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// In a text field of a Mac, Ctrl K deletes the rest of the line.
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
document.addEventListener("keydown", (event) => {
  const isHeld = isMac ? event.metaKey : event.ctrlKey;
  if (event.key.toLowerCase() !== "k" || !isHeld || event.altKey || event.shiftKey) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
});

// --- the ways in: the field in the bar, which the keyboard reaches without opening anything, and links ---

for (const box of document.querySelectorAll("[data-palette-field]")) {
  const openWith = () => {
    const text = box.value;
    box.value = "";
    open(text);
  };
  box.addEventListener("click", openWith);
  box.addEventListener("input", openWith);
}
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-palette-open]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  open();
});

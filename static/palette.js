// The palette: a field over everything, in a dialog. htmx asks for the rows; the arrows move among them, Enter opens one.

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-input");
const results = document.getElementById("palette-results");

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
  else if (row?.dataset.press || !inNewTab) row?.click();
  else window.open(row.href, "_blank", "noopener");
}

results.addEventListener("htmx:afterSwap", () => {
  select(results.querySelector("[data-first]") ?? rows()[0]);
  if (!entered || !isCurrent()) return;
  const { inNewTab } = entered;
  entered = null;
  enter(inNewTab);
});

results.addEventListener("click", (event) => {
  const row = event.target.closest('[role="option"]');
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  dialog.close();
  if (!row.dataset.press) return;
  event.preventDefault();
  document.getElementById(row.dataset.press)?.click();
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

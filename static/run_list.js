// The keys and the selection of the list of runs. Listeners are on the page, because its parts are replaced.

import { areOn } from "./keys.js";
import { gettext, ngettext, number } from "./words.js";

const page = document.querySelector("[data-runs-page]");
const MOST = Number(page.dataset.mostChosen); // runs of one action
const rows = () => [...page.querySelectorAll("[data-run-row]")].filter((row) => row.checkVisibility());
const boxes = () => [...page.querySelectorAll('input[name="run"]')];
const chosen = () => boxes().filter((box) => box.checked);
const linkOf = (row) => row?.querySelector("td.run-task a");

let lastBox = null;

// --- selection: how many, what cannot be done with them, and what is exported ---

function showSelection() {
  const form = page.querySelector("[data-selection]");
  if (!form) return;
  const selected = chosen();
  const ended = selected.filter((box) => box.closest("tr").hasAttribute("data-ended")).length;
  const [none, some, isAll] = [selected.length === 0, selected.length > 0, selected.length === boxes().length];
  form.querySelector("[data-selected-count]").textContent = none
    ? ""
    : ngettext("%(count)s selected", "%(count)s selected", selected.length);
  form.querySelector('[data-bulk="stop"]').disabled = some && ended === selected.length;
  const tooMany = gettext("Only the first %(n)s are taken.", { n: number(MOST) });
  const note = selected.length > MOST ? tooMany : noteOf(ended, selected.length);
  form.querySelector("[data-bulk-note]").textContent = note;
  for (const link of form.querySelectorAll("[data-export]")) {
    const ids = selected.slice(0, MOST).map((box) => `run=${box.value}`);
    link.href = `${link.pathname}?${[`format=${link.dataset.export}`, ...ids].join("&")}`;
  }
  const all = form.querySelector("[data-select-all]");
  if (all) Object.assign(all, { checked: some && isAll, indeterminate: some && !isAll }); // groups have none
  for (const box of boxes()) box.closest("tr").toggleAttribute("data-selected", box.checked);
}

function noteOf(ended, all) {
  if (!ended) return "";
  if (ended === all) return all === 1 ? gettext("It has ended.") : gettext("All have ended.");
  return ngettext("%(count)s has ended.", "%(count)s have ended.", ended);
}

function select(box, isChecked, withRange) {
  const all = boxes();
  const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((a, b) => a - b);
  const range = withRange && from >= 0 ? all.slice(from, to + 1) : [box];
  for (const each of range) each.checked = isChecked;
  lastBox = box;
  showSelection();
}

page.addEventListener("click", (event) => {
  const box = event.target.closest?.('input[name="run"]');
  if (box) select(box, box.checked, event.shiftKey);
});
page.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.matches("[data-select-all]")) showSelection();
  const chip = event.target.closest("[data-chip]");
  if (chip) nameChip(chip);
});
// On a phone the boxes are there after "Select" or a long press.
function selectMode(isOn) {
  page.toggleAttribute("data-selecting", isOn);
  page.querySelector("[data-select-mode]").ariaPressed = String(isOn);
  if (isOn) return;
  for (const box of boxes()) box.checked = false;
  showSelection();
}

page.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-select-mode]")) selectMode(!page.hasAttribute("data-selecting"));
});
page.addEventListener("contextmenu", (event) => {
  const row = event.target.closest?.("[data-run-row]");
  if (!row || event.pointerType !== "touch") return;
  event.preventDefault();
  selectMode(true);
  toggle(row, false);
});
page.addEventListener("reset", () => setTimeout(showSelection));
document.addEventListener("htmx:load", showSelection);

// --- chips: the words of what is chosen; a day chooses "From … to …" ---

function nameChip(chip) {
  const ranges = [...chip.querySelectorAll(".filter-range input")];
  const custom = chip.querySelector('input[value="custom"]');
  if (custom && document.activeElement.matches("[data-range]")) custom.checked = ranges.some((field) => field.value);
  const checked = [...chip.querySelectorAll(":checked")].filter((box) => box.value && box !== custom);
  const words = checked.map((box) => box.closest("label").textContent.trim());
  const isRange = custom ? custom.checked : ranges.some((field) => field.value);
  if (isRange) words.push(ranges.map((field) => field.value || "…").join(" – "));
  chip.querySelector("[data-chip-words]").textContent = words.join(", ");
}

// --- keys: j k move, Enter opens, o in a tab, x selects, Shift x a range, f filters, Esc clears ---

function move(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement?.closest("[data-run-row]"));
  const next = linkOf(all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]);
  next?.focus({ preventScroll: true });
  next?.closest("tr").scrollIntoView({ block: "nearest" });
}

function isTyping(element) {
  return element?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => document.activeElement?.closest("[data-run-row]") && move(1),
  ArrowUp: () => document.activeElement?.closest("[data-run-row]") && move(-1),
  o: (row) => row && window.open(linkOf(row).href, "_blank", "noopener"),
  x: (row) => row && toggle(row, false),
  X: (row) => row && toggle(row, true),
  f: () => page.querySelector("#id_q")?.focus(),
};

function toggle(row, withRange) {
  const box = row.querySelector('input[name="run"]');
  select(box, withRange ? true : !box.checked, withRange);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const row = event.target.closest?.("[data-run-row]");
  if (event.key === "Escape" && chosen().length && !event.defaultPrevented) {
    for (const box of boxes()) box.checked = false;
    showSelection();
  } else if (!KEYS[event.key] || (event.key.startsWith("Arrow") ? !row : !areOn())) return;
  else KEYS[event.key](row);
  event.preventDefault();
});

showSelection();

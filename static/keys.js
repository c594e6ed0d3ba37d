// Single keys press the control that names them: data-key="n", or data-key="g h" for two keys in a row. Controls of a card
// (data-keys) are pressed in the card that has the focus; without one their key only goes to the first card, but for the
// number of a choice that only one card has, in view: that is chosen. Keys are off in text fields, under open dialogs, in an
// open menu, and where the reader has switched them off.

const SECOND_KEY_MS = 1_500;
const OPEN = "dialog[open], [data-menu][open]:focus-within";
const TYPED_IN = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

let first = "";
let timer;

export function areOn() {
  try {
    return localStorage.getItem("keys") !== "off";
  } catch {
    return true; // Storage may be forbidden.
  }
}

function forget() {
  clearTimeout(timer);
  first = "";
}

// A field of a dialog that was just closed has the focus for some milliseconds more, and takes no text.
function takesText(target) {
  return target.closest?.(TYPED_IN) && !target.closest("dialog:not([open])");
}

// On many keyboards brackets are typed with AltGr, or with Option.
function isHeld(event) {
  const isAlt = event.getModifierState("AltGraph") || (IS_MAC && event.altKey && !event.ctrlKey);
  if (isAlt && ["[", "]", "}"].includes(event.key)) return event.metaKey;
  return event.ctrlKey || event.metaKey || event.altKey;
}

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return element.checkVisibility() && top >= 0 && bottom <= innerHeight;
}

// What pressing the keys does; undefined for nothing.
function actionOf(keys) {
  const all = [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)];
  const card = document.activeElement?.closest("[data-keys]");
  const found = all.find((each) => card?.contains(each)) ?? all.find((each) => !each.closest("[data-keys]"));
  if (found) return () => found.click();
  if (!card && all.length === 1 && /^[0-9]$/.test(keys) && isInView(all[0])) return () => all[0].click();
  return card || !all.length ? undefined : () => all[0].closest("[data-keys]").focus();
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.defaultPrevented || isHeld(event) || event.isComposing || event.repeat) return;
  if (key.length !== 1 || takesText(target) || document.querySelector(OPEN) || !areOn()) return;
  const keys = first ? `${first} ${key}` : key;
  const act = actionOf(keys);
  forget();
  if (act) {
    event.preventDefault();
    act();
  } else if (document.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    first = key;
    timer = setTimeout(forget, SECOND_KEY_MS);
  }
});

// --- dialogs that a button opens; the browser closes them, and gives the focus back ---

document.addEventListener("click", ({ target }) => {
  const dialog = document.getElementById(target.closest?.("[data-open]")?.dataset.open ?? "");
  if (!dialog || document.querySelector("dialog[open]")) return;
  const menu = target.closest("[data-menu]");
  if (menu?.open) {
    menu.querySelector("summary").focus(); // where the focus comes back to: the menu closes
    menu.open = false;
  }
  dialog.showModal();
});
document.addEventListener("click", ({ target }) => {
  if (target.matches?.("dialog[open]") || target.closest?.("[data-close-dialog]")) target.closest("dialog").close(); // its backdrop too
});
// A question that the server asks before it acts.
document.addEventListener("htmx:load", ({ detail: { elt } }) => elt.matches?.("dialog[data-modal]") && elt.showModal());

for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = areOn();
  box.addEventListener("change", () => {
    try {
      if (box.checked) localStorage.removeItem("keys");
      else localStorage.setItem("keys", "off");
    } catch {
      box.checked = true;
    }
  });
}

// The buttons of a call whose arguments were changed in its form: one approves the changes, the other says that it does not.

import { gettext, ngettext } from "../words.js";
import { typedIn } from "./typed_text.js";

// "Approve with 2 changes". It takes the key of the card's own button, which approves what the card shows. Returns whether
// there are changes.
export function nameChanges(form) {
  const button = form.querySelector("[data-approve-changed]");
  if (!button) return false;
  const number = changesIn(form);
  const isChanged = number > 0 || form.hasAttribute("data-refused"); // refused arguments come back as if they were the call's
  say(button, number && ngettext("Approve with %(count)s change", "Approve with %(count)s changes", number));
  takeKey(button, isChanged);
  const card = form.closest("[data-inbox-call]");
  const other = card?.querySelector("[data-approve-shown]");
  if (!other) return isChanged;
  say(other, isChanged && gettext("Approve unchanged"));
  takeKey(other, !isChanged);
  other.classList.toggle("button-primary", !isChanged);
  leaveOut(card.querySelector('input[name="call"]'), isChanged);
  return isChanged;
}

// A selection approves what the cards show: a call with changes is decided by itself.
function leaveOut(box, isLeftOut) {
  if (!box) return;
  box.disabled = isLeftOut;
  if (!isLeftOut || !box.checked) return;
  box.checked = false;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function changesIn(form) {
  const chosen = [...form.querySelectorAll("select")].filter((field) => !field.selectedOptions[0]?.defaultSelected);
  return typedIn(form).length + chosen.filter((field) => field.selectedIndex !== 0 || hasDefault(field)).length;
}

function hasDefault(field) {
  return [...field.options].some((option) => option.defaultSelected);
}

function say(button, words) {
  const place = button.querySelector("span");
  button.dataset.words ??= place.textContent;
  place.textContent = words || button.dataset.words;
}

function takeKey(button, isTaken) {
  const cap = button.querySelector("kbd");
  if (!cap) return; // on the call's own page no key decides
  for (const name of ["data-key", "aria-keyshortcuts"]) {
    if (isTaken) button.setAttribute(name, "a");
    else button.removeAttribute(name);
  }
  cap.hidden = !isTaken;
}

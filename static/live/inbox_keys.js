// Keys of the inbox beside those that keys.js presses: j and k move between the cards. What opens takes the focus, and the
// button of changed arguments counts the changes.

import { areOn } from "../keys.js";
import { drafts } from "../ui.js";
import { gettext, ngettext } from "../words.js";
import { typedIn } from "./fragments.js";
import { WAITS } from "./inbox_cards.js";

const OFF = 'textarea, select, [contenteditable], input:not([type="checkbox"])';

export class InboxKeys {
  constructor(section) {
    this.section = section;
    document.addEventListener("keydown", (event) => {
      const { key, target } = event;
      if ((key !== "j" && key !== "k") || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest?.(OFF) || document.querySelector("dialog[open]") || !areOn()) return;
      event.preventDefault();
      this.move(key === "j" ? 1 : -1);
    });
    section.addEventListener("toggle", ({ target }) => this.opened(target), { capture: true });
    section.addEventListener("click", (event) => showFirst(event), { capture: true });
    section.addEventListener("input", ({ target }) => target.form && nameChanges(target.form));
    document.addEventListener("htmx:load", ({ detail: { elt } }) => this.came(elt));
    for (const form of section.querySelectorAll(".argument-form")) nameChanges(form);
  }

  // Arguments that were changed and not sent are shown again, also after a reload.
  came(element) {
    if (element.matches(".argument-form")) {
      nameChanges(element);
      if (!element.querySelector('[aria-invalid="true"]')) this.opened(element.closest(".inbox-more") ?? element);
      return;
    }
    for (const form of element.querySelectorAll(".argument-form")) nameChanges(form);
    const cards = element.matches("[data-inbox-call]") ? [element] : element.querySelectorAll("[data-inbox-call][data-hash]");
    for (const card of cards) {
      const form = card.querySelector('[hx-get*="change="]');
      if (form && hasDraft(`arguments ${card.dataset.inboxCall} ${card.dataset.hash}`)) form.closest("details").open = true;
    }
  }

  move(by) {
    const cards = [...this.section.querySelectorAll(WAITS)].filter((card) => card.checkVisibility());
    const at = cards.indexOf(document.activeElement?.closest("[data-inbox-call]"));
    const next = cards[at < 0 ? 0 : Math.min(Math.max(at + by, 0), cards.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  opened(details) {
    const place = details.closest("[data-inbox-call]") ?? details; // a key presses without a focus
    if (!details.open || !details.matches(".inbox-more") || !place.contains(document.activeElement)) return;
    details.querySelector(".inbox-panel :is(input, textarea, select):not([type=hidden])")?.focus();
  }
}

// Changes that are out of sight are shown before the key approves them.
function showFirst(event) {
  const details = event.target.closest("[data-approve-changed]")?.closest("details");
  if (!details || details.open) return;
  event.preventDefault();
  event.stopPropagation();
  details.open = true;
}

const hasDraft = (name) => (drafts((storage) => storage.getItem(name)) ?? "{}") !== "{}";

// "Approve with 2 changes". It takes the key of the card's own button, which approves what the card shows.
function nameChanges(form) {
  const button = form.querySelector("[data-approve-changed]");
  if (!button) return;
  const number = changesIn(form);
  const isChanged = number > 0 || form.hasAttribute("data-refused"); // refused arguments come back as if they were the call's
  say(button, number && ngettext("Approve with %(count)s change", "Approve with %(count)s changes", number));
  takeKey(button, isChanged);
  const card = form.closest("[data-inbox-call]");
  const other = card?.querySelector("[data-approve-shown]");
  if (!other) return;
  say(other, isChanged && gettext("Approve unchanged"));
  takeKey(other, !isChanged);
  other.classList.toggle("button-primary", !isChanged);
  leaveOut(card.querySelector('input[name="call"]'), isChanged);
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
  for (const name of ["data-key", "aria-keyshortcuts"]) {
    if (isTaken) button.setAttribute(name, "a");
    else button.removeAttribute(name);
  }
  button.querySelector("kbd").hidden = !isTaken;
}

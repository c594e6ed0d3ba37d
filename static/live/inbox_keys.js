// Keys of the inbox beside those that keys.js presses: j and k move between the cards. What opens takes the focus, and the
// button of changed arguments counts the changes.

import { areOn } from "../keys.js";
import { drafts } from "../ui.js";
import { nameChanges } from "./argument_changes.js";
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

// The selection of the inbox: boxes after "Select", and a bar that names what is selected.

import { ngettext } from "../words.js";

export class InboxSelection {
  constructor(section) {
    this.section = section;
    this.bar = section.querySelector("#inbox-bulk");
    if (!this.bar) return;
    section.addEventListener("change", ({ target }) => {
      if (target.matches("[data-choose-all]")) this.check(this.boxes(), target.checked);
      this.show();
    });
    section.addEventListener("click", ({ target }) => this.clicked(target));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if (!section.hasAttribute("data-selecting")) return;
      this.select(false);
    });
    if (this.chosen().length) this.select(true); // The browser has kept the boxes over a reload.
    this.show();
  }

  boxes() {
    return [...this.section.querySelectorAll('input[name="call"]:enabled')];
  }

  chosen() {
    return this.boxes().filter((box) => box.checked);
  }

  clicked(target) {
    const alike = target.closest("[data-select-alike]");
    if (target.closest("[data-select-mode]")) this.select(!this.section.hasAttribute("data-selecting"));
    else if (target.closest("[data-select-none]")) this.select(false);
    else if (alike) {
      const stack = alike.closest("[data-inbox-stack]");
      const first = stack.previousElementSibling; // the card that the others are like
      this.select(true);
      this.check(this.boxes().filter((box) => stack.contains(box) || first?.contains(box)), true);
      this.show();
    }
  }

  select(isOn) {
    this.section.toggleAttribute("data-selecting", isOn);
    this.section.querySelector("[data-select-mode]").ariaPressed = String(isOn);
    if (!isOn) this.check(this.boxes(), false);
    this.show();
  }

  clear() {
    if (this.bar && !this.chosen().length) this.select(false);
  }

  check(boxes, isChecked) {
    for (const box of boxes) box.checked = isChecked;
  }

  show() {
    if (!this.bar) return;
    const [all, chosen] = [this.boxes().length, this.chosen()];
    const box = this.section.querySelector("[data-choose-all]");
    box.checked = all > 0 && chosen.length === all;
    box.indeterminate = chosen.length > 0 && chosen.length < all;
    this.bar.querySelector("[data-selected-count]").textContent = chosen.length
      ? ngettext("%(count)s selected", "%(count)s selected", chosen.length)
      : "";
    this.bar.querySelector("[data-bulk-note]").textContent = toolsOf(chosen);
    this.bar.querySelector("[data-bulk-approve]").textContent = ngettext("Approve %(count)s", "Approve %(count)s", chosen.length);
    this.bar.querySelector("[data-bulk-deny]").textContent = ngettext("Deny %(count)s", "Deny %(count)s", chosen.length);
  }
}

// "send_mail × 2, send_invoice"
function toolsOf(boxes) {
  const numbers = new Map();
  for (const box of boxes) {
    const { tool } = box.closest("[data-inbox-call]").dataset;
    numbers.set(tool, (numbers.get(tool) ?? 0) + 1);
  }
  return [...numbers].map(([tool, number]) => (number > 1 ? `${tool} × ${number}` : tool)).join(", ");
}

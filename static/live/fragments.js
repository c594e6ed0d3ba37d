// Inserts and updates HTML fragments that the server rendered.

import { keepUnsent, typedIn } from "./typed_text.js";

export function elementFrom(html) {
  return elementsFrom(html)[0];
}

export function elementsFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

export function cameIn(element) {
  window.htmx?.process(element);
  (element.isConnected ? element : document).dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
}

// Replaces only the children that differ: a button that is about to be pressed stays the same element.
export function update(element, fresh) {
  for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
  const [old, wanted] = [[...element.children], [...fresh.children]];
  wanted.forEach((child, index) => {
    if (old[index]?.matches("details[open]")) child.setAttribute("open", ""); // an open menu stays open
    if (!old[index]) element.append(child);
    else if (!old[index].isEqualNode(child)) keepFocus(old[index], child);
    else return;
    cameIn(child);
  });
  old.slice(wanted.length).forEach((child) => child.remove());
}

const CONTROL = "a[href], button:not([disabled]), summary";

// The focus goes to what takes the control's place; from a button that cannot be pressed any more to the menu beside it,
// and from there to the successor, once there is one.
function keepFocus(old, fresh) {
  const { activeElement: focused } = document;
  const hadFocus = old.contains(focused);
  const awaits = focused?.hasAttribute("data-awaits-successor") ?? false;
  old.replaceWith(fresh);
  const control = fresh.matches(CONTROL) ? fresh : fresh.querySelector(CONTROL);
  const successor = awaits && fresh.querySelector("[data-successor]");
  if (successor) successor.focus({ preventScroll: true });
  else if (hadFocus && control) {
    control.focus({ preventScroll: true });
    control.toggleAttribute("data-awaits-successor", awaits);
  } else if (hadFocus) {
    const menu = fresh.parentElement.querySelector("summary");
    menu?.focus({ preventScroll: true });
    menu?.setAttribute("data-awaits-successor", "");
  }
}

const madeFrom = new WeakMap(); // by element: the template that has put it on the page

// A step may contain new versions of elements on the page. Applying it twice changes nothing, and folds nothing that a
// reader has opened since.
export function replaceAll(root) {
  for (const template of lastReplacements(root)) {
    const old = document.getElementById(template.dataset.replace);
    const fresh = template.content.firstElementChild;
    if (!old || !fresh || madeFrom.get(old) === template || old.isEqualNode(fresh)) continue;
    if (isForUndecided(template) && "decided" in old.dataset) continue;
    const typed = typedIn(old);
    const now = fresh.cloneNode(true);
    old.replaceWith(now);
    madeFrom.set(now, template);
    keepUnsent(typed, (kept) => now.append(kept));
  }
}

// The end of a stopped call says nothing of a question that was decided before.
const isForUndecided = (template) => template.hasAttribute("data-for-undecided");

// What a later step says of an element holds, wherever its card is.
function lastReplacements(root) {
  const sequence = (template) => Number(template.closest("[data-step-seq]")?.dataset.stepSeq ?? 0);
  const templates = [...root.querySelectorAll("template[data-replace]")].sort((one, other) => sequence(one) - sequence(other));
  const last = new Map();
  for (const template of templates) {
    if (isForUndecided(template) && last.has(template.dataset.replace)) continue;
    last.delete(template.dataset.replace); // its place is that of the later step
    last.set(template.dataset.replace, template);
  }
  return last.values();
}

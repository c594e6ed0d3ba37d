// Pieces of the page as the server renders them, and how they come into it.

export function elementFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

export function cameIn(element) {
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
}

// Replaces only the children that differ: a button somebody is about to press stays the same button.
export function update(element, fresh) {
  for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
  const [old, wanted] = [[...element.children], [...fresh.children]];
  wanted.forEach((child, index) => {
    if (!old[index]) element.append(child);
    else if (!old[index].isEqualNode(child)) keepFocus(old[index], child);
    else return;
    cameIn(child);
  });
  old.slice(wanted.length).forEach((child) => child.remove());
}

function keepFocus(old, fresh) {
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (hadFocus) (fresh.matches("a, button") ? fresh : fresh.querySelector("a, button"))?.focus({ preventScroll: true });
}

// A step may bring a new version of an element that is already here. Doing it twice changes nothing.
export function replaceAll(root) {
  for (const template of root.querySelectorAll("template[data-replace]")) {
    const old = document.getElementById(template.dataset.replace);
    const fresh = template.content.firstElementChild;
    if (old && fresh && !old.isEqualNode(fresh)) old.replaceWith(fresh.cloneNode(true));
  }
}

// Inserts and updates HTML fragments that the server rendered.

export function elementFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

export function cameIn(element) {
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
}

// Replaces only the children that differ: a button that is about to be pressed stays the same element.
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

// A step may contain new versions of elements on the page. Applying it twice changes nothing.
export function replaceAll(root) {
  for (const template of root.querySelectorAll("template[data-replace]")) {
    const old = document.getElementById(template.dataset.replace);
    const fresh = template.content.firstElementChild;
    if (!old || !fresh || old.isEqualNode(fresh)) continue;
    const typed = typedIn(old);
    const now = fresh.cloneNode(true);
    old.replaceWith(now);
    if (typed.length) now.append(keptText(typed));
  }
}

// Fields with typed text.
export function typedIn(element) {
  const fields = [...element.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea")];
  return fields.filter((field) => field.value !== field.defaultValue);
}

// A read-only copy of text that can no longer be sent.
function keptText(fields) {
  const kept = document.createElement("label");
  kept.className = "quiet";
  kept.append("You had typed, and it was not sent: ");
  const text = document.createElement("textarea");
  text.className = "input";
  text.readOnly = true;
  text.value = fields.map((field) => field.value).join("\n");
  kept.append(text);
  return kept;
}

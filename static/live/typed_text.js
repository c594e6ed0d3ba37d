// Text typed into the fields of a question. When its fields go, what was not sent stays to be copied.

import { gettext } from "../words.js";

// By the name of a field: the value that was sent last, and a promise of whether the server accepted it. Not by the
// element: while the answer is on its way, a new version of the page may put another field in its place.
const sent = new Map();

document.addEventListener("htmx:beforeSend", ({ detail: { xhr, requestConfig } }) => {
  const button = requestConfig.triggeringEvent?.submitter;
  if (!button?.matches("[data-sends-text]")) return;
  // Of the request itself: htmx tells the answer to the button's form only, which may have left the page.
  const isAccepted = new Promise((resolve) => {
    xhr.addEventListener("loadend", () => resolve(xhr.status >= 200 && xhr.status < 300));
  });
  for (const { name, value } of typedIn(button.closest("[data-decide]"))) sent.set(name, { value, isAccepted });
});

// Fields with typed text.
export function typedIn(element) {
  const fields = [...element.querySelectorAll("input:not([type=hidden], [type=checkbox]), textarea")];
  return fields.filter((field) => field.value !== field.defaultValue);
}

// Gives `put` a copy of what was typed into fields that are gone: at once of what was not sent, and of the rest when the
// server refuses it.
export function keepUnsent(fields, put) {
  const copies = fields.map(({ name, value }) => ({ name, value }));
  const requestOf = ({ name, value }) => (sent.get(name)?.value === value ? sent.get(name).isAccepted : null);
  for (const request of new Set(copies.map(requestOf))) {
    const values = copies.filter((copy) => requestOf(copy) === request).map(({ value }) => value);
    if (!request) put(keptText(values));
    else request.then((isAccepted) => isAccepted || put(keptText(values)));
  }
}

function keptText(values) {
  const kept = document.createElement("label");
  kept.className = "quiet";
  kept.append(gettext("You had typed, and it was not sent:"), " ");
  const text = document.createElement("textarea");
  text.className = "input";
  text.readOnly = true;
  text.value = values.join("\n");
  kept.append(text);
  return kept;
}

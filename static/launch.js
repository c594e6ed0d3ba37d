// The launch page: the agent's card is open where there is room for it, and a page without a network says that it keeps
// what was typed.

import { gettext } from "./words.js";

const ROOM = matchMedia("(min-width: 64rem)");

function showCard() {
  const card = document.querySelector(".launch-agent");
  if (card && ROOM.matches) card.open = true;
}

showCard();
ROOM.addEventListener("change", showCard);
document.addEventListener("htmx:load", showCard);

// A restored draft may have another agent than the card.
const agent = document.getElementById("id_agent");
const shown = document.querySelector(".launch-agent")?.dataset.agent;
addEventListener("load", () => {
  if (agent?.value && shown && agent.value !== shown) agent.dispatchEvent(new Event("change", { bubbles: true }));
});

function showNetwork() {
  const button = document.querySelector("[data-launch]");
  if (!button) return;
  const words = button.querySelector("[data-launch-words]");
  button.dataset.words ??= words.textContent;
  button.disabled = !navigator.onLine;
  document.querySelector("[data-stay]").hidden = !navigator.onLine;
  words.textContent = navigator.onLine ? button.dataset.words : gettext("No connection, kept as draft");
}

// What differs from the agent, or from the run that the form is based on: marked, counted, and listed before the button.
function showChanges() {
  const form = document.getElementById("launch-form");
  if (!form) return;
  const base = JSON.parse(form.dataset.base);
  const fields = Object.keys(base).map((name) => form.elements[name]);
  const changed = fields.filter((field) => field.value !== base[field.name]);
  for (const field of fields) field.toggleAttribute("data-changed", changed.includes(field));
  const list = form.querySelector("[data-launch-changes]");
  list.hidden = !changed.length;
  const names = changed.map((field) => field.labels?.[0]?.textContent.trim()).join(", ");
  list.textContent = `${changed.length} ${changed.length === 1 ? "change" : "changes"}: ${names}`;
  const set = fields.filter((field) => field.value && field !== agentField(form)).length;
  const count = form.querySelector("[data-options-set]");
  count.hidden = !set;
  count.textContent = set ? `${set} set` : "";
}

const agentField = (form) => form.elements.agent;

for (const event of ["input", "change"]) document.addEventListener(event, showChanges);
document.addEventListener("htmx:load", showChanges);
addEventListener("load", showChanges); // after a draft was restored

for (const event of ["online", "offline"]) addEventListener(event, showNetwork);
document.addEventListener("htmx:load", showNetwork);
showNetwork();

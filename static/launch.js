// The launch page: the agent's card is open where there is room for it, and a page without a network says that it keeps
// what was typed.

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
  words.textContent = navigator.onLine ? button.dataset.words : "No connection, kept as draft";
}

for (const event of ["online", "offline"]) addEventListener(event, showNetwork);
document.addEventListener("htmx:load", showNetwork);
showNetwork();

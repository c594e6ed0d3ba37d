// The editor of an agent: searching its tools, and asking before what was typed is left. Listeners are on the document,
// because the form is replaced by its answers.

const form = () => document.querySelector("[data-agent-form]");
let isChanged = false;

// --- the search is of use with scripts only, and is shown by them ---

function showSearch() {
  const search = document.querySelector("[data-tool-search]");
  if (search) search.hidden = document.querySelectorAll("[data-tool]").length < 6;
}

function filterTools(words) {
  const wanted = words.trim().toLowerCase();
  let found = 0;
  for (const group of document.querySelectorAll("[data-tool-group]")) {
    let shown = 0;
    for (const tool of group.querySelectorAll("[data-tool]")) {
      tool.hidden = !tool.querySelector("label").textContent.toLowerCase().includes(wanted);
      shown += tool.hidden ? 0 : 1;
    }
    group.hidden = !shown;
    found += shown;
  }
  document.querySelector("[data-no-tools]").hidden = found > 0;
}

document.addEventListener("input", ({ target }) => {
  if (target.id === "tool-search") filterTools(target.value);
  if (!target.closest("[data-agent-form]") || target.matches("[data-no-change]")) return;
  isChanged = true;
  // The state beside a model is that of the name before.
  if (target.matches("[data-model-input]")) target.closest("li").querySelector(".agent-model-state").replaceChildren();
  // Who ticks a tool wants only the ticked ones.
  if (target.name === "tools") target.form.elements.tool_choice.value = "chosen";
});

// --- with all tools every box is ticked and cannot be changed; what was ticked before comes back with another choice ---

function showChoice() {
  const isAll = form()?.elements.tool_choice?.value === "all";
  for (const box of document.querySelectorAll('[data-tool] input[name="tools"]')) {
    if (isAll) box.dataset.ticked ??= String(box.disabled ? box.defaultChecked : box.checked); // a browser keeps what it showed
    else if (!box.dataset.ticked) continue;
    box.checked = isAll || box.dataset.ticked === "true";
    box.disabled = isAll;
    if (!isAll) delete box.dataset.ticked;
  }
}

document.addEventListener("change", ({ target }) => target.name === "tool_choice" && showChoice());
// The form sends what it would without a script.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target !== form()) return;
  for (const box of target.querySelectorAll('input[name="tools"][data-ticked="true"]')) formData.append("tools", box.value);
});

document.addEventListener("keydown", (event) => {
  // Enter in the search is no wish to save.
  if (event.key === "Enter" && event.target.id === "tool-search") event.preventDefault();
});

// --- leaving a changed form asks; sending it does not ---

addEventListener("beforeunload", (event) => {
  if (isChanged && form()) event.preventDefault();
});
document.addEventListener("submit", ({ target }) => {
  if (target === form() && !target.hasAttribute("hx-post")) isChanged = false;
});
document.addEventListener("htmx:beforeOnLoad", ({ detail: { elt, xhr } }) => {
  if (elt.matches?.("[data-agent-form]") && xhr.getResponseHeader("HX-Redirect")) isChanged = false;
});
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  if (!elt.matches?.("[data-agent-form]")) return;
  showSearch();
  showChoice();
});
showSearch();
showChoice();

// The editor of a template: a selected piece of the task becomes an input. The server finds its place, and guesses its type
// from the text that stood there, which becomes its default.

import { gettext } from "./words.js";

const MOST_CHARS = 40;
const form = document.querySelector("[data-template-form]");
const task = form.elements.task;

// The first words of the text as a name that the task does not have yet.
function nameFor(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu)?.slice(0, 3) ?? [];
  let name = words.join("_").slice(0, MOST_CHARS - 4);
  if (!/^\p{L}/u.test(name)) name = `input_${name}`.replace(/_$/, "");
  let free = name;
  for (let number = 2; task.value.includes(`{{ ${free} }}`); number += 1) free = `${name}_${number}`;
  return free;
}

form.querySelector("[data-make-input]").addEventListener("click", () => {
  const sample = task.value.slice(task.selectionStart, task.selectionEnd);
  if (!sample.trim()) {
    form.querySelector("[data-make-status]").textContent = gettext("Select a piece of the task first.");
    task.focus();
    return;
  }
  const name = nameFor(sample);
  task.setRangeText(`{{ ${name} }}`);
  const kept = document.createElement("input");
  kept.type = "hidden";
  kept.name = `sample-${name}`;
  kept.value = sample;
  form.append(kept);
  form.requestSubmit(form.querySelector("[data-find]"));
});

// Files of a form: chosen, dropped or pasted, sent in pieces at once, and named in the form by their ids. A form that is
// submitted while a file is still on its way waits for it.

import { gettext, number } from "./words.js";

const TRIES = 6;
const FIRST_WAIT_MS = 500;
const BEING_READ_MS = 500;
const waiting = new WeakMap(); // by form: its uploads, and the button that is pressed again when they have ended

const sizeText = (bytes) =>
  bytes < 2 ** 20 ? `${number(Math.max(0.1, bytes / 2 ** 10), 1)} KB` : `${number(bytes / 2 ** 20, 1)} MB`;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

class Refused extends Error {}

async function post(form, url, body, type) {
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  if (type) headers["Content-Type"] = type;
  for (let attempt = 1; ; attempt += 1) {
    let response = null;
    try {
      response = await fetch(url, { method: "POST", body, headers, redirect: "error" });
    } catch {
      // Without a network, or signed out: a redirect to the sign-in page.
    }
    if (response?.ok) return response.json();
    if (response?.status === 422) throw new Refused((await response.json()).error);
    const isFinal = response && response.status < 500 && response.status !== 429;
    if (isFinal || attempt === TRIES) {
      const words = gettext("The file could not be sent (%(status)s). Try again.", { status: response?.status ?? "–" });
      throw new Refused(words);
    }
    await pause(FIRST_WAIT_MS * 2 ** (attempt - 1));
  }
}

async function send(form, field, file, chip) {
  const { url, piece, most } = field.dataset;
  if (file.size > Number(most)) {
    throw new Refused(gettext("The file is larger than %(most)s MiB.", { most: number(most / 2 ** 20) }));
  }
  const about = new URLSearchParams({ name: file.name, size: file.size });
  if (field.dataset.library) about.set("library", field.dataset.library);
  let told = await post(form, url, about);
  const bar = chip.querySelector("[data-file-progress]");
  while (!told.is_ready) {
    if (!chip.isConnected) return null;
    const offset = Math.min(told.received, Math.max(0, file.size - 1));
    const body = file.slice(offset, offset + Number(piece));
    const before = told.received;
    told = await post(form, `${told.url}content/?offset=${offset}`, body, "application/octet-stream");
    bar.value = told.received / file.size;
    if (told.received === before && !told.is_ready) await pause(BEING_READ_MS); // the last piece came twice: it is read now
  }
  return told;
}

async function add(form, field, file) {
  const chips = field.querySelector("[data-file-chips]");
  const chip = field.querySelector("template[data-file-chip]").content.firstElementChild.cloneNode(true);
  const status = field.querySelector("[data-file-status]");
  chip.querySelector("[data-file-name]").textContent = file.name;
  chip.querySelector("[data-file-size]").textContent = sizeText(file.size);
  chip.querySelector("[data-remove-file]").ariaLabel = gettext("Remove %(name)s", { name: file.name });
  if (field.hasAttribute("data-single")) chips.replaceChildren();
  chips.append(chip);
  chips.hidden = false;
  status.textContent = "";
  try {
    const told = await send(form, field, file, chip);
    if (!told) return;
    chip.dataset.file = told.id;
    chip.querySelector("input").value = told.id;
    chip.querySelector("[data-file-progress]").hidden = true;
    status.textContent = gettext("%(name)s is attached.", { name: told.name });
    if (field.dataset.library) {
      status.textContent = gettext("%(name)s was added.", { name: told.name });
      remove(chip);
    }
    form.dispatchEvent(new CustomEvent("file-added", { bubbles: true, detail: told }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    remove(chip);
    const refusal = document.createElement("li");
    refusal.className = "field-error";
    refusal.textContent = `${file.name}: ${error.message}`;
    field.querySelector("[data-file-refusals]").append(refusal);
    field.querySelector("[data-file-refusals]").hidden = false;
  }
}

function remove(chip) {
  const chips = chip.closest("[data-file-chips]");
  chip.remove();
  if (chips && !chips.children.length) chips.hidden = true;
}

function addAll(form, field, chosen) {
  const files = field.hasAttribute("data-single") ? chosen.slice(0, 1) : chosen;
  const state = waiting.get(form) ?? { left: 0, pressed: null };
  const refusals = field.querySelector("[data-file-refusals]");
  refusals.replaceChildren();
  refusals.hidden = true;
  waiting.set(form, state);
  for (const file of files) {
    state.left += 1;
    add(form, field, file).finally(() => {
      state.left -= 1;
      if (state.left || !state.pressed) return;
      const button = state.pressed;
      state.pressed = null;
      const isRefused = form.querySelector("[data-file-refusals] li");
      if (isRefused) for (const status of form.querySelectorAll("[data-file-status]")) status.textContent = "";
      else if (form.isConnected) form.requestSubmit(button.isConnected ? button : undefined);
    });
  }
}

const formOf = (target) => target?.closest?.("form[data-takes-files]");
// The field that a file belongs to: the one it was chosen in or dropped on, otherwise that for files of any kind.
const fieldOf = (form, target) => target.closest("[data-files]") ?? form.querySelector("[data-files]:not([data-single])");

function prepare() {
  for (const form of document.querySelectorAll("form[data-takes-files]")) {
    form.removeAttribute("enctype"); // the files themselves are not sent with the form
    for (const input of form.querySelectorAll("[data-files] input[type=file]")) input.removeAttribute("name");
    form.querySelector("[data-file-drop]").hidden = false;
  }
}

document.addEventListener("change", ({ target }) => {
  const form = formOf(target);
  if (!form || target.type !== "file") return;
  addAll(form, fieldOf(form, target), [...target.files]);
  target.value = "";
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-remove-file]");
  if (!button) return;
  const field = button.closest("[data-files]");
  remove(button.closest(".file-chip"));
  field.querySelector("input[type=file]").focus();
});

// On the way down, before htmx and the other listeners of submit.
document.addEventListener(
  "submit",
  (event) => {
    const state = waiting.get(event.target);
    if (!state?.left) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    state.pressed = event.submitter ?? event.target.querySelector("[type=submit]");
    event.target.querySelector("[data-file-status]").textContent = gettext("Waiting for the files…");
  },
  true,
);

for (const name of ["dragover", "drop", "dragleave"]) {
  document.addEventListener(name, (event) => {
    const form = formOf(event.target);
    if (!form || ![...(event.dataTransfer?.items ?? [])].some((item) => item.kind === "file")) return;
    event.preventDefault();
    form.toggleAttribute("data-dropping", name === "dragover");
    if (name === "drop") addAll(form, fieldOf(form, event.target), [...event.dataTransfer.files]);
  });
}

document.addEventListener("paste", (event) => {
  const form = formOf(event.target);
  const files = [...(event.clipboardData?.files ?? [])];
  if (!form || !files.length) return;
  event.preventDefault();
  addAll(form, fieldOf(form, event.target), files);
});

prepare();
document.addEventListener("htmx:load", prepare);

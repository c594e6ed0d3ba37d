// Behaviour that HTML and htmx lack, for every page. Listeners are on the document, so that replaced parts keep working.

import { keepSteady } from "./steady.js";
import { gettext, LOCALE } from "./words.js";

const on = (event, selector, act) =>
  document.addEventListener(event, (happened) => {
    const element = happened.target instanceof Element ? happened.target.closest(selector) : null;
    if (element) act(element, happened);
  });

// --- menus close on a click elsewhere and on Escape, which returns the focus ---

function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target.closest?.("[data-menu]")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !document.querySelector("[data-menu][open]")) return;
  event.preventDefault(); // one press closes one thing
  document.querySelector("[data-menu][open]:focus-within > summary")?.focus();
  closeMenus(null);
});

// A menu of actions closes with the action, and keeps the focus. Only after the click: the form is sent to the address of
// the button that has the focus.
on("click", ".run-menu .menu-item, .inbox-menu button.menu-item", (item) =>
  setTimeout(() => {
    const menu = item.closest("[data-menu]");
    menu?.querySelector("summary").focus();
    menu?.removeAttribute("open");
  }),
);

// --- toasts ---

const TOAST_MS = 5_000;
const MOST_TOASTS = 2;
const AT_REST = '[data-run-status]:is([data-ended], [data-waiting-for]:not([data-waiting-for="retry"]))';

const home = document.getElementById("toasts")?.parentElement;

// With a path the text is a link to it.
export function toast(text, level = "info", untilRest = false, path = "") {
  if (untilRest && document.querySelector(AT_REST)) return;
  const toasts = document.getElementById("toasts");
  // An open dialog is above everything outside of it, and nothing outside can be pressed.
  const room = document.querySelector("dialog[open]") ?? home;
  if (toasts.parentElement !== room) room.append(toasts);
  const element = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  element.dataset.level = level;
  element.toggleAttribute("data-until-rest", untilRest);
  const words = element.querySelector("span");
  words.textContent = text;
  if (path) {
    const link = document.createElement("a");
    link.href = path;
    link.textContent = text;
    words.replaceChildren(link);
  }
  keepSteady(() => {
    for (const said of [...toasts.children]) if (said.isEqualNode(element)) said.remove(); // said once, however often it fails
    toasts.append(element);
    while (toasts.children.length > MOST_TOASTS) toasts.firstElementChild.remove();
  });
  leaveLater(element);
}

// An error stays until it is dismissed; other toasts disappear, but not under the pointer.
function leaveLater(element) {
  if (element.dataset.level === "error") return;
  setTimeout(() => (element.matches(":hover, :focus-within") ? leaveLater(element) : keepSteady(() => element.remove())), TOAST_MS);
}

function leaveDialog({ target }) {
  const toasts = target.querySelector("#toasts");
  if (toasts) home.append(toasts);
}
document.addEventListener("close", leaveDialog, { capture: true });

on("click", "[data-dismiss]", (button) => keepSteady(() => button.closest(".toast").remove()));
document.querySelectorAll(".toast").forEach(leaveLater);
document.addEventListener("toast", ({ detail: { text, level, untilRest } }) => toast(text, level, untilRest));

// A toast about a requested state disappears when the run has reached it.
document.addEventListener("htmx:load", () => {
  const said = document.getElementById("toasts")?.querySelectorAll("[data-until-rest]") ?? [];
  if (said.length && document.querySelector(AT_REST)) said.forEach((each) => each.remove());
});

// --- htmx: failures become toasts, empty filters stay out of the address ---

const FAILURES = {
  400: gettext("The server could not read this. It may be too long: a task may have 256 KiB."),
  403: gettext("This was refused. Your sign-in may have changed: reload the page and try again."),
  404: gettext("This does not exist any more."),
};

const AWAY = (status) =>
  gettext(
    "A proxy in front of this site answers in its place (%(status)s): it does not reach the site. " +
      "Nothing you typed is lost: try again in a moment.",
    { status },
  );
const PROXY_FAILURES = {
  413: () =>
    gettext(
      "A proxy in front of this site refused this as too large (413); the site has not seen it. " +
        "Nothing you typed is lost: shorten it, or have the proxy's limit raised.",
    ),
  502: AWAY,
  503: AWAY,
  504: AWAY,
};

document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  // A 409 has a toast of its own, with the current state.
  if (xhr.status === 409) return;
  const words = fromProxy(xhr) ?? ownWords(xhr) ?? FAILURES[xhr.status];
  const { status } = xhr;
  toast(words ?? gettext("The server answered %(status)s. Nothing was lost: try again.", { status }), "error");
});

// Every page of the site has this header; error pages of a proxy do not.
function fromProxy(xhr) {
  if (xhr.getResponseHeader("Content-Security-Policy") !== null || ownWords(xhr)) return undefined;
  return PROXY_FAILURES[xhr.status]?.(xhr.status);
}

// Errors without a page are a line of text.
function ownWords(xhr) {
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  return isText && xhr.responseText ? xhr.responseText.trim().slice(0, 300) : undefined;
}
for (const event of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(event, () => toast(gettext("No connection. Try again."), "error"));
}
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.elt.closest("[data-skip-empty]")) return;
  for (const name of [...detail.formData.keys()]) {
    if (detail.formData.getAll(name).every((value) => value === "")) detail.formData.delete(name);
  }
});
// Enter in the search requests the same address twice, and typing a new one for each word: both become a single entry in
// the browser's history.
let typingFrom = null;
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  const { history: entry, requestConfig } = detail;
  if (!requestConfig?.elt.matches("form[data-skip-empty]") || entry.type !== "push") return;
  const here = location.pathname + location.search;
  const isTyping = requestConfig.triggeringEvent?.type === "input";
  if (entry.path === here || (isTyping && typingFrom === here)) entry.type = "replace";
  typingFrom = isTyping || entry.path === here ? entry.path : null;
});
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  localTimes(elt);
  // After a refused form the first invalid field gets the focus.
  if (elt.matches("form")) elt.querySelector('[aria-invalid="true"]')?.focus();
});

// --- forms: Ctrl+Enter or Cmd+Enter sends, a second click does not, an example fills in the task ---

on("keydown", "form[data-submit-on-enter]", (form, event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  // A part of a form may have a button of its own.
  const part = event.target.closest("[data-enters]");
  const stay = part ? part.querySelector("button[type=submit]") : event.shiftKey && form.querySelector("[data-stay]");
  const button = stay || form.querySelector("button[type=submit]");
  if (button.disabled) return;
  if (stay) stay.click(); // htmx sends the name of a button that was clicked only
  else form.requestSubmit(button);
});

// The form of such a field has several decisions, and no button for Enter; below the open field there is only one.
on("keydown", "[data-enter-denies]", (field, event) => {
  if (event.key !== "Enter" || event.isComposing || event.repeat) return;
  event.preventDefault();
  field.parentElement.querySelector("button[type=submit]").click();
});

on("submit", "form[data-submit-once]", (form, event) => {
  // htmx guards its own forms with hx-sync and hx-disabled-elt.
  if (event.defaultPrevented || form.hasAttribute("hx-post")) return;
  if (form.dataset.submitted) event.preventDefault();
  form.dataset.submitted = "true";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-submitted]")) delete form.dataset.submitted;
});

// A form that launches has a key, and launches once for it. The key is stored in the page's history entry: after Back, a
// second press of the button leads to the same run.
function keepKeys(root) {
  const fields = root.querySelectorAll("[data-once]");
  if (!fields.length) return;
  const isNew = fields[0].dataset.once === "new"; // for another launch from the same page
  const key = isNew ? fields[0].value : (history.state?.once ?? fields[0].value);
  if (history.state?.once !== key) history.replaceState({ ...history.state, once: key }, "");
  for (const field of fields) Object.assign(field, { value: key }).dataset.once = "";
}
keepKeys(document);
document.addEventListener("htmx:load", ({ detail: { elt } }) => keepKeys(elt));

on("click", "[data-fill]", (button) => {
  const field = document.getElementById(button.dataset.fill);
  field.focus();
  field.select();
  // Unlike an assignment, this can be undone with Ctrl+Z, so an example never destroys typed text.
  if (!document.execCommand("insertText", false, button.dataset.text)) field.value = button.dataset.text;
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-shortcut]")) key.textContent = key.textContent.replace("Ctrl", "⌘");
}

// --- drafts: typed text survives a reload and a sign-in, until it was launched or sent. What was written to a run that has
// ended since is a draft of its follow-up. ---

export function drafts(change) {
  try {
    return change(sessionStorage);
  } catch {
    // Storage may be forbidden or full; then there are no drafts.
    return null;
  }
}

on("input", "[data-draft]", (field) => drafts((storage) => storage.setItem(field.dataset.draft, field.value)));
for (const field of document.querySelectorAll("[data-draft]")) {
  const kept = drafts((storage) => storage.getItem(field.dataset.draft) || storage.getItem(field.dataset.draftElse ?? ""));
  if (field.value || !kept) continue;
  field.value = kept;
  if (field.form) restored(field.form);
}
document.addEventListener("htmx:beforeOnLoad", ({ detail: { elt, xhr } }) => {
  const isLaunched = /^\/(runs|threads)\//.test(xhr.getResponseHeader("HX-Redirect") ?? "");
  if (isLaunched || (xhr.status === 204 && !xhr.getResponseHeader("HX-Redirect"))) forget(elt, isLaunched);
});
// A launch or a message that is answered with the form, for another one.
for (const name of ["launched", "sent"]) document.addEventListener(name, ({ target }) => forget(target, true));

function forget(element, isLaunched) {
  const field = element.querySelector?.("[data-draft]");
  if (field && isLaunched) {
    for (const name of [field.dataset.draft, field.dataset.draftElse ?? ""]) drafts((storage) => storage.removeItem(name));
  }
  if (element.matches?.("[data-draft-form]")) drafts((storage) => storage.removeItem(element.dataset.draftForm));
}

// For a prefilled form only changed fields are stored, and restored into the open form. A refused form comes back with what
// was sent as its first values: its draft keeps the fields it has.
on("input", "[data-draft-form]", (form) => {
  const kept = form.hasAttribute("data-refused") ? draftOf(form) : {};
  for (const field of typedFields(form)) {
    if (Object.hasOwn(kept, field.name) || field.value !== firstValue(field)) kept[field.name] = field.value;
  }
  drafts((storage) => storage.setItem(form.dataset.draftForm, JSON.stringify(kept)));
});

const draftOf = (form) => JSON.parse(drafts((storage) => storage.getItem(form.dataset.draftForm)) ?? "{}");

// Not chosen files: no script may put one back, and trying to is an error.
function typedFields(form) {
  return [...form.elements].filter((field) => field.matches("textarea, select, input:not([type=hidden], [type=file])"));
}

function firstValue(field) {
  if (!field.matches("select")) return field.defaultValue;
  return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value;
}

function showDrafts(root) {
  const forms = root.matches?.("[data-draft-form]") ? [root] : root.querySelectorAll("[data-draft-form]");
  for (const form of forms) {
    const kept = draftOf(form);
    for (const field of typedFields(form)) {
      if (!Object.hasOwn(kept, field.name) || field.value !== firstValue(field) || field.ariaInvalid) continue;
      if (field.value === kept[field.name]) continue;
      field.value = kept[field.name];
      field.closest("details")?.setAttribute("open", "");
      restored(form);
    }
  }
}

// Shows that a form was restored, with a button to reset it.
function restored(form) {
  const note = form.querySelector("[data-restored]");
  if (note) note.hidden = false;
}

on("click", "[data-clear-draft]", (button) => {
  const { form } = button;
  drafts((storage) => {
    storage.removeItem(form.dataset.draftForm);
    for (const field of form.querySelectorAll("[data-draft]")) storage.removeItem(field.dataset.draft);
  });
  for (const field of typedFields(form)) field.value = firstValue(field) ?? "";
  for (const field of form.querySelectorAll("[data-draft]")) field.value = field.defaultValue;
  button.closest("[data-restored]").hidden = true;
  form.querySelector("#id_agent")?.dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector("[data-draft]")?.focus();
});
showDrafts(document);
document.addEventListener("htmx:load", ({ detail: { elt } }) => showDrafts(elt));

// --- copying: a field's value, with a confirmation; without a clipboard (plain http) the field is selected ---

on("click", "[data-copy]", async (button) => {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast(gettext("Copied."));
  } catch {
    if (document.execCommand("copy")) toast(gettext("Copied."));
    else toast(gettext("It is selected: press Ctrl+C to copy it."));
  }
});

// --- times: the server writes UTC, the reader sees their own time zone ---

const SAME_YEAR = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const OTHER_YEAR = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-local-time]")) {
    const moment = new Date(element.dateTime);
    const format = moment.getFullYear() === new Date().getFullYear() ? SAME_YEAR : OTHER_YEAR;
    element.title = element.dateTime;
    element.textContent = format.format(moment);
    element.removeAttribute("data-local-time");
  }
}

localTimes(document);

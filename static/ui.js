// What HTML and htmx cannot do, for every page. Everything listens on the document, so that replaced parts keep working.

const on = (event, selector, act) =>
  document.addEventListener(event, (happened) => {
    const element = happened.target instanceof Element ? happened.target.closest(selector) : null;
    if (element) act(element, happened);
  });

// --- theme: system -> light -> dark -> system ---

const THEMES = ["system", "light", "dark"];

function currentTheme() {
  return document.documentElement.dataset.theme ?? "system";
}

function nameTheme() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const name = `Theme: ${currentTheme()}`;
    const text = button.querySelector("[data-theme-name]");
    if (text) text.textContent = name;
    else button.ariaLabel = button.title = name;
  }
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // Storage may be forbidden; the theme then lasts as long as the page.
  }
  nameTheme();
}

on("click", "[data-theme-toggle]", () => setTheme(THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length]));
nameTheme();

// --- menus close on a click elsewhere and on Escape, which gives the focus back ---

function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target.closest?.("[data-menu]")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelector("[data-menu][open]:focus-within > summary")?.focus();
  closeMenus(null);
});

// --- toasts ---

const TOAST_MS = 8000;
const AT_REST = '[data-run-status]:is([data-ended], [data-waiting-for]:not([data-waiting-for="retry"]))';

export function toast(text, level = "info", untilRest = false) {
  if (untilRest && document.querySelector(AT_REST)) return;
  const toasts = document.getElementById("toasts");
  const element = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  element.dataset.level = level;
  element.toggleAttribute("data-until-rest", untilRest);
  element.querySelector("span").textContent = text;
  toasts.append(element);
  while (toasts.children.length > 3) toasts.firstElementChild.remove();
  leaveLater(element);
}

// An error stays until it is dismissed; anything else goes by itself, but not while somebody points at it.
function leaveLater(element) {
  if (element.dataset.level === "error") return;
  setTimeout(() => (element.matches(":hover, :focus-within") ? leaveLater(element) : element.remove()), TOAST_MS);
}

on("click", "[data-dismiss]", (button) => button.closest(".toast").remove());
document.querySelectorAll(".toast").forEach(leaveLater);
document.addEventListener("toast", ({ detail: { text, level, untilRest } }) => toast(text, level, untilRest));

// What a run was asked and has come to is not announced any more.
document.addEventListener("htmx:load", () => {
  if (document.querySelector(AT_REST)) document.querySelectorAll(".toast[data-until-rest]").forEach((said) => said.remove());
});

// --- htmx: failures are said, empty filters stay out of the address ---

const FAILURES = {
  400: "The server could not read this. It may be too long: a task may have 256 KiB.",
  403: "This was refused. Your sign-in may have changed: reload the page and try again.",
  404: "This does not exist any more.",
};

const AWAY = (status) =>
  `A proxy in front of this site answers in its place (${status}): it does not reach the site. Nothing you typed is lost: try again in a moment.`;
const PROXY_FAILURES = {
  413: () =>
    "A proxy in front of this site refused this as too large (413); the site has not seen it. Nothing you typed is lost: shorten it, or have the proxy's limit raised.",
  502: AWAY,
  503: AWAY,
  504: AWAY,
};

document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  // With a 409 the server says itself, as a toast, how things truly stand.
  if (xhr.status === 409) return;
  toast(fromProxy(xhr) ?? FAILURES[xhr.status] ?? ownWords(xhr) ?? `The server answered ${xhr.status}. Nothing was lost: try again.`, "error");
});

// Every page of ours names its policy; the pages of a proxy in front of us do not.
function fromProxy(xhr) {
  if (xhr.getResponseHeader("Content-Security-Policy") !== null || ownWords(xhr)) return undefined;
  return PROXY_FAILURES[xhr.status]?.(xhr.status);
}

// Refusals before a page could be made are a line of text.
function ownWords(xhr) {
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  return isText && xhr.responseText ? xhr.responseText.trim().slice(0, 300) : undefined;
}
for (const event of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(event, () => toast("The server did not answer. Nothing was lost: try again.", "error"));
}
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.elt.closest("[data-skip-empty]")) return;
  for (const name of [...detail.formData.keys()]) {
    if (detail.formData.getAll(name).every((value) => value === "")) detail.formData.delete(name);
  }
});
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  localTimes(elt);
  // After a refused form the first thing to correct has the focus.
  if (elt.matches("form")) elt.querySelector('[aria-invalid="true"]')?.focus();
});

// --- forms: Ctrl+Enter or Cmd+Enter sends, a second click does not, an example fills in ---

on("keydown", "form[data-submit-on-enter]", (form, event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  if (!button.disabled) form.requestSubmit(button);
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

on("click", "[data-fill]", (button) => {
  const field = document.getElementById(button.dataset.fill);
  field.focus();
  field.select();
  // Unlike an assignment this can be undone with Ctrl+Z, so an example never destroys what was typed.
  if (!document.execCommand("insertText", false, button.dataset.text)) field.value = button.dataset.text;
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-shortcut]")) key.textContent = key.textContent.replace("Ctrl", "⌘");
}

// --- drafts: what was typed outlives a reload and a sign-in in between, until it was launched ---

function drafts(change) {
  try {
    return change(sessionStorage);
  } catch {
    // Storage may be forbidden or full; then there are no drafts.
    return null;
  }
}

on("input", "[data-draft]", (field) => drafts((storage) => storage.setItem(field.dataset.draft, field.value)));
for (const field of document.querySelectorAll("[data-draft]")) {
  field.value ||= drafts((storage) => storage.getItem(field.dataset.draft)) ?? "";
}
document.addEventListener("htmx:beforeOnLoad", ({ detail: { elt, xhr } }) => {
  const field = elt.querySelector?.("[data-draft]");
  const launched = xhr.getResponseHeader("HX-Redirect")?.startsWith("/runs/");
  if (field && launched) drafts((storage) => storage.removeItem(field.dataset.draft));
});

// --- copying: a field's value, and a word that it was copied; without a clipboard (plain http) the field is selected ---

on("click", "[data-copy]", async (button) => {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast("Copied.");
  } catch {
    if (document.execCommand("copy")) toast("Copied.");
    else toast("It is selected: press Ctrl+C to copy it.");
  }
});

// --- times: the server writes UTC, the reader sees their own ---

const SAME_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const OTHER_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

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

// The panel beside the steps, or beside the timeline, with one step in full. The focus stays in the list, and the panel
// follows it; on a small screen the panel is a sheet over the page and has the focus.

import { cameIn } from "../live/fragments.js";
import { unfold } from "../live/placement.js";

const SUBJECTS = "[data-step-seq], [data-row]";
const TYPED_IN = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], pre";
const BEHIND = ".side-bar, .top-bar, .tab-bar, main > :not(#inspector, [data-announce], [data-announce-now])";
const FOLLOW_MS = 120;

const panel = document.getElementById("inspector");
const toggle = document.querySelector("[data-inspector-toggle]");
const isSheet = matchMedia("(max-width: 63.99rem)");

let last = null; // the step in the list that had the focus
let asking = null;
let following;

const numberOf = (subject) => Number(subject.dataset.stepSeq ?? subject.dataset.row);
const shown = () => panel.querySelector("[data-inspected]");
const current = () => Number(shown()?.dataset.inspected ?? 0);
const isOpen = () => !panel.hidden;
const subjectOf = (sequence) => document.querySelector(`[data-step-seq="${sequence}"], [data-row="${sequence}"]`);

function visibleSubjects() {
  return [...document.querySelectorAll(SUBJECTS)].filter((subject) => subject.checkVisibility());
}

async function open(sequence, tab = shown()?.dataset.tab ?? "summary") {
  clearTimeout(following); // what is asked for now is newer than the focus that it would follow
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  panel.setAttribute("aria-busy", "true");
  try {
    const address = `${panel.dataset.address}${sequence}/?tab=${tab}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, redirect: "error", signal });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.text(), sequence);
  } catch {
    if (signal.aborted) return;
    const failed = document.getElementById("inspector-failed").content.cloneNode(true);
    failed.querySelector("[data-inspect]").dataset.inspect = sequence;
    failed.querySelector("[data-inspect]").href = `${panel.dataset.address}${sequence}/`;
    panel.replaceChildren(failed);
    panel.hidden = false;
    cover();
    if (isSheet.matches) panel.focus({ preventScroll: true });
  }
  panel.removeAttribute("aria-busy");
}

function show(html, sequence) {
  const focused = panel.contains(document.activeElement) ? document.activeElement : null;
  const [id, label] = [focused?.id, focused?.getAttribute("aria-label")];
  panel.innerHTML = html;
  panel.hidden = false;
  panel.scrollTop = 0;
  cameIn(panel);
  cover();
  mark(sequence);
  remember(sequence);
  const same = id && id !== panel.id ? document.getElementById(id) : label && panel.querySelector(`[aria-label="${CSS.escape(label)}"]`);
  if (isSheet.matches || focused) (same || panel).focus({ preventScroll: true });
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = panel.querySelector(".inspector-place").textContent.trim();
}

function close() {
  asking?.abort();
  const subject = subjectOf(current()) ?? last;
  unfold(subject);
  panel.hidden = true;
  panel.replaceChildren();
  cover();
  mark(0);
  remember(0);
  subject?.focus({ preventScroll: true });
}

// What is behind a sheet can neither be seen nor reached.
function cover() {
  for (const part of document.querySelectorAll(BEHIND)) part.inert = isSheet.matches && isOpen();
}

function mark(sequence) {
  toggle?.setAttribute("aria-pressed", String(isOpen()));
  for (const old of document.querySelectorAll(`:is(${SUBJECTS})[aria-current]`)) old.removeAttribute("aria-current");
  if (sequence) subjectOf(sequence)?.setAttribute("aria-current", "true");
}

function remember(sequence) {
  const address = new URL(location.href);
  address.searchParams.delete("tab");
  if (sequence) address.searchParams.set("step", sequence);
  else address.searchParams.delete("step");
  history.replaceState(history.state, "", address);
}

function move(by) {
  unfold(subjectOf(current())); // somebody may have folded it since
  const subjects = visibleSubjects();
  const at = subjects.findIndex((subject) => numberOf(subject) === current());
  const next = subjects[at < 0 ? 0 : at + by];
  if (!next) return;
  if (!panel.contains(document.activeElement)) next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  open(numberOf(next));
}

// The step with the focus, the last one that had it, or the first one in view.
function chosen() {
  const focused = document.activeElement?.closest(SUBJECTS) ?? (last?.isConnected ? last : null);
  return focused ?? visibleSubjects().find((subject) => subject.getBoundingClientRect().top > 0) ?? visibleSubjects().at(-1);
}

function openChosen() {
  const subject = chosen();
  if (!subject) return;
  subject.focus({ preventScroll: true });
  open(numberOf(subject));
}

document.addEventListener("focusin", ({ target }) => {
  const subject = target.closest?.(SUBJECTS);
  if (!subject) return;
  last = subject;
  clearTimeout(following);
  if (isOpen() && numberOf(subject) !== current()) following = setTimeout(() => isOpen() && open(numberOf(subject)), FOLLOW_MS);
});

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("[data-inspect], [data-inspect-tab], [data-inspector-close], [data-inspector-toggle]");
  if (!link) return;
  event.preventDefault();
  const closes = link.matches("[data-inspector-close]") || (link === toggle && isOpen());
  if (closes) close();
  else if (link === toggle) openChosen();
  else if (link.dataset.inspectTab) open(current(), link.dataset.inspectTab);
  else inspect(link);
});

function inspect(link) {
  const sequence = Number(link.dataset.inspect);
  if (!panel.contains(link)) link.closest(SUBJECTS)?.focus({ preventScroll: true });
  else {
    const subject = subjectOf(sequence);
    unfold(subject);
    subject?.scrollIntoView({ block: "nearest" });
  }
  open(sequence);
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (document.querySelector("dialog[open], [data-menu][open]") || target.closest?.(TYPED_IN)) return;
  if (key === "Enter" && target.matches?.("[data-step-seq]")) open(numberOf(target));
  else if (key === "Escape" && isOpen()) close();
  else if ((key === "ArrowDown" || key === "ArrowUp") && isOpen() && isInList(target)) move(key === "ArrowDown" ? 1 : -1);
  else return;
  event.preventDefault();
});

function isInList(target) {
  return target === document.body || panel.contains(target) || target.closest?.(SUBJECTS);
}

// A later step about the same call: its result, say.
document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  const call = shown()?.dataset.call;
  if (call && elt.dataset?.into?.startsWith(`call-${call}`)) open(current());
});

isSheet.addEventListener("change", cover);
if (isOpen()) {
  cover();
  mark(current());
  if (isSheet.matches) panel.focus({ preventScroll: true });
  else subjectOf(current())?.scrollIntoView({ block: "center" });
}

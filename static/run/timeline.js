// The timeline of a run: it follows a run that goes on, and a part of its time is chosen by dragging over the axis.

import { cameIn, elementsFrom } from "../live/fragments.js";

const AFTER_STEPS_MS = 1_000;
const ANYWAY_MS = 10_000;
const LEAST_DRAG_PX = 8;

const timeline = document.getElementById("run-timeline");
const refresh = () => document.querySelector("[data-timeline-refresh]");
const isLive = () => !document.getElementById("run-state").hasAttribute("data-ended");
const rows = () => document.querySelector("[data-timeline-rows]");

let due = null;
let dueAt = 0;

// --- a run that goes on: the server draws it again after new steps, and when open bars have grown for a while ---

// A step brings it forward; the steps after that one do not put it off.
function soon(ms) {
  const at = performance.now() + ms;
  if (due && dueAt <= at) return;
  clearTimeout(due);
  dueAt = at;
  due = setTimeout(() => {
    due = null;
    drawAgain();
  }, ms);
}

async function drawAgain() {
  if (document.hidden || document.documentElement.hasAttribute("data-stale")) return soon(ANYWAY_MS);
  // Somebody reads rows further down, which would go.
  if (document.querySelectorAll("[data-row]").length > 300) {
    refresh().hidden = false;
    return;
  }
  try {
    const section = document.getElementById("run-timeline");
    const query = section.dataset.query ? `?${section.dataset.query}` : "";
    const answer = await fetch(`${section.dataset.timeline}${query}`, { headers: { "HX-Request": "true" }, redirect: "error" });
    if (answer.ok) replace(section, elementsFrom(await answer.text())[0]);
  } catch {
    // It is tried again: the pill says that the page is not live.
  }
  if (isLive()) soon(ANYWAY_MS);
}

function replace(section, fresh) {
  const focused = section.contains(document.activeElement) ? document.activeElement : null;
  const [row, label] = [focused?.dataset.row, focused?.getAttribute("aria-label")];
  const current = section.querySelector("[data-row][aria-current]")?.dataset.row;
  section.replaceWith(fresh);
  if (current) fresh.querySelector(`[data-row="${current}"]`)?.setAttribute("aria-current", "true");
  cameIn(fresh);
  const same = row ? `[data-row="${row}"]` : label && `[aria-label="${label}"]`;
  if (same) fresh.querySelector(same)?.focus({ preventScroll: true });
}

if (timeline && isLive()) {
  soon(ANYWAY_MS);
  document.addEventListener("htmx:load", ({ detail: { elt } }) => {
    if (elt.matches?.("[data-step-seq], #stage-face, .pill")) soon(AFTER_STEPS_MS);
  });
}
document.addEventListener("click", ({ target }) => target.closest?.("[data-timeline-refresh]") && location.reload());

// --- a part of the time: drag over the axis; ← and → move it ---

document.addEventListener("pointerdown", (event) => {
  const axis = event.target.closest?.("[data-axis]");
  if (!axis || event.button) return;
  const { left, width } = axis.getBoundingClientRect();
  const selection = axis.querySelector("[data-selection]");
  const share = ({ clientX }) => Math.min(Math.max((clientX - left) / width, 0), 1);
  const begun = share(event);
  axis.setPointerCapture(event.pointerId);
  const grow = (moved) => {
    selection.setAttribute("x", `${Math.min(begun, share(moved)) * 100}%`);
    selection.setAttribute("width", `${Math.abs(share(moved) - begun) * 100}%`);
  };
  const dragging = new AbortController();
  const { signal } = dragging;
  const end = (ended) => {
    dragging.abort();
    selection.setAttribute("width", 0);
    if (ended.type === "pointercancel") return; // the browser scrolls instead
    if (Math.abs(share(ended) - begun) * width >= LEAST_DRAG_PX) zoomTo(axis, ...[begun, share(ended)].sort());
  };
  axis.addEventListener("pointermove", grow, { signal });
  for (const last of ["pointerup", "pointercancel"]) axis.addEventListener(last, end, { signal });
});

// The axis leaves idle times out: the server knows which.
function zoomTo(axis, from, to) {
  const address = new URL(location.pathname, location.href);
  address.searchParams.set("view", "timeline");
  const { query } = axis.closest("[data-timeline]").dataset;
  for (const [name, value] of new URLSearchParams(query)) address.searchParams.set(name, value);
  address.searchParams.set("part", `${from.toFixed(4)}-${to.toFixed(4)}`);
  location.assign(address);
}

// Only where nothing else moves with these keys: fields, sliders, tabs and what scrolls sideways have them too.
document.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "earlier", ArrowRight: "later" }[event.key];
  const { target } = event;
  if (!side || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (target !== document.body && !target.matches?.("#run-timeline, #run-timeline :is(a, button, [data-row])")) return;
  const link = document.querySelector(`[data-zoom="${side}"]`);
  if (!link || document.querySelector("dialog[open], [data-menu][open]")) return;
  event.preventDefault();
  link.click();
});

// Protects against misplaced clicks: a click acts only on an element that was under the pointer before a change.

const STILL_MS = 1_000;
const NEAR_PX = 12; // a double click moves the pointer a little

let pointer = null;
let moved = null;

for (const type of ["pointermove", "pointerdown"]) {
  addEventListener(type, (event) => (pointer = { x: event.clientX, y: event.clientY }), { capture: true, passive: true });
}

// Identifies what a click at the pointer would do: another element with the same effect counts as the same.
function underPointer() {
  if (!pointer) return "";
  const element = document.elementFromPoint(pointer.x, pointer.y)?.closest("button, a, input, summary, select");
  if (!element) return "";
  const place = element.closest("[id], [data-inbox-call]");
  const { localName, formAction, href, value, textContent } = element;
  return [localName, formAction, href, value, textContent, place?.id, place?.dataset.inboxCall].join("\n");
}

// Runs `change`, which moves or replaces elements. An element that it moved under a resting pointer ignores clicks for a moment.
export function keepSteady(change) {
  const before = underPointer();
  try {
    return change();
  } finally {
    if (underPointer() !== before) moved = { ...pointer, at: performance.now() };
  }
}

// Called after a page load: the pointer may still rest where it was pressed on the page before.
export function rest() {
  moved = { at: performance.now() };
}

function isTooSoon({ clientX, clientY, detail }) {
  if (!detail || !moved || performance.now() - moved.at > STILL_MS) return false; // detail 0: pressed with the keyboard
  return moved.x === undefined || Math.hypot(clientX - moved.x, clientY - moved.y) <= NEAR_PX;
}

addEventListener(
  "click",
  (event) => {
    // Links are never blocked: they only show something, such as "Older runs" at the place of the one before.
    if (!event.target.closest?.("button, input, select, label, [hx-post]") || !isTooSoon(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);

// The same for htmx: "Load more" is replaced by rows, a form comes back longer.
let beforeSwap = "";
document.addEventListener("htmx:beforeSwap", () => (beforeSwap = underPointer()));
document.addEventListener("htmx:afterSettle", () => {
  if (underPointer() !== beforeSwap) moved = { ...pointer, at: performance.now() };
});

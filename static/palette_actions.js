// The actions of the page that is open, for the palette: its own buttons, which a chosen row presses.

const MOST = 5;
// What a run asks comes first.
const CONTROLS = ['#stage [form="run-actions"]', '[form="run-actions"]', ".run-menu .menu-item", ".page-head :is(a.button, .menu-item)"];

function wordsOf(control) {
  if (control.ariaLabel) return control.ariaLabel;
  const copy = control.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd, svg, [hidden], [data-seconds-left]")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

// A question has buttons of its own: they say which call they are about.
const subjectOf = (control) => control.closest(".ask")?.querySelector(".ask-title code")?.textContent ?? "";

// The controls whose words have what was typed, by their words.
export function actionsFor(typed) {
  const wanted = typed.replace(/^>/, "").trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Map();
  for (const control of new Set(CONTROLS.flatMap((each) => [...document.querySelectorAll(each)]))) {
    if (!control.matches(":is(a, button)") || control.disabled || control.closest("[hidden], dialog") || found.size === MOST) continue;
    const [words, subject] = [wordsOf(control), subjectOf(control)];
    const all = `${words} ${subject}`.toLowerCase();
    if (words && wanted.every((word) => all.includes(word))) found.set(`${words}\n${subject}`, { words, subject, control });
  }
  return [...found.values()];
}

// The number of calls that wait for the user: in both bars, in the tab's title, and, on request, with a sound.

import { tell } from "./news.js";
import { nameTab } from "./tab_title.js";
import { gettext, number } from "./words.js";

const LOOK_EVERY_MS = 15_000;
const SOON_MS = 300;
const CHANGED_MS = 2_000;

const badges = [...document.querySelectorAll("[data-waiting-badge]")];
let count = Number(badges[0]?.dataset.waitingBadge ?? 0);
let soon;

export function waits(now) {
  if (!badges.length) return;
  if (now > count) chime();
  count = now;
  for (const badge of badges) {
    badge.dataset.waitingBadge = now;
    badge.hidden = now === 0;
    badge.querySelector("[data-waiting-number]").textContent = number(now);
  }
  nameTab({ count: now });
}

async function look() {
  try {
    const answer = await fetch(badges[0].dataset.look, { cache: "no-store", redirect: "error" });
    if (!answer.ok) return;
    const told = await answer.json();
    waits(told.count);
    tell(told.news);
  } catch {
    // The server is unreachable; the next poll comes by itself.
  }
}

// Polls at once after a decision, and when a run on the page starts or stops waiting.
const WAITING = '.pill[data-status="waiting"]';
let shown = document.querySelectorAll(WAITING).length;

function lookSoon() {
  if (!badges.length) return;
  clearTimeout(soon);
  soon = setTimeout(look, SOON_MS);
}

document.addEventListener("htmx:load", ({ detail: { elt } }) => {
  const now = document.querySelectorAll(WAITING).length;
  if (now !== shown || elt.matches?.(WAITING) || elt.querySelector?.(WAITING)) lookSoon();
  shown = now;
});
// The runs of a dashboard have changed, and a rule of the user may tell of that. Not after each change of a busy site.
let changed;
document.addEventListener("runs:changed", () => {
  changed ??= setTimeout(() => {
    changed = null;
    look();
  }, CHANGED_MS);
});
// A phone that was in a pocket, and a page that a browser kept: both have the number of long ago.
document.addEventListener("visibilitychange", () => document.hidden || lookSoon());
addEventListener("pageshow", (event) => event.persisted && lookSoon());
document.addEventListener("htmx:afterRequest", ({ detail }) => detail.requestConfig?.verb === "post" && lookSoon());

// --- the sound: off until the user turns it on in this browser ---

function wantsSound() {
  try {
    return localStorage.getItem("sound") === "on";
  } catch {
    return false;
  }
}

function chime() {
  if (!wantsSound()) return;
  const audio = new AudioContext();
  [660, 880].forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + index * 0.16;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.12, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.15);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.16);
    if (index === 1) tone.onended = () => audio.close();
  });
}

function nameSound(button) {
  button.setAttribute("aria-pressed", String(wantsSound()));
  button.title = wantsSound() ? gettext("A sound tells when something waits for you") : gettext("No sound");
}

for (const button of document.querySelectorAll("[data-sound]")) {
  button.hidden = false;
  nameSound(button);
  button.addEventListener("click", () => {
    try {
      localStorage.setItem("sound", wantsSound() ? "off" : "on");
    } catch {
      return; // Storage may be forbidden; then there is no sound.
    }
    nameSound(button);
    chime();
  });
}

if (badges.length) {
  waits(count);
  setInterval(look, LOOK_EVERY_MS);
}

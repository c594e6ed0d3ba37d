// Copy buttons: the text of an element, a value, a link; and one in each block of code, while it is pointed at or focused.
// Without a clipboard (plain http) the text is selected.

import { toast } from "./ui.js";
import { gettext } from "./words.js";

const CONFIRMED_MS = 1_500;
const BLOCKS = ":is(.run-page, .thread) pre";

async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (element) getSelection().selectAllChildren(element);
    const isCopied = Boolean(element) && document.execCommand("copy");
    if (!isCopied) toast(element ? gettext("It is selected: press Ctrl+C to copy it.") : text);
    return isCopied;
  }
}

function confirm(button) {
  button.setAttribute("data-copied", "");
  setTimeout(() => button.removeAttribute("data-copied"), CONFIRMED_MS);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copies], [data-copy-link], [data-copy-value], [data-copy-block]");
  if (!button) return;
  const { copies, copyLink, copyValue } = button.dataset;
  const block = button.closest("pre");
  const element = copies ? document.querySelector(copies) : block;
  const text = element ? element.innerText.trim() : copyLink ? new URL(copyLink, location.href).href : copyValue;
  if (!(await copy(text, element))) return;
  confirm(button);
  if (copyLink || copyValue) toast(gettext("Copied."));
});

function offer({ target }) {
  const block = target.closest?.(BLOCKS);
  const template = document.getElementById("copy-block");
  if (!block || !template || block.querySelector("[data-copy-block]")) return;
  for (const old of document.querySelectorAll("[data-copy-block]:not(:focus)")) old.remove();
  block.prepend(template.content.firstElementChild.cloneNode(true));
}

document.addEventListener("pointerover", offer);
document.addEventListener("focusin", offer);

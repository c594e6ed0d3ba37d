// What is written to a run and not sent yet, when its form goes: with the run's end it becomes the beginning of a follow-up,
// and what was typed while another message was on its way stays in the form that comes back.

let typed = null;

export function carryOver() {
  const [from, to] = ["id_text", "id_message"].map((id) => document.getElementById(id));
  // One that is on its way may still be taken; if it is not, its own form says so.
  const isSending = from?.form.matches(".htmx-request");
  if (!from?.value.trim() || isSending || !to || to.value.trim()) return;
  const [hadFocus, start, end] = [document.activeElement === from, from.selectionStart, from.selectionEnd];
  put(to, from.value);
  put(from, "");
  if (!hadFocus) return;
  to.focus();
  to.setSelectionRange(start, end);
}

// The event tells the draft, too.
function put(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("htmx:beforeSwap", ({ target, detail: { xhr, requestConfig } }) => {
  if (target.id !== "compose" || xhr.status >= 300) return;
  const [now, sent] = [target.querySelector("textarea").value, requestConfig.formData.get("text")];
  typed = now.startsWith(sent) ? now.slice(sent.length).trimStart() : now;
});
document.addEventListener("htmx:load", ({ target }) => {
  if (target.id !== "compose" || !typed) return;
  put(target.querySelector("textarea"), typed);
  typed = null;
});

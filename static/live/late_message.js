// A message that was being written to a run when it ended becomes the beginning of its follow-up.

export function carryOver() {
  const [from, to] = ["id_text", "id_message"].map((id) => document.getElementById(id));
  // One that is on its way may still be taken; if it is not, its own form says so.
  const isSending = from?.form.matches(".htmx-request");
  if (!from?.value.trim() || isSending || !to || to.value.trim()) return;
  const [hadFocus, start, end] = [document.activeElement === from, from.selectionStart, from.selectionEnd];
  [to.value, from.value] = [from.value, ""];
  for (const field of [from, to]) field.dispatchEvent(new Event("input", { bubbles: true })); // the drafts
  if (!hadFocus) return;
  to.focus();
  to.setSelectionRange(start, end);
}

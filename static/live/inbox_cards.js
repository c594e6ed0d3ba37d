// The cards of the inbox after a decision: one made here becomes a line and leaves; one made elsewhere keeps typed text.

import { keepSteady } from "../steady.js";
import { gettext, ngettext } from "../words.js";
import { cameIn, elementFrom } from "./fragments.js";

const STAYS_MS = 5_000; // after the last decision
const DECISIONS = {
  approve: (tool) => gettext("Approved %(tool)s.", { tool }),
  deny: (tool) => gettext("Denied %(tool)s.", { tool }),
  cancel: (tool) => gettext("Stopped the run of %(tool)s.", { tool }),
};
export const WAITS = "[data-inbox-call]:not([data-decided])";
const decided = (tool) => gettext("Decided %(tool)s.", { tool });

// The calls that the form `element` decides: those it names, or the one whose card it is in.
export function callsOf(element) {
  const call = element.closest?.("[data-inbox-call]");
  if (call) return [call];
  if (!element.matches?.("form")) return [];
  const ids = new FormData(element).getAll("call").map((value) => value.split(":")[0]);
  return ids.flatMap((id) => document.querySelector(`[data-inbox-call="${CSS.escape(id)}"]`) ?? []);
}

// The stack that the call is in, or that it is the first of.
function stackOf(call) {
  const next = call.nextElementSibling;
  return call.closest("[data-inbox-stack]") ?? (next?.matches("[data-inbox-stack]") ? next : null);
}

export class InboxCards {
  constructor(list, look) {
    this.list = list;
    this.look = look;
    this.said = new Map(); // what the server said about a decided call, by its id
  }

  // A call that was decided under the pointer keeps its height, so that the next one does not slide under a second click.
  stay(calls, { path, parameters }) {
    const action = parameters?.get?.("action") ?? path.match(/(\w+)\/$/)?.[1];
    for (const call of calls.filter((each) => !each.hasAttribute("data-decided"))) {
      const hadFocus = call.contains(document.activeElement);
      if (call.matches(":hover")) this.hold(call);
      call.setAttribute("data-decided", "");
      call.removeAttribute("data-keys"); // "u" takes the last approval back, wherever the focus is
      call.querySelectorAll("form, details, .inbox-acts, .inbox-check, .next-try").forEach((part) => part.remove());
      const result = this.resultOf(call, action);
      call.append(result);
      cameIn(result);
      if (hadFocus) (this.nextTo(call) ?? call).focus({ preventScroll: call.matches(":hover") });
      this.recount(stackOf(call));
    }
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => keepSteady(() => this.leave()), STAYS_MS);
  }

  hold(call) {
    call.style.blockSize = `${call.offsetHeight}px`;
    call.setAttribute("data-held", "");
    call.addEventListener("mouseleave", () => keepSteady(() => this.shrink(call)));
  }

  shrink(call) {
    call.style.blockSize = "";
    call.removeAttribute("data-held");
  }

  resultOf(call, action) {
    const result = document.getElementById("inbox-result").content.firstElementChild.cloneNode(true);
    result.querySelector(action === "deny" ? "svg:not(.inbox-denied)" : ".inbox-denied").remove();
    const { inboxCall, tool } = call.dataset;
    const { text, undo } = this.said.get(inboxCall) ?? {};
    result.querySelector("span").textContent = text ?? (DECISIONS[action] ?? decided)(tool);
    if (undo) result.append(this.undoForm(undo));
    return result;
  }

  undoForm({ url, until }) {
    for (const button of document.querySelectorAll('[data-key="u"]')) button.removeAttribute("data-key"); // the last one has it
    const form = document.getElementById("inbox-undo").content.firstElementChild.cloneNode(true);
    form.action = url;
    form.setAttribute("hx-post", url);
    form.dataset.vanishes = until;
    form.querySelector("[data-seconds-left]").dataset.secondsLeft = until;
    return form;
  }

  // Its approval was taken back: the call comes again as a card, which takes the focus.
  undone(id) {
    this.said.delete(id);
    this.asksAgain = id;
    const call = this.list.querySelector(`[data-inbox-call="${CSS.escape(id)}"][data-decided]`);
    if (call) keepSteady(() => this.remove(call));
    this.look();
  }

  cameBack() {
    const call = this.asksAgain && this.list.querySelector(`[data-inbox-call="${CSS.escape(this.asksAgain)}"]`);
    if (!call) return;
    this.asksAgain = null;
    call.focus();
  }

  leave() {
    for (const call of this.list.querySelectorAll("[data-decided]")) this.remove(call);
    this.look();
  }

  nextTo(call) {
    const all = [...this.list.querySelectorAll(WAITS)];
    const isBehind = (other) => call.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
    return all.find((other) => isBehind(other) && other.checkVisibility()) ?? all.findLast((other) => other.checkVisibility());
  }

  remove(call) {
    const [run, stack] = [call.closest("[data-inbox-run]"), stackOf(call)];
    const hadFocus = call.contains(document.activeElement);
    this.removeRow(call);
    if (stack === call.nextElementSibling) this.comeOut(stack);
    call.remove();
    this.recount(stack);
    const next = hadFocus && this.nextTo(run);
    if (stack && !stack.querySelector("[data-inbox-call]")) stack.remove();
    if (!run.querySelector("[data-inbox-call]")) run.remove();
    if (hadFocus) (next?.isConnected ? next : document.getElementById("main")).focus({ preventScroll: true });
  }

  removeRow(call) {
    this.list.querySelector(`[data-inbox-row="${call.dataset.inboxCall}"]`)?.remove();
  }

  // The call that the others of a stack are like has gone: the next of them takes its place.
  comeOut(stack) {
    const next = stack?.querySelector("[data-inbox-call]");
    if (!next) return;
    this.removeRow(next);
    const focused = next.contains(document.activeElement) ? document.activeElement : null;
    stack.before(next);
    focused?.focus({ preventScroll: true });
  }

  // How many are alike, in the words and the button of a stack.
  recount(stack) {
    const left = stack?.querySelectorAll(WAITS).length;
    if (!left) return;
    const all = left + (stack.previousElementSibling?.matches(WAITS) ? 1 : 0);
    stack.querySelector("[data-more]").textContent = ngettext("%(count)s more like this", "%(count)s more like this", left);
    stack.querySelector("[data-all]").textContent = ngettext("Select all %(count)s", "Select all %(count)s", all);
  }

  // The call was decided elsewhere, or the run ended, during typing: the typed text stays, to be copied.
  async keep(call) {
    call.setAttribute("data-gone", "");
    call.querySelector('input[name="call"]')?.remove();
    for (const field of call.querySelectorAll("input, textarea")) field.readOnly = true;
    for (const field of call.querySelectorAll("select, button")) field.disabled = true;
    const close = document.createElement("button");
    Object.assign(close, { type: "button", className: "button button-small", textContent: gettext("Dismiss") });
    close.setAttribute("data-dismiss-call", "");
    close.addEventListener("click", () => this.remove(call));
    const words = document.createElement("div");
    words.className = "notice";
    words.setAttribute("role", "status");
    words.append(gettext("This call was decided meanwhile. What you typed was not sent; it can still be copied."), " ");
    call.querySelector(".inbox-call-head").after(words, close);
    try {
      const headers = { "HX-Request": "true" };
      const answer = await fetch(call.dataset.stands, { headers, cache: "no-store", redirect: "error" });
      if (!answer.ok) return;
      const stands = elementFrom((await answer.text()).trim());
      words.replaceWith(stands);
      cameIn(stands);
    } catch {
      // The server is unreachable: the generic text above stays.
    }
  }
}

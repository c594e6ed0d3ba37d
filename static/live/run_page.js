// The page of a run, kept up to date.

import { keepSteady } from "../steady.js";
import { gettext, ngettext, number } from "../words.js";
import { Announcer } from "./announcer.js";
import { Connection } from "./connection.js";
import { cameIn, elementFrom, elementsFrom, replaceAll, update } from "./fragments.js";
import { carryOver } from "./late_message.js";
import { keepFew, watchOlder } from "./older_steps.js";
import { Pill } from "./pill.js";
import { lastSequence, place } from "./placement.js";
import { RaceLanes } from "./race.js";
import { Reader } from "./reader.js";
import { Replies } from "./replies.js";
import { WINDOW } from "./settings.js";
import { Stage } from "./stage.js";
import { Tab } from "./tab.js";
import { Tree } from "./tree.js";

const POLL_MS = 3_000;
const ACK_MS = 1_000;
const HALF_WINDOW = { bytes: WINDOW.bytes / 2, frames: WINDOW.frames / 2 };
const PAINT_MS = 40; // a browser takes milliseconds for each repaint, however little changed
const NEARLY_DUE_MS = 1_500; // clocks differ, and a state arrives a moment after its wait

export class RunPage {
  constructor(section) {
    this.section = section;
    this.steps = section.querySelector("#steps");
    // Steps after the last one of the run: a list of earlier ones, or another view, has others.
    this.last = ("past" in section.dataset ? 0 : lastSequence(this.steps)) || Number(section.dataset.after);
    this.head = this.last;
    this.stateAt = 0;
    this.waiting = [];
    this.shownAt = 0;
    this.unacknowledged = { bytes: 0, frames: 0 };
    this.pill = new Pill();
    this.announcer = new Announcer();
    this.stage = new Stage();
    const models = JSON.parse(this.stage.element.dataset.models);
    this.replies = new Replies(this.stage.replies, (paint) => this.stage.grow(paint), models);
    this.race = new RaceLanes(this.replies);
    this.tab = new Tab();
    this.tree = new Tree();
    this.faceAt = this.last;
    for (const step of this.steps.querySelectorAll("[data-card]")) this.replies.endedBy(step);
    replaceAll(this.steps);
    this.endWaits(document.getElementById("run-state").dataset.runStatus, this.last);
    watchOlder(this.steps);
    this.reader = new Reader(section, this.steps);
    if (!section.dataset.live) return;
    if ("ended" in section.dataset) {
      this.tree.follow();
      return;
    }
    this.connection = new Connection({
      address: () => {
        this.showWaiting();
        return `${section.dataset.live}?after=${this.last}`;
      },
      frame: (frame, size) => this.frameSoon(frame, size),
      opened: () => {
        clearTimeout(this.polling);
        this.polling = null;
        this.isInStep = false;
        this.replies.doubt();
      },
      doubted: () => this.polling || this.pill.checking(),
      lost: (reason) => this.offline(reason),
      ended: () => this.ended(),
      blocked: () => this.poll(),
    });
    setInterval(() => this.acknowledge(), ACK_MS);
  }

  // Frames in quick succession are applied together. Nothing is acknowledged before it is on the page.
  frameSoon(frame, size) {
    this.waiting.push([frame, size]);
    this.showing ??= setTimeout(() => this.showWaiting(), Math.max(0, this.shownAt + PAINT_MS - performance.now()));
  }

  showWaiting() {
    keepSteady(() => this.showFrames());
  }

  showFrames() {
    clearTimeout(this.showing);
    this.showing = null;
    const frames = this.waiting;
    this.waiting = [];
    const steps = [];
    for (const [frame, size] of frames) {
      // In order: a reply's chunk before the step that ends it, a state after its steps.
      if (frame.steps) steps.push(...frame.steps);
      else if (steps.length) this.addSteps(steps.splice(0));
      this.frame(frame, size);
    }
    if (steps.length) this.addSteps(steps);
    this.shownAt = performance.now();
  }

  // Unknown keys are for newer versions of this page.
  frame(frame, size = 0) {
    this.pill.heard();
    if (frame.head !== undefined) this.head = Math.max(this.head, frame.head);
    if (frame.ping || frame.held || this.polling) this.held = frame.held;
    if (this.replies.hear(frame) || frame.steps) this.received(size);
    this.race.heard();
    if (frame.state && frame.at >= this.stateAt) this.showState(frame.state, frame.at);
    this.showConnection();
  }

  received(size) {
    this.unacknowledged.bytes += size;
    this.unacknowledged.frames += 1;
    if (this.unacknowledged.bytes >= HALF_WINDOW.bytes || this.unacknowledged.frames >= HALF_WINDOW.frames) this.acknowledge();
  }

  acknowledge() {
    if (!this.unacknowledged.frames) return;
    this.unacknowledged = { bytes: 0, frames: 0 };
    this.connection?.say({ ack: this.last });
  }

  // In order, each once: known steps are skipped, and a gap causes a resync.
  addSteps(steps) {
    const fresh = document.createDocumentFragment();
    for (const [sequence, html] of steps) {
      if (sequence <= this.last) continue;
      if (sequence > this.last + 1) {
        this.connection?.say({ resync: this.last });
        break;
      }
      fresh.append(elementFrom(html));
      this.last = sequence;
    }
    if (!fresh.children.length) return;
    this.head = Math.max(this.head, this.last);
    const cards = [...fresh.children];
    const follow = this.reader.isFollowing();
    const read = this.stage.placeIn(this.replies);
    const readsTheEnd = this.stage.isFollowed();
    for (const card of cards) {
      place(card, this.steps);
      this.showFace(card);
      this.replies.endedBy(card);
      replaceAll(card);
      cameIn(card);
      this.announcer.announce(card);
      this.tree.showInCalls(card);
    }
    this.keepRead(read, cards);
    if (readsTheEnd && cards.some(({ dataset }) => dataset.stepKind === "answer")) this.stage.toTheEnd();
    this.showTaken(this.last);
    if (follow || this.reader.seesStage()) keepFew(this.steps);
    if (!follow) return this.reader.showUnseenSoon(cards.length);
    this.reader.followTo(cards);
  }

  // The face that a step brings: an answer is on the stage as soon as its words leave it.
  showFace(card) {
    const template = card.querySelector(':scope > template[data-replace="stage-face"]');
    if (!template) return;
    this.stage.show(template.content.firstElementChild);
    this.faceAt = Number(card.dataset.stepSeq);
    this.tab.show();
    template.remove();
  }

  keepRead(read, cards) {
    const card = read && cards.find(({ dataset }) => dataset.card === read.name);
    if (!card) return;
    this.stage.keepPlace(read, card.dataset.stepKind === "answer" ? null : card);
    this.reader.stay();
  }

  showState(html, at) {
    this.stateAt = at;
    this.isInStep = at <= this.last;
    this.replies.forgetUnheard();
    const [fresh, face, ...others] = elementsFrom(html);
    this.tree.show(others.find(({ id }) => id === "run-tree"));
    const messages = others.find(({ id }) => id === "run-messages");
    if (messages) update(document.getElementById("run-messages"), messages);
    update(document.getElementById("run-state"), fresh);
    if (at >= this.faceAt) this.stage.show(face); // A step that came later has brought another one.
    this.tab.show();
    this.showTaken(Math.max(this.last, at));
    this.endWaits(fresh.dataset.runStatus, at);
    if ("ended" in fresh.dataset) {
      this.replies.clear();
      carryOver();
      const status = fresh.querySelector(".pill")?.textContent.trim() ?? fresh.dataset.runStatus;
      this.announcer.say(gettext("The run ended: %(status)s.", { status }));
      if (fresh.dataset.runStatus === "failed") window.htmx?.trigger("[data-similar]", "failed");
    }
  }

  showTaken(count) {
    for (const taken of document.querySelectorAll("[data-steps-taken]")) taken.textContent = number(count);
    document.querySelector("[data-steps-word]").textContent = ngettext("step", "steps", count);
  }

  // Ends countdowns after a wait was cut short or the run was stopped. A tool's attempts are waited for while the run
  // executes.
  endWaits(status, at) {
    if (status === "waiting") return;
    const ended = status === "executing" ? ":not([data-of-tool]) " : "";
    for (const time of this.steps.querySelectorAll(`.attempts${ended} time[data-countdown]`)) {
      const isPast = Number(time.dataset.countdown) < Date.now() + NEARLY_DUE_MS;
      if (isPast || Number(time.closest("[data-step-seq]").dataset.stepSeq) > at) continue;
      time.closest(".attempts").setAttribute("data-due", "");
      time.closest(".next-try").textContent = gettext("The wait was cut short");
    }
  }

  // --- Connection status ---

  showConnection() {
    if (this.connection?.isOver || this.polling) return;
    const behind = Math.max(0, this.head - this.last);
    if (behind) this.pill.says("catching-up", ngettext("Catching up, %(count)s step", "Catching up, %(count)s steps", behind));
    else if (this.held) this.pill.says("catching-up", this.heldWords());
    else if (this.isInStep) this.pill.says("live", gettext("Live"));
    else this.pill.says("catching-up", gettext("Catching up"));
  }

  // Steps cannot be shown before they are stored.
  heldWords() {
    return gettext("Nothing is stored: %(reason)s", { reason: this.held });
  }

  offline(reason) {
    if (!this.polling) this.pill.offline(reason);
  }

  ended() {
    this.showWaiting();
    this.pill.ended();
    this.tree.follow();
  }

  // Polling for the same frames, where sockets are blocked.
  async poll() {
    if (this.polling || this.connection.isOver) return;
    this.polling = setTimeout(() => {}, 0);
    while (this.polling && !this.connection.isOver) {
      await this.ask();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async ask() {
    try {
      const answer = await fetch(`${this.section.dataset.poll}?after=${this.last}`, { redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const frame = await answer.json();
      if (!this.polling) return;
      this.addSteps(frame.steps);
      this.frame(frame);
      if (this.held) return this.pill.says("catching-up", this.heldWords());
      if (!frame.ended) return this.pill.says("live", gettext("Live, every %(n)s s", { n: POLL_MS / 1000 }));
      this.connection.end();
      this.ended();
    } catch {
      this.polling = null;
      this.offline();
    }
  }
}

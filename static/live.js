// Keeps a page as its run is (or, on the dashboard, as all runs are) while they change. It brings steps and states;
// everything a person does goes through htmx.

const WATCHDOG_MS = 45_000; // the server says something every 15 s
const LONGEST_WAIT_MS = 30_000;
const POLL_MS = 3_000;
const ACK_MS = 1_000;
const HALF_WINDOW = { bytes: 128 * 1024, frames: 100 };
const MAX_CARDS = 500;
const PAINT_MS = 40; // a browser spends milliseconds on each repaint, however little is new
const AT_THE_END_PX = 96;
const SUMMARY_MS = 5_000;
const NEARLY_DUE_MS = 1_500; // clocks differ, and a state comes a moment after its wait

const CLOSE = { ended: 1000, badFrame: 4400, signedOut: 4401, noSuchRun: 4404, tooSlow: 4408, tooMany: 4429, restarting: 4012 };
const REFUSALS = {
  [CLOSE.signedOut]: "signed out",
  [CLOSE.noSuchRun]: "no longer there",
  [CLOSE.tooMany]: "too many open windows",
};

// --- the connection: one socket at a time, reopened until it is told not to ---

class Connection {
  constructor({ address, frame, opened, lost, ended, blocked }) {
    Object.assign(this, { address, frame, opened, lost, ended, blocked });
    this.failures = 0;
    this.neverOpened = 0;
    this.isOver = false;
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow());
    addEventListener("pagehide", () => this.pause());
    addEventListener("pageshow", (event) => event.persisted && this.retryNow());
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const url = new URL(this.address(), location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.socket = socket;
    this.hasOpened = false;
    this.watch();
    socket.onopen = () => {
      this.hasOpened = true;
      this.neverOpened = 0;
      this.opened();
    };
    socket.onmessage = (message) => {
      this.failures = 0;
      this.watch();
      this.frame(JSON.parse(message.data), message.data.length);
    };
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  // The network may be gone without a word: silence is an end too.
  watch() {
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.watchdog = setTimeout(() => this.closed(socket, 0), WATCHDOG_MS);
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    this.drop();
    if (code === CLOSE.ended) {
      this.isOver = true;
      this.ended();
    } else if (REFUSALS[code]) {
      this.isOver = true;
      this.lost(REFUSALS[code]);
    } else {
      if (!this.hasOpened && ++this.neverOpened >= 2) this.blocked?.();
      this.lost();
      this.timer = setTimeout(() => this.open(), this.waitAfter(code));
    }
  }

  waitAfter(code) {
    if (code === CLOSE.restarting) return 500 + Math.random() * 4_500;
    if (code === CLOSE.tooSlow) return Math.random() * 1_000;
    // Full jitter: a thousand browsers that lost the same server do not come back in the same moment.
    return Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures++);
  }

  drop() {
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  retryNow() {
    if (this.isOver || this.socket) return;
    this.failures = 0;
    this.open();
  }

  // An open socket would keep the page out of the back-forward cache.
  pause() {
    if (this.isOver || !this.socket) return;
    clearTimeout(this.timer);
    this.drop();
    this.lost();
  }

  say(words) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }
}

// --- what both pages need ---

function elementFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function cameIn(element) {
  window.htmx?.process(element);
  element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));
}

// Replaces only the children that differ: a button somebody is about to press stays the same button.
function update(element, fresh) {
  for (const { name, value } of fresh.attributes) if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  for (const { name } of [...element.attributes]) if (!fresh.hasAttribute(name)) element.removeAttribute(name);
  const [old, wanted] = [[...element.children], [...fresh.children]];
  wanted.forEach((child, index) => {
    if (!old[index]) element.append(child);
    else if (!old[index].isEqualNode(child)) keepFocus(old[index], child);
    else return;
    cameIn(child);
  });
  old.slice(wanted.length).forEach((child) => child.remove());
}

function keepFocus(old, fresh) {
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (hadFocus) (fresh.matches("a, button") ? fresh : fresh.querySelector("a, button"))?.focus({ preventScroll: true });
}

// --- replies in the making: what a model says before the step that says it all ---

class Replies {
  constructor(place, grows) {
    this.place = place;
    this.grows = grows;
    this.cards = new Map();
    this.endedTurn = [0, 0];
    this.endedCards = new Set();
    this.due = 0;
  }

  // A chunk that does not follow on the last one means that some were missed: the next snap has them.
  delta(chunks, kinds = []) {
    chunks.forEach(([name, number, text], index) => {
      if (this.isOver(name)) return;
      if (number === 1 && !this.cards.has(name)) this.open(name);
      const card = this.cards.get(name);
      if (card?.chunk !== number - 1) return;
      card.chunk = number;
      card.isStale = false;
      card.fresh.push([kinds[index] ?? "text", text]);
    });
    this.paintSoon();
  }

  snap([name, number, text], kinds) {
    if (text === null) return this.remove(name);
    if (this.isOver(name)) return;
    const card = this.cards.get(name) ?? this.open(name);
    card.isStale = false;
    if (card.chunk >= number) return;
    card.chunk = number;
    card.isWhole = true;
    card.fresh = pieces(text, kinds);
    this.paintSoon();
  }

  open(name) {
    const [epoch] = numbers(name);
    for (const other of this.cards.keys()) if (numbers(other)[0] < epoch) this.remove(other);
    const card = { chunk: 0, fresh: [], isWhole: false, isStale: false, element: null };
    this.cards.set(name, card);
    return card;
  }

  // Many pieces, one change of the page per frame; a page nobody looks at is painted when somebody does.
  paintSoon() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.grows(() => this.cards.forEach((card, name) => this.paint(card, name)));
    });
  }

  paint(card, name) {
    if (!card.fresh.length) return;
    card.element ??= this.place.appendChild(this.elementOf(name));
    const body = card.element.querySelector("[data-reply-text]");
    if (card.isWhole) body.replaceChildren();
    card.isWhole = false;
    for (const [kind, text] of card.fresh) {
      if (body.lastElementChild?.dataset.said !== kind) {
        const part = document.createElement("p");
        part.dataset.said = kind;
        part.append("");
        body.append(part);
      }
      body.lastElementChild.lastChild.appendData(text);
    }
    card.fresh = [];
  }

  elementOf(name) {
    const element = document.getElementById("reply-card").content.firstElementChild.cloneNode(true);
    const [, , attempt, lane] = numbers(name);
    element.dataset.reply = name;
    const which = [attempt > 1 && `attempt ${attempt}`, lane > 1 && `model ${lane}`].filter(Boolean);
    element.querySelector("[data-which]").textContent = which.join(", ");
    return element;
  }

  // A step is there that says it all, or says that it was cut off.
  endedBy(step) {
    const name = step.dataset.card;
    if (!name) return;
    if (["retry", "race"].includes(step.dataset.stepKind)) {
      for (const each of (step.dataset.cards ?? name).split(" ")) this.cutOff(each, step);
      return;
    }
    const turn = numbers(name).slice(0, 2);
    if (isBefore(this.endedTurn, turn)) this.endedTurn = turn;
    this.endedCards.clear();
    for (const other of [...this.cards.keys()]) if (this.isOver(other)) this.remove(other);
  }

  cutOff(name, step) {
    const said = this.saidIn(name);
    this.endedCards.add(name);
    this.remove(name);
    if (said) this.void(step, said);
  }

  saidIn(name) {
    const card = this.cards.get(name);
    if (!card || !(card.element || card.fresh.length)) return "";
    this.paint(card, name);
    return [...card.element.querySelectorAll("[data-said]")].map((part) => part.textContent).join("\n\n");
  }

  void(step, said) {
    const voided = document.getElementById("voided-reply").content.firstElementChild.cloneNode(true);
    voided.querySelector("[data-voided]").textContent = said;
    (step.querySelector(".step-body") ?? step).append(voided);
  }

  isOver(name) {
    return this.endedCards.has(name) || !isBefore(this.endedTurn, numbers(name).slice(0, 2));
  }

  remove(name) {
    this.cards.get(name)?.element?.remove();
    this.cards.delete(name);
  }

  removeAll(which = () => true) {
    for (const [name, card] of [...this.cards]) if (which(card)) this.remove(name);
  }

  // After the connection was gone, what nobody says again is no longer true.
  doubt() {
    for (const card of this.cards.values()) card.isStale = true;
  }
}

// Epoch, turn, attempt and lane.
function numbers(card) {
  return card.split("-").map(Number);
}

function isBefore([epoch, turn], [otherEpoch, otherTurn]) {
  return epoch < otherEpoch || (epoch === otherEpoch && turn < otherTurn);
}

// The kinds count characters; a string is indexed by halves of them.
function pieces(text, kinds) {
  if (!kinds) return [["text", text]];
  const characters = [...text];
  let start = 0;
  return kinds.map(([kind, length]) => [kind, characters.slice(start, (start += length)).join("")]);
}

// --- the page of a run ---

class RunPage {
  constructor(section) {
    this.section = section;
    this.steps = section.querySelector("#steps");
    this.last = this.lastInPage();
    this.head = this.last;
    this.stateAt = 0;
    this.unseen = 0;
    this.summary = [];
    this.waiting = [];
    this.shownAt = 0;
    this.unacknowledged = { bytes: 0, frames: 0 };
    this.pill = document.querySelector("[data-connection]");
    this.jump = document.querySelector("[data-jump]");
    this.replies = new Replies(section.querySelector("[data-replies]"), (paint) => this.grow(paint));
    for (const step of this.steps.querySelectorAll("[data-card]")) this.replies.endedBy(step);
    this.replaceAll(this.steps);
    this.endWaits(document.getElementById("run-state").dataset.runStatus, this.last);
    this.watchReader();
    this.watchOlder();
    this.openAtTheEnd();
    if (!section.dataset.live || "ended" in section.dataset) return;
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
        this.showConnection();
      },
      lost: (reason) => this.offline(reason),
      ended: () => this.ended(),
      blocked: () => this.poll(),
    });
    setInterval(() => this.acknowledge(), ACK_MS);
  }

  lastInPage() {
    const cards = this.steps.querySelectorAll("[data-step-seq]");
    return Number(cards[cards.length - 1]?.dataset.stepSeq ?? this.section.dataset.after);
  }

  // What comes in quick succession is shown together. Nothing is acknowledged before it is in the page.
  frameSoon(frame, size) {
    this.waiting.push([frame, size]);
    this.showing ??= setTimeout(() => this.showWaiting(), Math.max(0, this.shownAt + PAINT_MS - performance.now()));
  }

  showWaiting() {
    clearTimeout(this.showing);
    this.showing = null;
    const frames = this.waiting;
    this.waiting = [];
    const steps = [];
    for (const [frame, size] of frames) {
      // In order: a piece of a reply comes before the step that ends it, a state after its steps.
      if (frame.steps) steps.push(...frame.steps);
      else if (steps.length) this.addSteps(steps.splice(0));
      this.frame(frame, size);
    }
    if (steps.length) this.addSteps(steps);
    this.shownAt = performance.now();
  }

  // Unknown keys are for pages newer than this one.
  frame(frame, size = 0) {
    this.offlineSince = null;
    if (frame.head !== undefined) this.head = Math.max(this.head, frame.head);
    if (frame.delta) this.replies.delta(frame.delta, frame.kinds);
    if (frame.snap) this.replies.snap(frame.snap, frame.kinds);
    if (frame.steps || frame.delta || frame.snap) this.received(size);
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

  // In order, each once: what is already here is skipped, and after a hole everything is asked for again.
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
    const follow = this.isFollowing();
    this.steps.append(fresh);
    for (const card of cards) {
      this.replies.endedBy(card);
      this.replaceAll(card);
      cameIn(card);
      this.announce(card);
    }
    const taken = document.querySelector("[data-steps-taken]");
    if (taken) taken.textContent = this.last;
    if (follow) this.followTo(cards);
    else this.showUnseen(cards.length);
  }

  // A step may bring a new version of an element that is already here. Doing it twice changes nothing.
  replaceAll(root) {
    for (const template of root.querySelectorAll("template[data-replace]")) {
      const old = document.getElementById(template.dataset.replace);
      const fresh = template.content.firstElementChild;
      if (old && fresh && !old.isEqualNode(fresh)) old.replaceWith(fresh.cloneNode(true));
    }
  }

  showState(html, at) {
    this.stateAt = at;
    this.isInStep = at <= this.last;
    this.replies.removeAll((card) => card.isStale);
    const fresh = elementFrom(html);
    update(document.getElementById("run-state"), fresh);
    const taken = document.querySelector("[data-steps-taken]");
    if (taken) taken.textContent = Math.max(this.last, at);
    this.endWaits(fresh.dataset.runStatus, at);
    if ("ended" in fresh.dataset) {
      this.replies.removeAll();
      this.section.querySelector("[data-waiting]")?.remove();
      this.say(`The run ended: ${fresh.querySelector(".pill")?.textContent.trim() ?? fresh.dataset.runStatus}.`);
    }
  }

  // A wait that a person cut short, or a stopped run: nothing is counted down to any more. A tool's attempts are waited
  // for while the run executes.
  endWaits(status, at) {
    if (status === "waiting") return;
    const ended = status === "executing" ? ":not([data-of-tool]) " : "";
    for (const time of this.steps.querySelectorAll(`.attempts${ended} time[data-countdown]`)) {
      const isPast = Number(time.dataset.countdown) < Date.now() + NEARLY_DUE_MS;
      if (isPast || Number(time.closest("[data-step-seq]").dataset.stepSeq) > at) continue;
      time.closest(".attempts").setAttribute("data-due", "");
      time.closest(".next-try").textContent = "The wait was cut short";
    }
  }

  // --- where the page stands ---

  showConnection() {
    if (this.connection?.isOver || this.polling) return;
    const behind = Math.max(0, this.head - this.last);
    if (behind) this.pillSays("catching-up", `catching up ${behind}`);
    else if (this.isInStep) this.pillSays("live", "live · 0 behind");
    else this.pillSays("catching-up", "catching up");
  }

  pillSays(state, text) {
    if (!this.pill) return;
    if (this.pill.dataset.connection !== state) this.pill.dataset.connection = state;
    const place = this.pill.querySelector("[data-connection-text]");
    if (place.textContent !== text) place.textContent = text;
  }

  offline(reason) {
    if (this.polling) return;
    this.offlineSince ??= new Date().toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
    this.pillSays("offline", reason ?? `offline since ${this.offlineSince}`);
    if (!reason) return;
    const reload = document.createElement("a");
    reload.href = location.href;
    reload.textContent = "Reload";
    this.pill?.querySelector("[data-connection-text]").append(" · ", reload);
  }

  ended() {
    this.showWaiting();
    this.pillSays("ended", "ended");
    this.section.querySelector("[data-waiting]")?.remove();
  }

  // Where sockets do not get through, the same frames come by asking.
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
      if (!frame.ended) return this.pillSays("live", `live · every ${POLL_MS / 1000} s`);
      this.connection.isOver = true;
      clearTimeout(this.connection.timer);
      this.ended();
    } catch {
      this.polling = null;
      this.offline();
    }
  }

  // --- following the end, unless somebody is reading ---

  watchReader() {
    this.isAtTheEnd = false;
    this.scrolledTo = scrollY;
    // Only a reader goes up; a page that grows below (a card gets its true height when it is painted) does not.
    const look = () => {
      const left = document.documentElement.scrollHeight - scrollY - innerHeight;
      if (left < AT_THE_END_PX) this.isAtTheEnd = true;
      else if (scrollY < this.scrolledTo) this.isAtTheEnd = false;
      this.scrolledTo = scrollY;
      this.showUnseen(this.isAtTheEnd ? -this.unseen : 0);
    };
    new ResizeObserver(() => this.isFollowing() && this.toTheEnd()).observe(this.steps);
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look, { passive: true });
    this.steps.addEventListener("toggle", look, { capture: true });
    this.jump?.addEventListener("click", () => {
      this.isAtTheEnd = true;
      this.toTheEnd();
      this.showUnseen(-this.unseen);
    });
    this.steps.addEventListener("keydown", (event) => this.walk(event));
    look();
  }

  isFollowing() {
    const selection = getSelection();
    const isReading = !selection.isCollapsed && this.steps.contains(selection.anchorNode);
    return this.isAtTheEnd && !isReading && !this.steps.contains(document.activeElement);
  }

  // A reply in the making grows at the end of the page: whoever reads there goes along.
  grow(change) {
    const follow = this.isFollowing();
    change();
    if (follow) this.toTheEnd();
  }

  toTheEnd() {
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.scrolledTo = scrollY;
  }

  followTo(cards) {
    this.keepFew();
    this.toTheEnd();
    if (cards.length <= 3) for (const card of cards) card.classList.add("step--new");
  }

  showUnseen(more) {
    this.unseen = Math.max(0, this.unseen + more);
    if (!this.jump) return;
    this.jump.hidden = this.isAtTheEnd || (!this.unseen && this.section.hasAttribute("data-ended"));
    if (this.isAtTheEnd) this.unseen = 0;
    const text = this.unseen ? `${this.unseen} new step${this.unseen === 1 ? "" : "s"}` : "Latest";
    this.jump.querySelector("[data-jump-text]").textContent = text;
  }

  // A browser paints a new card among 500 in 13 ms, among 5,000 in 68 ms; the older ones come back by scrolling up.
  keepFew() {
    const cards = this.steps.querySelectorAll("[data-step-seq]");
    const tooMany = cards.length - MAX_CARDS;
    if (tooMany <= 0) return;
    for (let index = 0; index < tooMany; index++) cards[index].remove();
    this.steps.querySelector("[data-older]")?.remove();
    const older = document.getElementById("older-link").content.firstElementChild.cloneNode(true);
    const before = cards[tooMany].dataset.stepSeq;
    const link = older.querySelector("a");
    for (const name of ["href", "hx-get"]) link.setAttribute(name, link.getAttribute(name).replace("before=0", `before=${before}`));
    link.textContent = link.textContent.replace("before 0", `before ${before}`);
    this.steps.prepend(older);
    cameIn(older);
  }

  openAtTheEnd() {
    if (location.hash || this.section.hasAttribute("data-past")) return;
    const isLong = this.steps.querySelector("[data-older]");
    if (!isLong && this.section.hasAttribute("data-ended")) return;
    this.isAtTheEnd = true;
    this.toTheEnd();
  }

  // Older steps come in above; what is being read stays where it is.
  watchOlder() {
    let anchor, top;
    document.addEventListener("htmx:beforeSwap", ({ detail }) => {
      if (!detail.target.matches?.("[data-older]")) return;
      anchor = this.steps.querySelector("[data-step-seq]");
      top = anchor?.getBoundingClientRect().top;
    });
    document.addEventListener("htmx:afterSwap", () => {
      if (!anchor) return;
      this.replaceAll(this.steps);
      scrollBy({ top: anchor.getBoundingClientRect().top - top, behavior: "instant" });
      anchor = null;
    });
  }

  // j and k walk from card to card, while the focus is among them.
  walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
    const card = event.target.closest("[data-step-seq]");
    const next = event.key === "j" ? card?.nextElementSibling : card?.previousElementSibling;
    if (!next?.matches("[data-step-seq]")) return;
    event.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  // --- for those who listen: a summary at most every 5 s, errors at once ---

  announce(card) {
    const title = card.querySelector(".step-title")?.textContent.trim() ?? card.dataset.stepKind;
    if (card.dataset.stepKind === "error") this.say(`Error: ${title}`, "[data-announce-now]");
    if (card.matches(":has([data-answer])")) this.summary.push("the answer");
    else this.summary.push(title);
    this.summing ??= setTimeout(() => {
      const [count, latest] = [this.summary.length, this.summary.at(-1)];
      this.summary = [];
      this.summing = null;
      this.say(count === 1 ? `New step: ${latest}` : `${count} new steps, the latest: ${latest}`);
    }, SUMMARY_MS);
  }

  say(text, region = "[data-announce]") {
    const place = document.querySelector(region);
    if (place) place.textContent = text;
  }
}

// --- the dashboard ---

const LIST_OF = { waiting: "waiting", completed: "finished", failed: "finished", cancelled: "finished" };
const LIST_LENGTHS = { running: 50, waiting: 50, finished: 10 };

class Dashboard {
  constructor(section) {
    this.section = section;
    this.connection = new Connection({
      address: () => section.dataset.liveDashboard,
      frame: (frame) => this.frame(frame),
      opened: () => this.pillSays("live", "live"),
      lost: (reason) => this.pillSays("offline", reason ?? "offline"),
      ended: () => {},
    });
  }

  frame(frame) {
    for (const [runId, html] of frame.rows ?? []) this.showRow(runId, elementFrom(html));
    if (frame.counts) update(document.getElementById("counts"), elementFrom(frame.counts));
  }

  showRow(runId, fresh) {
    const name = LIST_OF[fresh.dataset.status] ?? "running";
    const list = this.section.querySelector(`[data-run-list="${name}"]`);
    const old = this.section.querySelector(`[data-run-row="${CSS.escape(runId)}"]`);
    if (old?.parentElement === list) {
      if (!old.isEqualNode(fresh)) update(old, fresh);
      return;
    }
    const hadFocus = old?.contains(document.activeElement);
    old?.remove();
    list.prepend(fresh);
    while (list.children.length > LIST_LENGTHS[name]) list.lastElementChild.remove();
    cameIn(fresh);
    if (hadFocus) fresh.querySelector("a")?.focus({ preventScroll: true });
  }

  pillSays(state, text) {
    const pill = document.querySelector("[data-connection]");
    if (!pill) return;
    pill.dataset.connection = state;
    pill.querySelector("[data-connection-text]").textContent = text;
  }
}

for (const section of document.querySelectorAll("[data-poll]")) new RunPage(section);
for (const section of document.querySelectorAll("[data-live-dashboard]")) new Dashboard(section);

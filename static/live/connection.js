// One socket at a time, opened again until the server says not to.

const WATCHDOG_MS = 45_000; // the server says something every 15 s
const LONGEST_WAIT_MS = 30_000;

const CLOSE = { ended: 1000, badFrame: 4400, signedOut: 4401, noSuchRun: 4404, tooSlow: 4408, tooMany: 4429, restarting: 4012 };
const REFUSALS = {
  [CLOSE.signedOut]: "signed out",
  [CLOSE.noSuchRun]: "no longer there",
  [CLOSE.tooMany]: "too many open windows",
};

export class Connection {
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

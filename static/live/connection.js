// One socket at a time, reopened until the server closes it for good.

import { gettext, LANGUAGE } from "../words.js";
import { CLOSE, PING_MS } from "./settings.js";

// After this long without a message a page that is looked at asks whether the server is there, no longer calls itself
// live, and opens another socket. A hidden page asks nothing, so it waits for the server's pings.
const ASK_MS = 3_000;
const DOUBT_MS = 5_000;
const DEAD_MS = 12_000;
const HIDDEN_DOUBT_MS = 2 * PING_MS + 2_000;
const LONGEST_WAIT_MS = 30_000;

const PAUSE_MS = 10_000; // after a close for too many requests; the text in the pill explains it
const REFUSALS = {
  [CLOSE.signedOut]: gettext("Not live: signed out"),
  [CLOSE.noSuchRun]: gettext("Not live: no longer there"),
  [CLOSE.tooMany]: gettext("Not live: too many open windows"),
};

export class Connection {
  constructor({ address, frame, opened, doubted, lost, ended, blocked }) {
    Object.assign(this, { address, frame, opened, doubted, lost, ended, blocked });
    this.failures = 0;
    this.neverOpened = 0;
    this.isOver = false;
    // After a sleep, or when the tab becomes visible again, a lost connection may not have been noticed.
    this.listening = new AbortController();
    const { signal } = this.listening;
    addEventListener("online", () => this.retryNow(), { signal });
    addEventListener("focus", () => this.retryNow(), { signal });
    document.addEventListener("resume", () => this.retryNow(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow(), { signal });
    addEventListener("offline", () => this.wentOffline(), { signal });
    addEventListener("pagehide", () => this.pause(), { signal });
    addEventListener("pageshow", (event) => event.persisted && this.retryNow(), { signal });
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const url = new URL(this.address(), location.href);
    url.searchParams.set("language", LANGUAGE);
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

  // The network may be gone without a close event: silence is a lost connection too.
  watch() {
    this.unwatch();
    const socket = this.socket;
    this.heardAt = Date.now(); // timers stop while a computer sleeps, the clock does not
    this.watching = [
      setTimeout(() => document.hidden || this.say({ ping: 0 }), ASK_MS),
      setTimeout(() => this.doubted(), document.hidden ? HIDDEN_DOUBT_MS : DOUBT_MS),
      setTimeout(() => this.closed(socket, 0), document.hidden ? 2 * HIDDEN_DOUBT_MS : DEAD_MS),
    ];
  }

  unwatch() {
    for (const timer of this.watching ?? []) clearTimeout(timer);
  }

  isSilent() {
    return Date.now() - this.heardAt > ASK_MS;
  }

  // Some browsers keep the socket open while there is no network: what it says next proves that it works.
  wentOffline() {
    if (this.isOver) return;
    this.unwatch();
    this.heardAt = 0;
    this.lost();
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    this.drop();
    if (code === CLOSE.ended) {
      this.end();
      this.ended();
    } else if (REFUSALS[code]) {
      this.end();
      this.lost(REFUSALS[code]);
    } else {
      if (!this.hasOpened && ++this.neverOpened >= 2) this.blocked?.();
      this.lost(code === CLOSE.tooFast ? gettext("This page asked for too much at once. Back in a moment") : undefined);
      this.timer = setTimeout(() => this.open(), this.waitAfter(code));
    }
  }

  waitAfter(code) {
    if (code === CLOSE.restarting) return 500 + Math.random() * 4_500;
    if (code === CLOSE.tooFast) return PAUSE_MS + Math.random() * PAUSE_MS;
    if (code === CLOSE.tooSlow) return Math.random() * 1_000;
    // Full jitter: a thousand browsers that lost the same server do not reconnect at the same moment.
    return Math.random() * Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.failures++);
  }

  // For good.
  end() {
    this.isOver = true;
    clearTimeout(this.timer);
    this.listening.abort();
    this.drop();
  }

  drop() {
    this.unwatch();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  retryNow() {
    if (this.isOver || (this.socket && !this.isSilent())) return;
    // A socket without messages for so long is most likely dead: open a new one.
    if (this.socket) this.lost();
    this.drop();
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

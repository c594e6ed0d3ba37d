// Values shared by the server and its live pages, as the server has written them into the page.

const settings = JSON.parse(document.querySelector("[data-live-settings]").dataset.liveSettings);

export const CLOSE = settings.close; // close codes of sockets
export const PING_MS = settings.pingMs; // maximum time between two messages of the server
export const WINDOW = settings.window; // maximum of unacknowledged data
export const LIST_LENGTHS = settings.lists; // of the dashboard

// Shows what the site pushes, also while none of its pages is open. It keeps no page and answers no request.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data?.json() ?? {};
  } catch {
    // What is no JSON is not ours; a push has to show something.
  }
  const { title = "Agentsite", body = "", path = "/inbox/", tag = "" } = told;
  event.waitUntil(self.registration.showNotification(String(title), { body: String(body), tag: String(tag), data: { path } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  // Only pages of this site: whatever the message says. The browser's own reading decides, which takes "/\\" for "//".
  const url = pageOf(event.notification.data?.path).href;
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((pages) => {
      const open = pages.find((page) => page.url === url);
      return open ? open.focus() : self.clients.openWindow(url);
    }),
  );
});

function pageOf(path) {
  const inbox = new URL("/inbox/", self.location.origin);
  try {
    const page = new URL(String(path ?? "/"), self.location.origin);
    return page.origin === self.location.origin ? page : inbox;
  } catch {
    return inbox;
  }
}

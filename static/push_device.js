// "Tell me on this device": asks the browser, subscribes, and sends the subscription with the form of the page.

import { gettext } from "./words.js";

const form = document.querySelector("[data-push-form]");
const button = form?.querySelector("button");
const said = document.querySelector("[data-push-said]");

function say(words) {
  said.textContent = words;
  said.hidden = false;
}

function bytesOf(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
}

function nameOf(agent) {
  const browser = ["Firefox", "Edg", "Chrome", "Safari"].find((each) => agent.includes(each)) ?? "";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"].find((each) => agent.includes(each)) ?? "";
  return [browser === "Edg" ? "Edge" : browser, system].filter(Boolean).join(", ") || gettext("This device");
}

async function subscribed() {
  const registration = await navigator.serviceWorker.register("/service-worker.js", { scope: "/" });
  await navigator.serviceWorker.ready;
  return registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(form.dataset.pushForm),
  });
}

form?.addEventListener("submit", async (event) => {
  if (form.elements.endpoint.value) return;
  event.preventDefault();
  event.stopPropagation();
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      say(gettext("The browser does not allow notifications of this site. Its settings for the site can change that."));
      return;
    }
    const { endpoint, keys } = (await subscribed()).toJSON();
    form.elements.endpoint.value = endpoint;
    form.elements.p256dh.value = keys.p256dh;
    form.elements.auth.value = keys.auth;
    form.elements.name.value = nameOf(navigator.userAgent);
    form.submit();
  } catch (error) {
    say(gettext("The browser could not subscribe: %(reason)s", { reason: String(error?.message ?? error).slice(0, 200) }));
  } finally {
    button.disabled = false;
  }
}, true);

if (form && !(isSecureContext && "serviceWorker" in navigator && "PushManager" in window)) {
  button.disabled = true;
  say(
    isSecureContext
      ? gettext("This browser has no web push. On an iPhone, add the site to the home screen first.")
      : gettext("Browsers allow this only over https, and on localhost."),
  );
}

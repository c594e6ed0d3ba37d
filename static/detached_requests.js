// What the server answers to an element that has left the page meanwhile: htmx tells that element alone, and nobody hears it.

const told = new WeakSet(); // requests whose answer the page has heard of

for (const event of ["htmx:beforeOnLoad", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(event, ({ detail }) => detail.xhr && told.add(detail.xhr));
}

document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
  const whenUntold = (act) => () => told.has(xhr) || act(xhr);
  // htmx has set its own listener before: it comes first.
  xhr.addEventListener("load", whenUntold(tellAnswer));
  for (const event of ["error", "timeout"]) xhr.addEventListener(event, whenUntold(() => tell("htmx:sendError", { xhr })));
});

function tellAnswer(xhr) {
  const triggers = JSON.parse(xhr.getResponseHeader("HX-Trigger") ?? "{}");
  for (const [name, detail] of Object.entries(triggers)) tell(name, detail);
  if (xhr.status >= 400 && !triggers.toast) tell("htmx:responseError", { xhr });
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

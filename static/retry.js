// Counts down to the moment when a page of an outage loads itself again; the header `Refresh` does that without scripts.

for (const place of document.querySelectorAll("[data-retry]")) {
  const loadedAt = performance.now();
  const tick = () => {
    const left = Math.ceil(Number(place.dataset.retry) - (performance.now() - loadedAt) / 1000);
    place.textContent = left > 0 ? place.dataset.words.replace("{n}", left) : place.dataset.trying;
  };
  tick();
  setInterval(tick, 1_000);
}

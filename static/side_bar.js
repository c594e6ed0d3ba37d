// Folds the side bar. A cookie keeps it folded, so that the server renders the next page right.

const YEAR_S = 365 * 24 * 3600;

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-side-toggle]");
  if (!button) return;
  const { dataset } = document.body;
  const isFolded = dataset.side !== "folded";
  if (isFolded) dataset.side = "folded";
  else delete dataset.side;
  button.setAttribute("aria-pressed", String(isFolded));
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `side=${isFolded ? "folded" : ""}; path=/; max-age=${isFolded ? YEAR_S : 0}; samesite=lax${secure}`;
});

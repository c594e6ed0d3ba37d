// The theme: three radios in each account menu. theme.js applies the choice before the first paint.

const radios = () => document.querySelectorAll("[data-theme-choice]");

function show() {
  const theme = document.documentElement.dataset.theme ?? "system";
  for (const radio of radios()) radio.checked = radio.value === theme;
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-theme-choice]")) return;
  const theme = target.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch {
    // Storage may be forbidden; the theme then lasts as long as the page.
  }
  show();
});

addEventListener("pageshow", show); // a browser restores the radios of the page before
show();

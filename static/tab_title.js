// The title of the tab: the number of calls that wait for the user and of untold news, the sign of the run on the page, and
// the page's name.

const title = document.querySelector("title");
const sign = document.querySelector("[data-tab-mark]")?.dataset.tabMark ?? "";
const name = sign && document.title.startsWith(`${sign} `) ? document.title.slice(sign.length + 1) : document.title;
const parts = { count: 0, news: 0, mark: sign };

export function nameTab(changed) {
  Object.assign(parts, changed);
  const { news, mark } = parts;
  const count = parts.count + news;
  const text = `${count ? `(${count}) ` : ""}${mark ? `${mark} ` : ""}${name}`;
  if (title.textContent !== text) document.title = text;
}

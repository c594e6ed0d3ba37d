// The words of scripts in the page's language, as Django's functions give them to templates. Scripts are written in English;
// `static/words/<language>.js`, which a page in another language loads first, brings the translations.

let formOf = (n) => Number(n !== 1);
let translated = {};

export function learn(plural, words) {
  formOf = plural;
  translated = words;
}

export const LANGUAGE = document.documentElement.lang;

// The reader's own variety of the page's language, if there is one: it decides how times are written.
export const LOCALE = navigator.languages.find((each) => each.split("-")[0] === LANGUAGE.split("-")[0]) ?? LANGUAGE;

// "%(name)s" in a text stands for the value of that name.
function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_all, name) => values[name]).replaceAll("%%", "%");
}

export const gettext = (text, values = {}) => filled(translated[text] ?? text, values);

export const pgettext = (context, text, values = {}) => filled(translated[`${context}\u0004${text}`] ?? text, values);

export function ngettext(one, many, count, values = {}) {
  const forms = translated[one];
  const text = forms ? forms[formOf(count)] : count === 1 ? one : many;
  return filled(text, { count: number(count), ...values });
}

const NUMBERS = new Map();

// A number in the notation of the page's language, with `digits` decimals.
export function number(value, digits = 0) {
  if (!NUMBERS.has(digits)) {
    const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    NUMBERS.set(digits, new Intl.NumberFormat(LOCALE, format));
  }
  return NUMBERS.get(digits).format(value);
}

// Runs axe, which is on the page, and returns its violations, with the looks of the texts whose contrast has passed.
//
// The contrast of a text depends on its look: its colour, size and weight, and all that is painted behind it. It is half
// of axe's work, and most texts look like others of the page or of the pages before: of each look the first one is tried.
//
// The parts of a page that were without a violation before are left out where they come again as they were: with the same
// markup but for numbers, in the same colours and width, beside all elements that they name. Rules of the whole document
// still see them.
//
// A page on a second screen: what is rendered as on the first one is left out too, but for the rule about what scrolls.
// `options` names the rules about colours, or none: all of them.
async ({ options, known, knownParts, screen }) => {
    const [FEWEST, MOST] = [6, 300]; // elements of a part that is looked for
    if (!("axe" in window)) {
        if (!("loadAxe" in window)) return null;
        loadAxe();
    }
    const passed = new Set(JSON.parse(known)), learnt = new Set(), backdrops = new Map();
    const rule = axe._audit.rules.find(each => each.id === "color-contrast"), { matches } = rule;
    const check = axe._audit.checks["color-contrast"], { evaluate } = check;
    const everywhere = { left: -Infinity, top: -Infinity, right: Infinity, bottom: Infinity };

    // What the ancestors paint, and the box of the nearest one that lets nothing through.
    const backdropOf = element => {
        if (!element) return { words: "", box: everywhere };
        if (!backdrops.has(element)) backdrops.set(element, made(element, backdropOf(element.parentElement)));
        return backdrops.get(element);
    };
    const made = (element, outer) => {
        const style = getComputedStyle(element), { backgroundColor, backgroundImage, opacity } = style;
        const effects = [opacity, style.filter, style.backdropFilter, style.mixBlendMode].join();
        const isClear = backgroundColor === "rgba(0, 0, 0, 0)" && backgroundImage === "none";
        if (isClear && effects === "1,none,none,normal") return outer;
        const isSolid = !/rgba|\//.test(backgroundColor);
        const words = `${backgroundColor} ${backgroundImage} ${effects}; ${outer.words}`;
        return { words, box: isSolid ? element.getBoundingClientRect() : outer.box };
    };
    const isIn = (inner, outer) => inner.left >= outer.left - 1 && inner.top >= outer.top - 1
        && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;

    // Undefined for an element that reaches beyond its background.
    const lookOf = element => {
        const { words, box } = backdropOf(element);
        if (!isIn(element.getBoundingClientRect(), box)) return undefined;
        const { color, fontSize, fontWeight, textShadow, webkitTextFillColor, webkitTextStroke } = getComputedStyle(element);
        return hashed([color, fontSize, fontWeight, textShadow, webkitTextFillColor, webkitTextStroke, words].join());
    };
    // 53 bits (cyrb53).
    const hashed = text => {
        let [a, b] = [0xdeadbeef, 0x41c6ce57];
        for (let at = 0; at < text.length; at++) {
            a = Math.imul(a ^ text.charCodeAt(at), 2654435761);
            b = Math.imul(b ^ text.charCodeAt(at), 1597334677);
        }
        a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
        b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
        return 4294967296 * (2097151 & b) + (a >>> 0);
    };

    // axe finds that too, after a few measurements of each element.
    const hasText = element => /^(input|select|textarea|slot)$/i.test(element.tagName) || element.shadowRoot
        || [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());

    const withoutNumbers = html => html.replace(
        /style="[^"]*"|csrfmiddlewaretoken" value="\w+|[\da-f]{4,}(?:-[\da-f]{4,})+|\d+/g,
        found => found.startsWith("style") ? found : "0",
    );

    // The ids that a part names and that are not there, and those of its own that something names.
    const NAMES = ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers"];
    const namedBy = element => NAMES.flatMap(name => element.getAttribute(name)?.split(/\s+/) ?? []).filter(id => id);
    const namedIn = root => [...root.querySelectorAll(NAMES.map(name => `[${name}]`).join())].flatMap(namedBy);
    const named = new Set(namedIn(document));
    const ties = part => [
        ...namedIn(part).filter(id => !document.getElementById(id)),
        ...[...part.querySelectorAll("[id]")].map(element => element.id).filter(id => named.has(id)),
    ];

    // The contrast of what is not rendered is not tried either way; axe would measure the whole page to find that.
    const isRendered = element => element.checkVisibility({ visibilityProperty: true });

    // Left out of a second screen: what is rendered on it as on the first one.
    const lookOnScreen = element => isRendered(element) ? (hasText(element) ? lookOf(element) ?? NaN : 0) : undefined;
    const isItselfAsBefore = element =>
        !isRendered(element) || window.firstScreen.get(element) === lookOnScreen(element);
    const asBefore = new Map();
    const isAsBefore = element => {
        if (!asBefore.has(element)) {
            asBefore.set(element, isItselfAsBefore(element) && [...element.children].every(isAsBefore));
        }
        return asBefore.get(element);
    };
    const isSecond = screen === "second";

    const judged = new Set(JSON.parse(knownParts)), parts = [], leftOut = [];
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const keyOf = part => hashed([
        innerWidth, isDark, part.parentElement?.tagName, isRendered(part), backdropOf(part.parentElement).words,
        part.querySelectorAll(":popover-open").length, ties(part), withoutNumbers(part.outerHTML),
    ].join("\n"));
    const isJudged = key => judged.has(key) || (parts.push(key), false);

    // True if anything of a part is to be judged: what is not is added to `leftOut`.
    const hasMore = part => {
        if (isSecond && isAsBefore(part)) return leave(part);
        const size = part.getElementsByTagName("*").length;
        const isPart = part === document.documentElement || (size >= FEWEST && size <= MOST);
        if (isPart && isJudged(keyOf(part))) return leave(part);
        const below = [...part.children].filter(hasMore);
        return !isSecond || below.length > 0 || !isItselfAsBefore(part);
    };
    const leave = part => {
        leftOut.push(part);
        return false;
    };

    // Where only colours are asked for: texts and links in texts of a look that was not tried in these colours.
    const hasNewColours = () => {
        const rendered = [...document.querySelectorAll("body *")].filter(element => hasText(element) && isRendered(element));
        const pairs = rendered.filter(element => element.matches("a, [role=link]") && hasText(element.parentElement));
        const keys = pairs.map(link => hashed(["link", lookOf(link), lookOf(link.parentElement), decorationOf(link)].join()));
        const isNew = keys.map(isJudged).includes(false);
        return isNew || rendered.some(element => !passed.has(lookOf(element)));
    };
    const decorationOf = link => getComputedStyle(link).textDecoration + getComputedStyle(link).borderBottom;

    const isNeeded = options.runOnly ? hasNewColours() : hasMore(document.documentElement);
    const scrolls = element => /auto|scroll/.test(getComputedStyle(element).overflow)
        && (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);

    rule.matches = (element, ...rest) =>
        hasText(element) && isRendered(element) && !passed.has(lookOf(element)) && matches(element, ...rest);
    check.evaluate = function (element, ...rest) {
        let ratio;
        const tell = this.data;
        this.data = told => {
            ratio = told?.contrastRatio;
            tell.call(this, told);
        };
        const result = evaluate.call(this, element, ...rest);
        // Hidden elements pass too, without a ratio.
        if (result === true && ratio && lookOf(element) !== undefined) learnt.add(lookOf(element));
        return result;
    };
    try {
        // Not the style sheets, which axe would load and parse again for a rule that is off by default.
        const often = { resultTypes: ["violations"], preload: { assets: ["media"] } };
        const violations = [];
        if (isNeeded) {
            violations.push(...(await axe.run({ exclude: leftOut }, { ...often, ...options })).violations);
        }
        const scrolling = isSecond ? [...document.querySelectorAll("body *")].filter(scrolls) : [];
        if (scrolling.length) {
            const only = { runOnly: { type: "rule", values: ["scrollable-region-focusable"] } };
            violations.push(...(await axe.run({ include: scrolling }, { ...often, ...only })).violations);
        }
        if (screen === "first") {
            const elements = [...document.querySelectorAll("*")];
            window.firstScreen = new WeakMap(elements.map(element => [element, lookOnScreen(element)]));
        }
        return { violations, learnt: [...learnt], parts: violations.length ? [] : parts };
    } finally {
        rule.matches = matches;
        check.evaluate = evaluate;
    }
}

// One piece of a reply in the making: its finished blocks as the server rendered them, and the open one as plain text in the
// same place, so that nothing moves when it is finished.

import { elementsFrom } from "./fragments.js";

const CODE = /^ {0,3}(?:`{3,}|~{3,})[^\n]*\n?/;
const BLANK_LINES = /\n(?:[^\S\n]*\n)+/;

export class LivePiece {
  constructor(kind) {
    this.element = document.createElement("div");
    this.element.className = "prose";
    this.element.dataset.said = kind;
    this.open = []; // paragraphs that are not rendered yet, at least one
    this.add();
    this.blocks = []; // what is painted: the block, its elements, and where it ends in the string
  }

  paint(text, blocks) {
    // Elements that somebody selects in are not taken away.
    if (!this.isBeingSelected()) this.paintBlocks(text, blocks);
    this.paintOpen(text.slice(this.blocks.at(-1)?.end ?? 0));
  }

  // What follows a block is new text in a new place: a paragraph that stayed would move.
  paintBlocks(text, blocks) {
    const changed = this.blocks.findIndex(({ block }, index) => String(block) !== String(blocks[index]));
    if (changed < 0 && this.blocks.length === blocks.length) return;
    if (changed >= 0) this.blocks.splice(changed).forEach(({ elements }) => elements.forEach((element) => element.remove()));
    for (const paragraph of this.open.splice(0)) paragraph.remove();
    for (const block of blocks.slice(this.blocks.length)) {
      const elements = elementsFrom(block[2]);
      this.element.append(...elements);
      const before = this.blocks.at(-1);
      const end = offset(text, before?.end ?? 0, block[1] - (before?.block[1] ?? 0));
      this.blocks.push({ block, elements, end });
    }
    this.add();
  }

  // In paragraphs, which are as high as the rendered ones. White space at an edge is not shown: it may be the end of a block.
  paintOpen(rest) {
    const isCode = CODE.test(rest);
    const texts = isCode ? [rest.replace(CODE, "")] : rest.split(BLANK_LINES).filter((text) => text.trim());
    while (this.open.length < texts.length) this.add();
    for (const paragraph of this.open.splice(Math.max(1, texts.length))) paragraph.remove();
    this.open[0].toggleAttribute("data-code", isCode);
    this.open.forEach((paragraph, index) => write(paragraph, texts[index] ?? ""));
  }

  add() {
    const paragraph = document.createElement("p");
    paragraph.className = "open-block";
    paragraph.dir = "auto";
    paragraph.append("");
    this.element.append(paragraph);
    this.open.push(paragraph);
  }

  isBeingSelected() {
    const selection = getSelection();
    return !selection.isCollapsed && this.element.contains(selection.anchorNode);
  }
}

function write(paragraph, text) {
  const shown = text.replace(/^\s*\n/, "").trimEnd();
  const { firstChild: node } = paragraph;
  paragraph.hidden = !shown;
  if (shown.startsWith(node.data)) node.appendData(shown.slice(node.data.length));
  else node.data = shown;
}

// Blocks end after so many characters; a string is indexed in UTF-16 units.
function offset(text, start, characters) {
  let at = start;
  for (let left = characters; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

// One piece of a reply in the making: its finished blocks as the server rendered them, and the open one as plain text in the
// same place, so that nothing moves when it is finished.

import { elementsFrom } from "./fragments.js";

const CODE = /^ {0,3}(?:`{3,}|~{3,})[^\n]*\n?/;

export class LivePiece {
  constructor(kind) {
    this.element = document.createElement("div");
    this.element.className = "prose";
    this.element.dataset.said = kind;
    this.open = document.createElement("p");
    this.open.className = "open-block";
    this.open.dir = "auto";
    this.open.append("");
    this.element.append(this.open);
    this.blocks = []; // what is painted: the block, its elements, and where it ends in the string
  }

  paint(text, blocks) {
    // Elements that somebody selects in are not taken away.
    if (!this.isBeingSelected()) this.paintBlocks(text, blocks);
    this.paintOpen(text.slice(this.blocks.at(-1)?.end ?? 0));
  }

  paintBlocks(text, blocks) {
    const changed = this.blocks.findIndex(({ block }, index) => String(block) !== String(blocks[index]));
    if (changed >= 0) this.blocks.splice(changed).forEach(({ elements }) => elements.forEach((element) => element.remove()));
    for (const block of blocks.slice(this.blocks.length)) {
      const elements = elementsFrom(block[2]);
      this.open.before(...elements);
      const before = this.blocks.at(-1);
      const end = offset(text, before?.end ?? 0, block[1] - (before?.block[1] ?? 0));
      this.blocks.push({ block, elements, end });
    }
  }

  // White space at its edges is not shown: it may be the end of the block.
  paintOpen(rest) {
    const isCode = CODE.test(rest);
    const shown = (isCode ? rest.replace(CODE, "") : rest.replace(/^\s*\n/, "")).trimEnd();
    this.open.toggleAttribute("data-code", isCode);
    this.open.hidden = !shown;
    const { firstChild: node } = this.open;
    if (shown.startsWith(node.data)) node.appendData(shown.slice(node.data.length));
    else node.data = shown;
  }

  isBeingSelected() {
    const selection = getSelection();
    return !selection.isCollapsed && this.element.contains(selection.anchorNode);
  }
}

// Blocks end after so many characters; a string is indexed in UTF-16 units.
function offset(text, start, characters) {
  let at = start;
  for (let left = characters; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
}

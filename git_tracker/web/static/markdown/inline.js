import { h } from "../dom.js";
import { visible } from "../text.js";

const DEEPEST = 16;
const LONGEST_TARGET = 1024;
const MARKS = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" };
const SPECIAL = /[\\`*_~[\]!<h]/g;
const BARE = /https?:\/\/[^\s<>"'`[\]()|\\]+/y;
const WORD = /[\p{L}\p{N}]/u;

/**
 * The text of one block as nodes: code spans, emphasis, links. One pass over the text and one over its pieces; every search
 * looks at a table made beforehand, so the time grows with the length and not with its square.
 */
export function renderInline(text) {
  return build(pair(split(text)));
}

/** The address if it may be a link: http, https or mailto and nothing else; otherwise null. */
export function safeAddress(target) {
  if (!/^(https?:\/\/|mailto:)/i.test(target) || /[\s\p{Cc}\\]/u.test(target)) return null;
  try {
    const { href, protocol } = new URL(target);
    return ["http:", "https:", "mailto:"].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}

export function linkTo(href, ...children) {
  return h("a", { href, rel: "noopener noreferrer", target: "_blank", title: href }, ...children);
}

// Pieces: {text} · {node} · {mark, open, close} (emphasis) · {bracket} (an opening "[" or "![") · {target} after a matched "]"
function split(text) {
  const ticks = backtickRuns(text);
  const closings = nextClosing(text);
  const pieces = [];
  let plain = "";
  const put = (piece) => {
    if (plain) pieces.push({ text: plain });
    plain = "";
    pieces.push(piece);
  };
  for (let at = 0; at < text.length;) {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(text)?.index ?? text.length;
    plain += text.slice(at, found);
    at = found;
    if (at >= text.length) break;
    const char = text[at];
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
    } else if (char === "`") {
      const length = ticks.lengthAt(at);
      const end = ticks.closing(at, length);
      if (end < 0) {
        plain += text.slice(at, at + length);
        at += length;
      } else {
        put({ node: h("code", {}, trimOne(text.slice(at + length, end).replaceAll("\n", " "))) });
        at = end + length;
      }
    } else if (char === "h" && isBare(text, at)) {
      const address = trimEnd(bareAt(text, at));
      const href = safeAddress(address);
      if (href) put({ node: linkTo(href, address) });
      else plain += address;
      at += address.length;
    } else if (char === "[" || (char === "!" && text[at + 1] === "[")) {
      const image = char === "!";
      put({ bracket: true, image });
      at += image ? 2 : 1;
    } else if (char === "]") {
      const target = text[at + 1] === "(" ? targetAt(text, at + 2, closings) : null;
      put({ closing: true, target: target?.address ?? null, raw: target ? text.slice(at, target.end) : "]" });
      at = target ? target.end : at + 1;
    } else if (char === "*" || char === "_" || (char === "~" && text[at + 1] === "~")) {
      let run = 1;
      while (text[at + run] === char) run += 1;
      const [before, after] = [text[at - 1] ?? " ", text[at + run] ?? " "];
      const inWord = char === "_" && WORD.test(before) && WORD.test(after);
      const open = !/\s/.test(after) && !inWord;
      const close = !/\s/.test(before) && !inWord;
      if (run > 3 || (char === "~" && run !== 2)) plain += text.slice(at, at + run);
      else
        for (const mark of run < 3 ? [char.repeat(run)] : close && !open ? [char, char + char] : [char + char, char])
          put({ mark, open, close });
      at += run;
    } else {
      plain += char;
      at += 1;
    }
  }
  if (plain) pieces.push({ text: plain });
  return pieces;
}

// Finds which marks and brackets belong together: a stack, and a count a kind so that a search which must fail never starts.
function pair(pieces) {
  const stack = [];
  const waiting = new Map();
  const kindOf = (piece) => piece.mark ?? "[";
  const unwind = (to) => {
    while (stack.length > to) {
      const kind = kindOf(stack.pop());
      waiting.set(kind, waiting.get(kind) - 1);
    }
  };
  const push = (piece) => {
    stack.push(piece);
    waiting.set(kindOf(piece), (waiting.get(kindOf(piece)) ?? 0) + 1);
  };
  for (const piece of pieces) {
    if (piece.bracket) push(piece);
    else if (piece.closing || piece.close) {
      const kind = piece.closing ? "[" : piece.mark;
      if (waiting.get(kind) > 0) {
        let at = stack.length - 1;
        while (kindOf(stack[at]) !== kind) at -= 1;
        const opener = stack[at];
        unwind(at);
        const href = piece.closing ? piece.target && safeAddress(piece.target) : true;
        if (href) {
          opener.ends = piece;
          piece.begins = opener;
          opener.href = href;
        }
      } else if (piece.open) push(piece);
    } else if (piece.open) push(piece);
  }
  return pieces;
}

function build(pieces) {
  const root = document.createDocumentFragment();
  const open = [{ node: root }];
  for (const piece of pieces) {
    const top = open.at(-1);
    if (piece.text !== undefined) appendText(top.node, piece.text);
    else if (piece.node) top.node.append(piece.node);
    else if (piece.ends && open.length < DEEPEST && (!piece.bracket || piece.image || !open.some(({ link }) => link))) {
      const within = open.some(({ link }) => link); // an image in a link: its words only, since links do not nest
      const node = piece.mark
        ? h(MARKS[piece.mark])
        : within
          ? h("span")
          : linkTo(piece.href, piece.image ? h("span", { class: "image-link" }, "image: ") : null);
      top.node.append(node);
      open.push({ node, piece, link: piece.bracket });
    } else if (piece.begins && open.at(-1).piece === piece.begins) open.pop();
    else appendText(top.node, piece.mark ?? (piece.bracket ? (piece.image ? "![" : "[") : piece.raw));
  }
  return root;
}

function appendText(node, text) {
  const lines = text.split("\n");
  lines.forEach((line, at) => {
    if (at) node.append(h("br"));
    if (line) node.append(visible(line));
  });
}

function backtickRuns(text) {
  const runs = new Map(); // length -> starts, ascending
  const lengths = new Map();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    lengths.set(index, run.length);
    if (!runs.has(run.length)) runs.set(run.length, { starts: [], next: 0 });
    runs.get(run.length).starts.push(index);
  }
  return {
    lengthAt: (at) => lengths.get(at) ?? 1,
    closing: (at, length) => {
      const run = runs.get(length);
      if (!run) return -1;
      while (run.next < run.starts.length && run.starts[run.next] <= at) run.next += 1;
      return run.starts[run.next] ?? -1;
    },
  };
}

// For every place, where the next ")" is; one pass from the end.
function nextClosing(text) {
  let from = 0;
  let at = -2;
  return (place) => {
    if (at === -2 || (at !== -1 && at < place) || place < from) {
      from = place;
      at = text.indexOf(")", place);
    }
    return at;
  };
}

function targetAt(text, from, closings) {
  let end = closings(from);
  if (end < 0 || end - from > LONGEST_TARGET) return null;
  const inside = text.slice(from, end);
  if (inside.includes("(") && text[end + 1] === ")") end += 1; // one pair of brackets within an address, as in encyclopedias
  const address = text
    .slice(from, end)
    .trim()
    .replace(/^(\S*)\s+(?:"[^"]*"|'[^']*')$/, "$1")
    .replace(/^<([^<>]*)>$/, "$1");
  return { address, end: end + 1 };
}

function bareAt(text, at) {
  BARE.lastIndex = at;
  return BARE.exec(text)?.[0] ?? "";
}

function isBare(text, at) {
  return text.startsWith("http", at) && !WORD.test(text[at - 1] ?? " ") && bareAt(text, at) !== "";
}

function trimEnd(address) {
  let end = address.length;
  while (end > 0 && ".,:;!?*_~".includes(address[end - 1])) end -= 1;
  return address.slice(0, end);
}

function trimOne(code) {
  return code.length > 2 && code.startsWith(" ") && code.endsWith(" ") && code.trim() ? code.slice(1, -1) : code;
}

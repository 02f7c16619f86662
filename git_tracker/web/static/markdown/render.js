import { h } from "../dom.js";
import { visibleLines } from "../text.js";
import { renderInline } from "./inline.js";

const MOST = 64 * 1024;
const DEEPEST = 8;
const MOST_CELLS = 32;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*))?$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( {1,4})(?=\S)| |$)/;
const TASK = /^\[([ xX])\]\s+/;
const DELIMITER_CELL = /^:?-+:?$/;

/**
 * Markdown as DOM nodes. There is no HTML in it and none comes out of it: markup in the text stays text, images become
 * links and are never loaded, links lead to http, https and mailto only. Longer texts are cut at 64 KiB and say so.
 */
export function renderMarkdown(source) {
  const text = String(source ?? "").replace(/\r\n?/g, "\n");
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text.slice(0, MOST).split("\n"), 0));
  if (text.length > MOST)
    fragment.append(
      h(
        "p",
        { class: "quiet" },
        `The text goes on for ${(text.length - MOST).toLocaleString("en")} more characters; \`tracker show\` prints all of it.`,
      ),
    );
  return fragment;
}

function blocks(lines, depth) {
  const nodes = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) {
      at += 1;
      continue;
    }
    const reader = depth < DEEPEST ? READERS.find(({ starts }) => starts(lines, at)) : null;
    const [node, next] = (reader?.read ?? paragraph)(lines, at, depth);
    nodes.push(node);
    at = Math.max(next, at + 1);
  }
  return nodes;
}

const READERS = [
  { starts: (lines, at) => Boolean(fenceOf(lines[at])), read: fence },
  { starts: (lines, at) => HEADING.test(lines[at]), read: heading },
  { starts: (lines, at) => RULE.test(lines[at]), read: (lines, at) => [h("hr"), at + 1] },
  { starts: (lines, at) => QUOTE.test(lines[at]), read: quote },
  { starts: (lines, at) => ITEM.test(lines[at]), read: list },
  { starts: isTable, read: table },
];

function interrupts(lines, at) {
  return READERS.some(({ starts }) => starts(lines, at));
}

function paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !interrupts(lines, end)) end += 1;
  return [
    h(
      "p",
      {},
      renderInline(
        lines
          .slice(at, end)
          .map((line) => line.trim())
          .join("\n"),
      ),
    ),
    end,
  ];
}

function heading(lines, at) {
  const [, marks, text = ""] = lines[at].match(HEADING);
  const level = Math.min(6, marks.length + 2); // the page has its own first and second level
  return [h(`h${level}`, {}, renderInline(trimHashes(text))), at + 1];
}

function fence(lines, at) {
  const { marks, language } = fenceOf(lines[at]);
  let end = at + 1;
  while (end < lines.length && !closes(lines[end], marks)) end += 1;
  const code = h("code", { data: { language: language || null } });
  code.append(visibleLines(lines.slice(at + 1, end).join("\n")));
  return [h("pre", { tabindex: "0" }, code), end + 1];
}

function fenceOf(line) {
  const marks = line.match(FENCE)?.[1];
  if (!marks) return null;
  const info = line.slice(line.indexOf(marks) + marks.length).trim();
  return info.includes("`") ? null : { marks, language: info.slice(0, 40).match(/^[\w+#.-]*/)[0] };
}

function closes(line, marks) {
  const text = line.trim();
  return text.length >= marks.length && text[0] === marks[0] && text === text[0].repeat(text.length);
}

function quote(lines, at, depth) {
  let end = at;
  const inside = [];
  while (end < lines.length && lines[end].trim() && (QUOTE.test(lines[end]) || !interrupts(lines, end)))
    inside.push(lines[end++].replace(QUOTE, ""));
  return [h("blockquote", {}, blocks(inside, depth + 1)), end];
}

function list(lines, at, depth) {
  const ordered = /\d/.test(lines[at].match(ITEM)[2]);
  const kind = (marker) => (/\d/.test(marker) ? marker.at(-1) : marker);
  const first = lines[at].match(ITEM)[2];
  const items = [];
  let end = at;
  while (end < lines.length) {
    const found = lines[end].match(ITEM);
    if (!found || kind(found[2]) !== kind(first) || RULE.test(lines[end])) break;
    const width = found[0].length;
    const body = [lines[end].slice(width)];
    end += 1;
    while (
      end < lines.length &&
      (indent(lines[end]) >= Math.min(width, indent(lines[at]) + 2) || !lines[end].trim() || continues(lines, end))
    ) {
      if (!lines[end].trim() && !(end + 1 < lines.length && indent(lines[end + 1]) >= 2)) break;
      body.push(dedent(lines[end], width));
      end += 1;
    }
    items.push(body);
    if (end < lines.length && !lines[end].trim() && end + 1 < lines.length && ITEM.test(lines[end + 1])) end += 1; // one empty line between items
  }
  const start = ordered ? parseInt(first, 10) : 1;
  return [
    h(
      ordered ? "ol" : "ul",
      { start: start !== 1 ? String(start) : null },
      items.map((body) => item(body, depth)),
    ),
    end,
  ];
}

function continues(lines, at) {
  return !interrupts(lines, at) && Boolean(lines[at - 1].trim());
}

function item(body, depth) {
  const task = body[0].match(TASK);
  if (task) body[0] = body[0].slice(task[0].length);
  const nodes = blocks(body, depth + 1);
  const tight = !body.some((line, at) => at < body.length - 1 && !line.trim());
  const content = tight ? nodes.flatMap((node) => (node.tagName === "P" ? [...node.childNodes] : [node])) : nodes;
  if (!task) return h("li", {}, content);
  const done = task[1] !== " ";
  return h(
    "li",
    { class: "task" },
    h("input", { type: "checkbox", disabled: true, checked: done, "aria-label": done ? "done" : "open" }),
    content,
  );
}

function isTable(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length || !lines[at + 1].includes("-")) return false;
  const cells = cellsOf(lines[at + 1]);
  return cells.every((cell) => DELIMITER_CELL.test(cell)) && cells.length === cellsOf(lines[at]).length;
}

function table(lines, at) {
  const align = cellsOf(lines[at + 1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : null,
  );
  const row = (line, tag) => {
    const cells = cellsOf(line);
    return h(
      "tr",
      {},
      cells
        .slice(0, align.length)
        .map((cell, column) => h(tag, { class: align[column] && `align-${align[column]}` }, renderInline(cell))),
    );
  };
  let end = at + 2;
  const body = [];
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) body.push(row(lines[end++], "td"));
  return [
    h(
      "div",
      { class: "table-scroll", tabindex: "0" },
      h("table", {}, h("thead", {}, row(lines[at], "th")), h("tbody", {}, body)),
    ),
    end,
  ];
}

function cellsOf(line) {
  const text = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return text.split(/(?<!\\)\|/, MOST_CELLS).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function indent(line) {
  return line.startsWith("\t") ? 4 : line.length - line.trimStart().length;
}

function dedent(line, width) {
  return line.startsWith("\t") ? line.slice(1) : line.slice(Math.min(width, indent(line)));
}

function trimHashes(text) {
  const trimmed = text.trimEnd();
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === "#") end -= 1;
  return end === 0 || /\s/.test(trimmed[end - 1]) ? trimmed.slice(0, end).trimEnd() : trimmed;
}

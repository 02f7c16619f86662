// Text that came from the API is written by anybody: people, agents, importers, forgers.
// Whatever would be invisible, reorder its neighbours or drive a terminal is shown as an escape instead.

const UNUSUAL = /[\p{Cc}\p{Cs}\p{DI}\p{Zl}\p{Zp}\u{FFF9}-\u{FFFB}]/gu;
const PICTOGRAPH_BEFORE = /\p{Extended_Pictographic}$/u;

/** One line of text: every control, bidi, zero-width or tag character becomes `\x1b` or `\u{202e}`; line breaks too. */
export function visible(value) {
  return String(value ?? "").replace(UNUSUAL, escapeUnlessEmoji);
}

/** Many lines of text: as `visible`, but line feeds and tabs stay. */
export function visibleLines(value) {
  return String(value ?? "")
    .replace(/\r\n?/g, "\n")
    .replace(UNUSUAL, (char, at, whole) =>
      char === "\n" || char === "\t" ? char : escapeUnlessEmoji(char, at, whole),
    );
}

/** True if `visible` would show something else than the text itself. */
export function hasUnusual(value) {
  const text = String(value ?? "");
  return visibleLines(text) !== text;
}

/** A hue from 0 to 359 that is always the same for the same text (labels, avatars). */
export function hue(text) {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return ((((hash >>> 0) * 0.618034) % 1) * 360) | 0 || (hash >>> 0) % 360;
}

/** `plural(1, "event")` is "1 event", `plural(2, "entry", "entries")` is "2 entries". */
export function plural(count, one, many = `${one}s`) {
  return `${Number(count).toLocaleString("en")} ${count === 1 ? one : many}`;
}

function escapeUnlessEmoji(char, at, whole) {
  if (char === "\uFE0F" && PICTOGRAPH_BEFORE.test(whole.slice(Math.max(0, at - 2), at))) return char;
  const code = char.codePointAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

const MOST_CELLS = 2_000_000; // beyond that a rewrite is shown as one
const CONTEXT = 3; // lines kept around a change

/**
 * What turns `base` into `text`, word by word: `[{kind: "same" | "gone" | "new", text}]`.
 */
export function difference(base, text) {
  const [before, after] = [words(base), words(text)];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const parts = [];
  add(parts, "same", before.slice(0, start).join(""));
  compare(parts, before.slice(start, before.length - end), after.slice(start, after.length - end));
  add(parts, "same", before.slice(before.length - end).join(""));
  return parts;
}

/** The same with long unchanged stretches cut: what is left out becomes `{kind: "cut", lines}`. */
export function excerpt(parts) {
  return parts.flatMap((part, at) => {
    if (part.kind !== "same") return [part];
    const lines = part.text.split("\n");
    const [first, last] = [at > 0 ? CONTEXT : 0, at < parts.length - 1 ? CONTEXT : 0];
    const cut = lines.length - first - last;
    if (cut < 2) return [part];
    return [
      first && { kind: "same", text: `${lines.slice(0, first).join("\n")}\n` },
      { kind: "cut", lines: cut },
      last && { kind: "same", text: lines.slice(lines.length - last).join("\n") },
    ].filter(Boolean);
  });
}

function compare(parts, before, after) {
  if (before.length * after.length > MOST_CELLS || !before.length || !after.length) {
    add(parts, "gone", before.join(""));
    add(parts, "new", after.join(""));
    return;
  }
  const width = after.length + 1;
  const longest = new Uint16Array((before.length + 1) * width); // of the common words from here to the end
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      longest[i * width + j] =
        before[i] === after[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      add(parts, "same", before[i++]);
      j++;
    } else if (i < before.length && (j === after.length || longest[(i + 1) * width + j] >= longest[i * width + j + 1]))
      add(parts, "gone", before[i++]);
    else add(parts, "new", after[j++]);
  }
}

function add(parts, kind, text) {
  if (!text) return;
  const last = parts.at(-1);
  if (last?.kind === kind) last.text += text;
  else parts.push({ kind, text });
}

function words(text) {
  return String(text ?? "").match(/[\p{L}\p{N}_]+|[^\S\n]+|[^\p{L}\p{N}_]/gu) ?? [];
}

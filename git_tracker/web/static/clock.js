import { h } from "./dom.js";

const DATE_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const HOURS = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});

/** Keeps every relative time on the page true: one timer for all of them. */
export class Clock {
  constructor(root) {
    setInterval(() => {
      if (!document.hidden) this.#tick(root);
    }, 10_000);
  }

  #tick(root) {
    const now = Date.now();
    for (const element of root.querySelectorAll("[data-ago], [data-until]")) {
      const text = element.dataset.ago
        ? ago(element.dataset.ago, now)
        : (element.dataset.who ?? "") + remaining(element.dataset.until, now);
      if (element.textContent !== text) element.textContent = text;
    }
  }
}

/** `<time>` that reads "3 min ago" and has the full date as its title. */
export function timeAgo(at) {
  return h("time", { datetime: at, title: fullTime(at), data: { ago: at } }, ago(at));
}

/** "now", "12 s ago", "3 min ago", "5 h ago", "2 d ago", then a date. */
export function ago(at, now = Date.now()) {
  const date = new Date(at);
  const seconds = Math.round((now - date) / 1000);
  if (!at || Number.isNaN(seconds)) return "unknown";
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return (date.getFullYear() === new Date(now).getFullYear() ? DAY : DAY_AND_YEAR).format(date);
}

/** How long a lease still holds: "24 min left", "40 s left" or "lease over". */
export function remaining(until, now = Date.now()) {
  const seconds = Math.round((new Date(until) - now) / 1000);
  if (!until || Number.isNaN(seconds)) return "no end";
  if (seconds <= 0) return "lease over";
  if (seconds < 60) return `${seconds} s left`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min left`;
  return `${Math.round(seconds / 3600)} h left`;
}

export function fullTime(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at ?? "") : DATE_TIME.format(date);
}

/** A clock time for today, a date with it for earlier days: for rows that follow each other closely. */
export function clockTime(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at ?? "");
  return date.toDateString() === new Date().toDateString()
    ? HOURS.format(date)
    : `${DAY.format(date)} ${HOURS.format(date)}`;
}

import { h, icon } from "../dom.js";

/**
 * A small list to choose from, next to `anchor`. `items` are `{value, label, mark?, chosen?}`; with `free`, whatever is typed
 * may be chosen too. Resolves to the value, or to undefined if the menu was left.
 */
export function choose(anchor, { label, items, free = "", filter = items.length > 7 || Boolean(free) }) {
  return new Promise((resolve) => new Menu(anchor, { label, items, free, filter }, resolve));
}

class Menu {
  #anchor;
  #options;
  #resolve;
  #at = 0;
  #shown = [];
  #list = h("div", { role: "listbox", class: "options" });
  #field;
  #popover;

  constructor(anchor, options, resolve) {
    this.#anchor = anchor;
    this.#options = options;
    this.#resolve = resolve;
    this.#list.setAttribute("aria-label", options.label);
    this.#list.tabIndex = -1;
    this.#field = options.filter
      ? h("input", {
          type: "text",
          class: "filter",
          placeholder: options.free || "Filter",
          "aria-label": options.free || `Filter ${options.label}`,
          autocomplete: "off",
          spellcheck: "false",
          maxlength: "256",
        })
      : null;
    this.#popover = h(
      "div",
      { class: "menu", popover: "auto" },
      h("p", { class: "menu-title" }, options.label),
      this.#field,
      this.#list,
    );
    this.#popover.addEventListener("keydown", (event) => this.#key(event));
    this.#popover.addEventListener("toggle", (event) => {
      if (event.newState === "closed") this.#finish(undefined);
    });
    this.#field?.addEventListener("input", () => {
      this.#at = 0;
      this.#fill();
    });
    (anchor.closest("dialog") ?? document.body).append(this.#popover); // beside an open dialog nothing takes clicks or keys
    this.#at = Math.max(
      0,
      options.items.findIndex((item) => item.chosen),
    );
    this.#fill();
    this.#popover.showPopover();
    this.#stand();
    (this.#field || this.#list).focus();
  }

  #fill() {
    const text = this.#field?.value.trim() ?? "";
    const wanted = text.toLowerCase();
    // "Nobody" and the like are no answer to a name that is being typed.
    const named = (item) => !(this.#options.free && text && item.value === null);
    this.#shown = this.#options.items
      .filter((item) => named(item) && item.label.toLowerCase().includes(wanted))
      .slice(0, 100);
    if (this.#options.free && text && !this.#shown.some((item) => item.label === text))
      this.#shown.push({ value: text, label: `Use “${text}”` });
    this.#list.replaceChildren(
      ...this.#shown.map((item, at) =>
        h(
          "div",
          {
            role: "option",
            class: "option",
            "aria-selected": String(at === this.#at),
            data: { value: item.value ?? "" },
            on: { click: () => this.#finish(item.value), pointermove: () => this.#mark(at) },
          },
          item.mark ?? null,
          h("span", { class: "option-label" }, item.label),
          item.chosen && icon("check", "current"),
        ),
      ),
    );
    if (!this.#shown.length) this.#list.append(h("p", { class: "quiet" }, "Nothing matches."));
  }

  #mark(at) {
    this.#at = at;
    [...this.#list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    this.#list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const last = this.#shown.length - 1;
    const steps = { ArrowDown: Math.min(last, this.#at + 1), ArrowUp: Math.max(0, this.#at - 1), Home: 0, End: last };
    if (event.key in steps && !(this.#field && (event.key === "Home" || event.key === "End")))
      this.#mark(steps[event.key]);
    else if (event.key === "Enter") this.#finish(this.#shown[this.#at]?.value);
    else if (event.key === "Tab") this.#finish(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #stand() {
    const at = this.#anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#popover;
    const below = at.bottom + 4 + height <= innerHeight || at.top < height;
    this.#popover.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
    this.#popover.style.top = `${Math.max(8, below ? Math.min(at.bottom + 4, innerHeight - height - 8) : at.top - height - 4)}px`;
  }

  #finish(value) {
    const resolve = this.#resolve;
    if (!resolve) return;
    this.#resolve = null;
    const back = this.#popover.contains(document.activeElement);
    this.#popover.remove();
    if (back) this.#anchor.focus?.();
    resolve(value);
  }
}

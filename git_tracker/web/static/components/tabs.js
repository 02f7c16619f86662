import { h, setText } from "../dom.js";

/** Tabs with counts. `entries` are `[name, label, element]`; `count(name, number)` sets the number beside a label. */
export function tabs(entries) {
  const panels = entries.map(([name, , part]) =>
    h("div", { role: "tabpanel", id: `tab-${name}`, "aria-labelledby": `tab-of-${name}` }, part),
  );
  const buttons = entries.map(([name, label], at) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-of-${name}`,
        "aria-controls": `tab-${name}`,
        data: { tab: name },
        on: {
          click: () => select(at),
          keydown: (event) => {
            if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
              const other = (at + 1) % entries.length;
              select(other);
              buttons[other].focus();
            }
          },
        },
      },
      label,
      h("span", { class: "total" }),
    ),
  );
  const select = (chosen) =>
    buttons.forEach((button, at) => {
      button.setAttribute("aria-selected", String(at === chosen));
      button.tabIndex = at === chosen ? 0 : -1;
      panels[at].hidden = at !== chosen;
    });
  select(0);
  return {
    element: h(
      "section",
      { class: "tabs" },
      h("div", { role: "tablist", "aria-label": "Comments and history" }, buttons),
      panels,
    ),
    count: (name, number) =>
      setText(buttons[entries.findIndex(([one]) => one === name)].querySelector(".total"), number),
  };
}

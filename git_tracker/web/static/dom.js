import { visible } from "./text.js";

const SHOWN_ATTRIBUTES = new Set(["title", "aria-label", "placeholder", "label"]);

/**
 * Builds one element. Strings become text nodes and pass through `visible`, so no text of the API can become markup.
 * `props`: `class`, `on: {type: listener}`, `data: {key: value}`, `value`, `checked`, other names are attributes;
 * null, undefined and false leave an attribute or child out.
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) assign(element, name, value);
  append(element, children);
  return element;
}

/** A small drawing from the sprite; without a name it is decoration. */
export function icon(name, label) {
  return h("span", {
    class: `icon i-${name}`,
    "aria-hidden": label ? null : "true",
    role: label ? "img" : null,
    "aria-label": label,
    title: label,
  });
}

/** Sets text only where it differs, so that a selection and a screen reader are left in peace. */
export function setText(element, value) {
  const text = visible(value);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` match `items` in place: known keys are moved and updated, new ones made, gone ones removed.
 * `make(item)` returns an element, `update(element, item)` patches one that is already there.
 */
export function keyed(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    if (child) {
      known.delete(key);
      update?.(child, item);
    } else {
      child = make(item);
      child.dataset.key = key;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of known.values()) child.remove();
}

function assign(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
  else if (name === "data")
    for (const [key, text] of Object.entries(value)) {
      if (text !== null && text !== undefined) element.dataset[key] = text;
    }
  else if (name === "vars") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
  else if (name === "value" || name === "checked") element[name] = value;
  else element.setAttribute(name, SHOWN_ATTRIBUTES.has(name) ? visible(value) : value === true ? "" : value);
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(visible(child));
  }
}

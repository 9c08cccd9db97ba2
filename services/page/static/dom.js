// Elements made by hand: text is only ever set as text, so nothing from a catalogue can be markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "css") for (const [rule, text] of Object.entries(value)) element.style.setProperty(rule, text);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const h = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Bring the children of `parent` in line with `items`, keeping the elements whose key stays.
export function keyed(parent, items, keyOf, create, update) {
  const held = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = held.get(key);
    if (child) held.delete(key);
    else {
      child = create(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
  for (const child of held.values()) child.remove();
}

// A picture that answers to a broken address by standing back instead of showing a torn icon.
export function picture(url, alt = "", loading = "lazy") {
  const image = h("img", { class: "thumb", alt, loading, decoding: "async", src: url });
  image.addEventListener("error", () => image.removeAttribute("src"), { once: true });
  return image;
}

export function setPicture(image, url) {
  if (image.getAttribute("src") !== url) image.setAttribute("src", url);
}

export function empty(title, text, ...commands) {
  return h("div", { class: "empty" }, h("strong", {}, title), h("span", {}, text),
    commands.map((command) => h("code", {}, command)));
}

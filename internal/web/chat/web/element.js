// Elements made from data. What comes from outside becomes text, never markup: nothing
// here, or anywhere on the page, reads HTML.

// h makes an element: h("a", { class: "link", href, on: { click } }, "text", child, ...).
// A property that is null, undefined or false is left out; children may be nested lists.
export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return node;
}

// fill replaces what is in an element.
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

// arrange makes children what a list shows, in order. What stays is not moved, so that it
// keeps the focus and a click that has just begun.
export function arrange(list, children) {
  const staying = new Set(children);
  for (const child of [...list.children]) if (!staying.has(child)) child.remove();
  let at = list.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else list.insertBefore(child, at);
  }
}

// keyOf names an entry of a list by the data of its button.
const keyOf = (entry) => Object.entries(entry.querySelector("button")?.dataset || {}).join();

// keep is fill for a list whose entries have buttons: an entry that was there before keeps
// its button, and only its look changes.
export function keep(list, ...entries) {
  const old = new Map([...list.children].map((entry) => [keyOf(entry), entry]));
  arrange(list, entries.flat(Infinity).filter(Boolean).map((entry) => {
    const was = keyOf(entry) && old.get(keyOf(entry));
    if (!was) return entry;
    if (was.isEqualNode(entry)) return was;
    const a = was.querySelector("button"), b = entry.querySelector("button");
    for (const { name } of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name);
    for (const { name, value } of b.attributes) a.setAttribute(name, value);
    a.replaceChildren(...b.childNodes);
    return was;
  }));
}

export const byId = (id) => document.getElementById(id);

// write changes a text only where it differs, so that nothing is read out twice.
export function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

const root = document.documentElement;
const words = JSON.parse(document.body.dataset.words || "{}");

// t is the text of a key, with args in the place of its %s.
export const t = (key, ...args) => args.reduce((text, arg) => text.replace("%s", () => String(arg)), words[key] ?? key);

export const locale = root.lang === "th" ? "th-TH-u-ca-gregory" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const stamp = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

// time is a moment as an element: the time of day, with the date as its title.
export function time(at, form = clock) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return document.createTextNode("");
  return h("time", { datetime: date.toISOString(), title: stamp.format(date) }, form.format(date));
}
export const timeWithSeconds = (at) => time(at, seconds);

// span says a number of seconds in the language of the page.
export function span(s) {
  if (s < 60) return `${s < 10 ? Math.round(s * 10) / 10 : Math.round(s)}\u00a0${t("unit.s")}`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m}\u00a0${t("unit.min")}`;
  return `${Math.floor(m / 60)}\u00a0${t("unit.h")} ${m % 60}\u00a0${t("unit.min")}`;
}

// visible reports whether a text has anything to be seen in it.
export const visible = (text) => /[^\s\p{C}\p{Z}\u115f\u1160\u2800\u3164\uffa0]/u.test(text);

// isolate is a foreign name: it has its own direction and cannot disturb what is beside it.
export const isolate = (name, props) => h("bdi", { ...props }, visible(String(name)) ? String(name) : t("unnamed"));

// Slash commands in the composer: suggestions, options and what the bot suggests for them.

import { byId, fill, h, isolate, t } from "./element.js";
import * as api from "./api.js";
import { readFile } from "./dialog.js";
import { channelName, guild, localName, memberName, state } from "./state.js";

// Types of options.
const SUB = 1, GROUP = 2, STRING = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10, ATTACHMENT = 11;

// pause is how long the page waits for the next key before it asks the bot, in milliseconds.
const pause = 200;

// leaves lists every slash command that can be used, with its sub-commands, as
// { path, description, options }.
function leaves() {
  const out = [];
  const descend = (path, of) => {
    const inner = (of.options || []).filter((o) => o.type === SUB || o.type === GROUP);
    if (!inner.length) out.push({ path, name: path, description: localName(of, "description"), options: of.options || [] });
    for (const o of inner) descend(`${path} ${o.name}`, o);
  };
  for (const c of state.commands) if ((c.type ?? 1) === 1) descend(c.name, c);
  return out;
}

// menus lists the context-menu commands of a type: 2 of a user, 3 of a message.
export const menus = (type) => state.commands.filter((c) => c.type === type);

// listbox shows suggestions above a field, which keeps the focus.
export function listbox(input, list, choose) {
  let items = [], at = -1;
  const mark = () => {
    [...list.children].forEach((li, n) => li.setAttribute("aria-selected", String(n === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (at >= 0) input.setAttribute("aria-activedescendant", list.children[at].id);
    else input.removeAttribute("aria-activedescendant");
  };
  const box = {
    get open() { return !list.hidden; },
    show(next, row) {
      items = next;
      at = items.length ? 0 : -1;
      fill(list, items.map((item, n) => h("li", { role: "option", id: `${list.id}-${n}`, on: { mousedown: (e) => { e.preventDefault(); box.choose(n); } } }, row(item))));
      list.hidden = !items.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
      mark();
    },
    hide() { box.show([], null); },
    choose(n = at) {
      const item = items[n];
      box.hide();
      if (item) choose(item);
    },
    // key handles a key of the field, and reports whether it was one for the list.
    key(e) {
      if (list.hidden) return false;
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) {
        at = (at + step + items.length) % items.length;
        mark();
      } else if (e.key === "Enter" || e.key === "Tab" && !e.shiftKey) box.choose();
      else if (e.key === "Escape") box.hide();
      else return false;
      e.preventDefault();
      e.stopPropagation();
      return true;
    },
  };
  return box;
}

// suggest shows the commands that begin as the text does.
export function suggest(box, text) {
  const wanted = text.slice(1).toLowerCase().trimEnd();
  const all = leaves();
  const found = all.filter((c) => c.path.toLowerCase().startsWith(wanted));
  box.show([...found, ...all.filter((c) => !found.includes(c) && c.path.toLowerCase().includes(wanted))].slice(0, 25),
    (c) => [h("bdi", { class: "command-name" }, `/${c.path}`), " ", h("span", { class: "soft" }, isolate(c.description))]);
}

// exact finds the command that a text names; undefined if there is none.
export const exact = (text) => leaves().find((c) => c.path === text.slice(1).trim());

// options shows the fields for the options of a command in place of the text, and calls use
// with their values, or cancel.
export function options(command, { use, cancel }) {
  const area = byId("options");
  const readers = []; // [name, read]
  const trouble = h("p", { class: "trouble", role: "alert" });
  const values = async (unsent) => {
    const out = {};
    for (const [name, read] of readers) {
      const value = await read(unsent);
      if (value !== undefined && value !== "") out[name] = value;
    }
    return out;
  };
  const form = h("form", {
    class: "command", on: {
      submit: async (e) => {
        e.preventDefault();
        fill(trouble);
        try {
          await use(await values(false));
        } catch (problem) {
          fill(trouble, problem.message);
        }
      },
      keydown: (e) => {
        if (e.key === "Escape") cancel();
      },
    },
  },
  h("p", { class: "command-head" }, h("bdi", { class: "command-name" }, `/${command.path}`), " ", h("span", { class: "soft" }, isolate(command.description))),
  h("div", { class: "command-options" }, command.options.map((o) => option(command, o, readers, () => values(true)))),
  trouble,
  h("div", { class: "command-foot" }, h("button", { type: "button", class: "button secondary", on: { click: cancel } }, t("cancel")), h("button", { type: "submit", class: "button primary" }, t("use"))));
  fill(area, form);
  area.hidden = false;
  form.querySelector("input, select, textarea")?.focus();
}

const pickers = {
  [USER]: () => people(),
  [ROLE]: () => roles(),
  [MENTIONABLE]: () => [...people(), ...roles()],
  [CHANNEL]: (o) => (guild()?.channels || []).filter((c) => !o.channel_types?.length || o.channel_types.includes(c.type)).map((c) => [c.id, channelName(c)]),
  [BOOLEAN]: () => [["true", t("yes")], ["false", t("no")]],
};
const people = () => state.members.map((m) => [m.user.id, `@${memberName(m.user.id)}`]);
const roles = () => (guild()?.roles || []).map((r) => [r.id, r.name]);

// option is the field of one option.
function option(command, o, readers, others) {
  const head = h("span", { title: localName(o, "description") }, h("bdi", {}, localName(o)), o.required ? h("span", { class: "needed", title: t("required") }, " *") : null);
  const about = h("span", { class: "option-about soft" }, isolate(localName(o, "description")));
  const offered = o.choices?.length ? o.choices.map((c) => [c.value, localName(c)]) : pickers[o.type]?.(o);
  if (offered) {
    const node = h("select", { name: o.name, required: o.required }, h("option", { value: "" }, o.required ? t("select") : t("option.none")), offered.map(([, label], n) => h("option", { value: String(n) }, label)));
    readers.push([o.name, () => {
      const value = node.value === "" ? undefined : offered[Number(node.value)][0];
      return o.type === BOOLEAN && value !== undefined ? value === "true" : value;
    }]);
    return h("label", { class: "field" }, head, node, about);
  }
  if (o.type === ATTACHMENT) {
    const node = h("input", { type: "file", name: o.name, required: o.required });
    readers.push([o.name, (unsent) => (node.files[0] && !unsent ? readFile(node.files[0]) : undefined)]);
    return h("label", { class: "field" }, head, node, about);
  }
  const number = o.type === INTEGER || o.type === NUMBER;
  const node = h("input", {
    name: o.name, required: o.required, autocomplete: "off", dir: "auto", inputmode: number ? "decimal" : null,
    minlength: o.min_length ?? null, maxlength: o.max_length ?? null,
    pattern: o.autocomplete ? null : o.type === INTEGER ? "-?[0-9]+" : o.type === NUMBER ? "-?[0-9]+([.,][0-9]+)?" : null, title: number ? t("number") : null,
  });
  if (!o.autocomplete) {
    readers.push([o.name, () => (number && node.value ? Number(node.value.replace(",", ".")) : node.value)]);
    return h("label", { class: "field" }, head, node, about);
  }
  return h("div", { class: "field completed" }, h("label", {}, head, node), completed(command, o, node, readers, others), about);
}

let lists = 0; // tells the lists of suggestions apart

// completed lets the bot suggest values for an option while it is typed.
function completed(command, o, node, readers, others) {
  const list = h("ul", { role: "listbox", id: `complete-${++lists}`, class: "suggestions", "aria-label": t("suggestions"), hidden: true });
  const said = h("p", { class: "soft", role: "status" });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) node.setAttribute(name, value);
  let picked; // the choice that stands in the field
  let asked = 0, timer = 0;
  const box = listbox(node, list, (choice) => {
    picked = choice;
    node.value = choice.name;
  });
  const ask = async () => {
    const number = ++asked;
    fill(said, t("complete.asks"));
    try {
      const given = { ...await others(), [o.name]: node.value };
      const { choices } = await api.act("complete", { channel: state.channel, as: state.as, command: command.path, options: given, focused: o.name });
      if (number !== asked || document.activeElement !== node) return;
      fill(said, choices.length ? "" : t("complete.none"));
      box.show(choices, (c) => h("bdi", {}, c.name));
    } catch (problem) {
      if (number !== asked) return;
      box.hide();
      fill(said, problem.message);
    }
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  };
  node.addEventListener("input", () => {
    picked = undefined;
    later();
  });
  node.addEventListener("focus", () => picked || later());
  node.addEventListener("blur", () => {
    asked++;
    clearTimeout(timer);
    box.hide();
    fill(said);
  });
  node.addEventListener("keydown", (e) => box.key(e));
  readers.push([o.name, () => {
    if (picked) return picked.value;
    return o.type !== STRING && node.value && !Number.isNaN(Number(node.value)) ? Number(node.value) : node.value;
  }]);
  return [list, said];
}

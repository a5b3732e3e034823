// The components of a message: buttons and selects, and the newer ones that lay it out.

import { h, isolate, t } from "./element.js";
import { link, markdown } from "./markdown.js";
import { own, picture } from "./attached.js";
import { channelName, guild, memberName, nameOf, state } from "./state.js";

const V2 = 1 << 15;

// usesV2 reports whether the components are all of the message.
export const usesV2 = (m) => Boolean(m.flags & V2);

const buttonStyles = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "premium" };

// components shows those of a message.
export const components = (m, act) => ((m.components || []).length > 0 ? h("div", { class: "components" }, m.components.map((c) => component(c, m, act))) : null);

const emojiOf = (e) => (e ? h("span", { class: "emoji" }, e.id ? `:${e.name}:` : e.name) : null);

// component shows one, and those within it.
export function component(c, m, act) {
  switch (c.type) {
    case 1: // action row
      return h("div", { class: "row" }, (c.components || []).map((one) => component(one, m, act)));
    case 2:
      return button(c, m, act);
    case 3: case 5: case 6: case 7: case 8:
      return select(c, { disabled: c.disabled || act.busy(m.id, c.custom_id), pick: (values) => act.press(m, c.custom_id, values) });
    case 9: // section
      return h("div", { class: "section" }, h("div", {}, (c.components || []).map((one) => component(one, m, act))), c.accessory && component(c.accessory, m, act));
    case 10: // text display
      return h("div", { class: "text-display" }, markdown(c.content || ""));
    case 11: // thumbnail
      return h("div", { class: "thumbnail" }, hidden(c, picture(c.media, c.description)));
    case 12: // media gallery
      return h("div", { class: "gallery" }, (c.items || []).map((item) => hidden(item, picture(item.media, item.description))));
    case 13: { // file
      const here = own(c.file?.url || "");
      const name = c.name || c.file?.url || "";
      return h("p", { class: "file" }, "📄 ", here ? h("a", { href: here, target: "_blank", rel: "noopener" }, isolate(name)) : isolate(name));
    }
    case 14:
      return h("hr", { class: `separator${c.spacing === 2 ? " wide" : ""}${c.divider === false ? " bare" : ""}` });
    case 17: { // container
      const node = h("div", { class: "container" }, (c.components || []).map((one) => component(one, m, act)));
      if (typeof c.accent_color === "number") node.style.setProperty("--stripe", `#${c.accent_color.toString(16).padStart(6, "0")}`);
      return hidden(c, node);
    }
    default:
      return h("p", { class: "soft" }, t("component.unknown", c.type));
  }
}

const hidden = (c, node) => (c.spoiler ? h("details", {}, h("summary", {}, t("spoiler")), node) : node);

function button(c, m, act) {
  const inside = [emojiOf(c.emoji), c.emoji && c.label ? " " : null, c.label ? isolate(c.label) : null];
  if (c.style === 5) {
    const a = link(c.url || "", c.label || c.url || "");
    if (typeof a === "string") return h("span", { class: "button link" }, inside);
    a.classList.add("button", "link");
    a.append(" ↗");
    return a;
  }
  return h("button", {
    type: "button", class: `button ${buttonStyles[c.style] || "secondary"}`, disabled: c.disabled || act.busy(m.id, c.custom_id) || c.style === 6,
    data: { custom: c.custom_id || "" }, on: { click: () => act.press(m, c.custom_id, []) },
  }, c.style === 6 && !c.label ? t("button.premium") : inside);
}

// choicesOf lists what a select offers.
function choicesOf(c) {
  const users = state.members.map((one) => ({ value: one.user.id, label: `@${memberName(one.user.id)}` }));
  if (state.guild === "") {
    const dm = state.dms.find((d) => d.id === state.channel);
    for (const u of [dm?.user, state.bot]) if (u) users.push({ value: u.id, label: `@${nameOf(u)}` });
  }
  const roles = (guild()?.roles || []).map((r) => ({ value: r.id, label: r.name.startsWith("@") ? r.name : `@${r.name}` }));
  switch (c.type) {
    case 3: return c.options || [];
    case 5: return users;
    case 6: return roles;
    case 7: return [...users, ...roles];
    default: return (guild()?.channels || []).filter((ch) => !c.channel_types?.length || c.channel_types.includes(ch.type)).map((ch) => ({ value: ch.id, label: channelName(ch) }));
  }
}

// select shows a select as a list that opens. pick is called with the values once the person
// has chosen; without it the select is part of a form and only holds them (valuesOf).
export function select(c, { disabled = false, pick } = {}) {
  const least = c.min_values ?? 1, most = c.max_values ?? 1;
  const offered = choicesOf(c).slice(0, 100);
  const chosen = new Set([...offered.filter((o) => o.default).map((o) => o.value), ...(c.default_values || []).map((d) => d.id)]);
  const single = most === 1 && least === 1;
  const shown = h("span", { dir: "auto" });
  const close = () => {
    node.open = false;
    node.querySelector("summary").focus();
  };
  const done = pick && !single && h("button", { type: "button", class: "button primary", on: { click: () => { close(); pick([...chosen]); } } }, t("select.done"));
  const choose = (o) => {
    if (single) chosen.clear();
    if (single || !chosen.delete(o.value)) chosen.add(o.value);
    refresh();
    if (!single) return;
    close();
    pick?.([o.value]);
  };
  const buttons = offered.map((o) => h("button", { type: "button", class: "choice", data: { value: o.value }, on: { click: () => choose(o) } },
    h("i", { "aria-hidden": "true" }), h("span", {}, emojiOf(o.emoji), o.emoji ? " " : null, isolate(o.label), o.description && h("span", { class: "soft" }, isolate(o.description)))));
  const refresh = () => {
    const names = offered.filter((o) => chosen.has(o.value)).map((o) => o.label);
    shown.textContent = names.length ? names.join(", ") : c.placeholder || t("select");
    node.dataset.values = JSON.stringify([...chosen]);
    if (done) done.disabled = chosen.size < least || chosen.size > most;
    for (const b of buttons) {
      const on = chosen.has(b.dataset.value);
      b.setAttribute("aria-pressed", String(on));
      b.disabled = !single && !on && chosen.size >= most;
    }
  };
  const move = (e) => {
    if (e.key === "Escape" && node.open) {
      e.preventDefault();
      e.stopPropagation();
      close();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    node.open = true;
    const at = buttons.indexOf(document.activeElement);
    buttons[at < 0 ? 0 : (at + step + buttons.length) % buttons.length]?.focus();
  };
  const node = h("details", { class: `select${disabled ? " disabled" : ""}`, data: { custom: c.custom_id || "" }, on: { keydown: move } },
    h("summary", { "aria-label": c.placeholder || t("select"), "aria-disabled": disabled ? "true" : null, tabindex: disabled ? -1 : 0, on: { click: (e) => disabled && e.preventDefault() } }, shown),
    h("div", { class: "select-list" }, single ? null : h("p", { class: "soft" }, t("select.count", least, most)), buttons, done));
  refresh();
  return node;
}

// valuesOf is what is chosen in a select.
export const valuesOf = (node) => JSON.parse(node.dataset.values);

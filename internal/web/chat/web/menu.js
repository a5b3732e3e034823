// What can be done with a message or a person.

import { h, isolate, t } from "./element.js";
import * as api from "./api.js";
import { field, show } from "./dialog.js";
import { menus } from "./command.js";
import { localName, nameOf, state } from "./state.js";

const usual = ["👍", "👎", "❤️", "😂", "😮", "😢", "🎉", "🔥", "👀", "✅", "❌", "🙏"];

// openReactions lets a person choose an emoji.
export function openReactions(react) {
  const dialog = show({
    title: t("react"),
    body: [
      h("div", { class: "emoji-grid" }, usual.map((e) => h("button", { type: "button", class: "emoji", "aria-label": e, on: { click: () => { dialog.close(); react(e); } } }, e))),
      field(t("react.other"), { name: "emoji", maxlength: 60 }),
    ],
    send: async (form) => {
      const emoji = form.elements.emoji.value.trim();
      if (emoji) await react(emoji);
    },
  });
}

// items shows things to do, and closes the dialog before one is done.
function items(title, list) {
  const dialog = show({
    title,
    body: list.length ? h("ul", { class: "menu" }, list.map(([label, run]) => h("li", {}, h("button", { type: "button", on: { click: () => { dialog.close(); run(); } } }, label)))) : h("p", { class: "quiet" }, t("apps.none")),
  });
}

// used says what a context-menu command could not do.
const complaint = (problem) => show({ title: t("not.done"), body: h("p", {}, problem.message) });

// messageMenu offers the commands of bots for a message.
export function messageMenu(m, act) {
  items(t("apps"), menus(3).map((c) => [isolate(localName(c)), () => act.use({ command: c.name, target: m.id }).catch(complaint)]));
}

// personMenu offers what can be done with a person; with none, direct messages to the bot.
export function personMenu(user, act) {
  if (!user) {
    directMessage(act);
    return;
  }
  const list = menus(2).map((c) => [isolate(localName(c)), () => act.use({ command: c.name, target: user.id }).catch(complaint)]);
  if (!user.bot && user.id !== state.as) list.push([t("person.be", nameOf(user)), () => act.become(user.id)]);
  if (user.id === state.bot.id || user.id === state.as) list.push([t("person.dm", nameOf(state.bot)), () => directMessage(act)]);
  if (!user.bot && state.guild) list.push([t("person.leave"), () => act.leave(user)]);
  items(isolate(nameOf(user)), list);
}

// directMessage lets a person write to the bot.
function directMessage(act) {
  const people = state.guild ? state.members.filter((m) => !m.user.bot).map((m) => m.user) : state.people;
  const who = h("select", { name: "who" }, people.slice(0, 200).map((u) => h("option", { value: u.id }, nameOf(u))));
  if (people.some((u) => u.id === state.as)) who.value = state.as;
  show({
    title: t("dm.new"),
    body: [h("label", { class: "field" }, h("span", {}, t("as")), who), field(t("dm.text"), { name: "content", required: true, maxlength: 2000 }, { area: true })],
    send: async (form) => {
      const m = await api.act("say", { dm: true, as: form.elements.who.value, content: form.elements.content.value });
      await act.found(m.channel_id);
    },
  });
}

// editDialog lets a person change an own message.
export function editDialog(m, save) {
  show({
    title: t("edit"), sendText: t("save"),
    body: field(t("edit.text"), { name: "content", required: true, maxlength: 2000, value: m.content }, { area: true }),
    send: (form) => save(form.elements.content.value),
  });
}

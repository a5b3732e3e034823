// What stands beside the messages: guilds and channels, members, and how the bot is seen.

import { byId, fill, h, keep, isolate, t, write } from "./element.js";
import { avatar } from "./message.js";
import { CATEGORY, DM, FORUM, MEDIA, activityOf, channelName, guild, isThread, isVoice, learn, memberName, nameOf, state } from "./state.js";

// most bounds the lists, so that a world of ten thousand guilds can be looked at.
const most = 200;

export function guilds(act) {
  const filter = byId("guild-filter");
  filter.hidden = state.guilds.length <= 12;
  const wanted = filter.value.trim().toLowerCase();
  const found = state.guilds.filter((g) => !wanted || g.name.toLowerCase().includes(wanted));
  const unread = (g) => g.channels.some((c) => state.unread.get(c.id));
  const one = (id, sign, name, more) => h("li", {}, h("button", {
    type: "button", class: `guild${more || ""}`, "aria-current": state.guild === id ? "true" : null, title: name, "aria-label": name, data: { guild: id }, on: { click: () => act.enter(id) },
  }, h("span", { "aria-hidden": "true" }, sign)));
  keep(byId("guilds"),
    one("", "✉", t("dms"), state.dms.some((d) => state.unread.get(d.id)) ? " unread" : ""),
    found.slice(0, most).map((g) => one(g.id, initials(g.name), g.unavailable ? `${g.name} (${t("guild.unavailable")})` : g.name, (unread(g) ? " unread" : "") + (g.unavailable ? " unavailable" : ""))));
}

const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...new Intl.Segmenter().segment(word)][0].segment).join("") || "?";

const signs = { 2: "🔊", 5: "📢", 13: "🎙", 15: "💬", 16: "🖼" };

export function channels(act) {
  const g = guild();
  const list = byId("channels");
  write(byId("guild-name"), g ? g.name : t("dms"));
  byId("guild-away").hidden = !g?.unavailable;
  byId("new-dm").hidden = Boolean(g);
  if (!g) {
    keep(list, state.dms.map((d) => row({ id: d.id, type: DM, name: nameOf(d.user) }, act)), state.dms.length ? null : h("li", { class: "quiet" }, t("dms.none")));
  } else {
    const all = g.channels;
    const sorted = (parent) => all.filter((c) => (c.parent_id || null) === parent && !isThread(c.type)).sort((a, b) => isVoice(a.type) - isVoice(b.type) || a.position - b.position);
    const withThreads = (c) => [row(c, act), all.filter((one) => isThread(one.type) && one.parent_id === c.id).map((one) => row(one, act)), isVoice(c.type) ? voices(c) : null];
    const known = new Set(all.map((c) => c.id));
    const orphans = all.filter((c) => c.parent_id && !known.has(c.parent_id) && !isThread(c.type));
    keep(list, [...sorted(null), ...orphans].filter((c) => c.type !== CATEGORY).map(withThreads),
      sorted(null).filter((c) => c.type === CATEGORY).map((c) => [h("li", { class: "category", dir: "auto" }, isolate(c.name)), sorted(c.id).map(withThreads)]));
  }
}

function row(c, act) {
  const unread = state.unread.get(c.id) || 0;
  const container = c.type === FORUM || c.type === MEDIA;
  return h("li", {}, h("button", {
    type: "button", class: `channel${isThread(c.type) ? " thread" : ""}${unread ? " unread" : ""}`, "aria-current": c.id === state.channel ? "page" : null,
    data: { channel: c.id }, disabled: container, on: { click: () => act.open(c.id) },
  }, h("span", { class: "channel-sign", "aria-hidden": "true" }, signs[c.type] || (c.type === DM ? "@" : isThread(c.type) ? "↳" : "#")), isolate(c.name), unread ? h("span", { class: "count num", "aria-label": t("unread", unread) }, unread > 99 ? "99+" : unread) : null));
}

const voices = (c) => state.members.filter((m) => m.voice_channel === c.id).map((m) => h("li", { class: "in-voice" }, avatar(m.user), isolate(memberName(m.user.id))));

// dot tells whether a user is seen online.
export const dot = (status) => h("i", { class: `status ${status}`, role: "img", "aria-label": t(`status.${status}`), title: t(`status.${status}`) });

export function members(act) {
  const list = byId("members");
  const entry = (user, name, status, activity) => h("li", {}, h("button", { type: "button", class: "member", data: { user: user.id }, on: { click: () => act.user(user) } },
    h("span", { class: "member-face" }, avatar(user), dot(status)),
    h("span", { class: "member-words" }, h("span", { class: "member-name" }, isolate(name), user.bot && h("span", { class: "tag" }, t("bot"))), activity && h("span", { class: "activity", dir: "auto" }, activity))));
  const bots = state.bots.map((b) => ({ b, member: state.members.find((m) => m.user.id === b.id) })).filter(({ member }) => member || !state.guild);
  const people = state.members.filter((m) => !state.bots.some((b) => b.id === m.user.id));
  const shown = people.slice(0, most);
  const all = state.members.length < most ? people.length : Math.max(people.length, guild().members - bots.length); // only the first members are asked for
  keep(list,
    h("li", { class: "category" }, t("members.bots")),
    bots.map(({ b, member }) => entry({ id: b.id, username: b.name, bot: true }, member?.nick || b.name, b.presence.status, b.online ? activityOf(b.presence) : "")),
    all > 0 && h("li", { class: "category" }, t("members.people", all)),
    shown.map((m) => entry(m.user, m.nick || nameOf(m.user), m.status, m.voice_channel ? t("in.voice") : "")),
    all > shown.length && h("li", { class: "quiet" }, t("members.more", all - shown.length)));
}

// bot shows how others see the bot, which is what all of this is about.
export function bot() {
  const b = state.bot;
  const node = byId("bot");
  node.dataset.status = b.presence.status;
  fill(node, dot(b.presence.status), h("strong", {}, isolate(b.name)), " ", h("span", { class: "soft bot-does", dir: "auto" }, b.online ? activityOf(b.presence) || t(`status.${b.presence.status}`) : t("status.offline")),
    h("span", { class: `link-mark ${b.attached ? "there" : "gone"}` }, b.attached ? t("attached") : t("detached")));
  byId("favicon").href = byId("favicon").dataset[b.online ? "green" : "grey"];
}

// who offers whom to act as: the members of the guild, or the person of the direct message.
export function who() {
  const list = byId("as");
  const dm = state.dms.find((d) => d.id === state.channel);
  const people = dm ? [dm.user] : state.guild ? state.members.filter((m) => !m.user.bot).map((m) => m.user) : state.people;
  learn(...people);
  if (!people.some((u) => u.id === state.as)) state.as = people[0]?.id || "";
  const now = [...list.options].map((o) => `${o.value} ${o.textContent}`).join();
  const next = people.slice(0, most).map((u) => [u.id, memberName(u.id)]);
  if (now !== next.map((o) => o.join(" ")).join()) fill(list, next.map(([value, name]) => h("option", { value }, name)));
  list.value = state.as;
  byId("new-person").hidden = !state.guild;
}

export const title = (c) => (c ? channelName(c) : "");

// What the page knows of the simulated world, and what is looked at.

import { locale, t } from "./element.js";

// The types of channels.
export const TEXT = 0, DM = 1, VOICE = 2, CATEGORY = 4, NEWS = 5, STAGE = 13, FORUM = 15, MEDIA = 16;
export const isThread = (type) => type >= 10 && type <= 12;
export const isVoice = (type) => type === VOICE || type === STAGE;

export const state = {
  bot: { id: "", name: "", online: false, attached: false, presence: { status: "offline", activities: [] } },
  bots: [],
  guilds: [],
  dms: [],
  people: [],
  users: new Map(), // by id: every user that was seen
  guild: "", // the id of the guild that is looked at; "" for direct messages
  channel: "",
  as: "", // the id of the person who acts
  members: [], // of the guild
  messages: [], // of the channel, oldest first
  commands: [],
  unread: new Map(), // by channel: how many messages
  typing: new Map(), // by user, in the channel: until when
};

export const guild = () => state.guilds.find((g) => g.id === state.guild);
export const guildOf = (id) => state.guilds.find((g) => g.id === id);

// channelOf finds a channel of any guild, or a direct message as one.
export function channelOf(id) {
  for (const g of state.guilds) {
    const found = g.channels.find((c) => c.id === id);
    if (found) return found;
  }
  const dm = state.dms.find((d) => d.id === id);
  return dm && { id, name: nameOf(dm.user), type: DM, dm };
}
export const channel = () => channelOf(state.channel);

// learn notes users, for the names in mentions.
export function learn(...users) {
  for (const u of users) if (u && u.id) state.users.set(u.id, u);
}

// nameOf is how a user is shown.
export const nameOf = (user) => (user ? user.global_name || user.username || user.name || user.id : "");

// memberName is how a member of the guild is shown.
export function memberName(id) {
  const m = state.members.find((one) => one.user.id === id);
  return (m && m.nick) || nameOf(state.users.get(id)) || t("unnamed");
}

export const isBot = (id) => state.bots.some((b) => b.id === id) || Boolean(state.users.get(id)?.bot);

// localName is the name of a command, an option or a choice in the language of the page.
export const localName = (of, what = "name") => of[`${what}_localizations`]?.[locale.slice(0, 2)] || of[what] || "";

// activityOf says what a user does, in words.
export function activityOf(presence) {
  const a = presence?.activities?.[0];
  if (!a) return "";
  if (a.type === 4) return a.state || a.name || "";
  return t(`activity.${[0, 1, 2, 3, 5].includes(a.type) ? a.type : 0}`, a.name || "");
}

// channelName is a channel as people write it.
export const channelName = (c) => (c.type === DM ? `@${c.name}` : isThread(c.type) || isVoice(c.type) || c.type === CATEGORY ? c.name : `#${c.name}`);

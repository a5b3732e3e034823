// The chat page: it asks the control API how the simulated world is, shows it, follows the
// live stream, and does what a person does.

import * as api from "./api.js";
import { byId, t, write } from "./element.js";
import * as composer from "./composer.js";
import * as interaction from "./interaction.js";
import * as log from "./log.js";
import { atEnd, follow, showMessages, showTyping } from "./log.js";
import * as fault from "./fault.js";
import * as side from "./side.js";
import { openReactions, personMenu, messageMenu, editDialog } from "./menu.js";
import { DM, channel, channelOf, guild, guildOf, isThread, isVoice, learn, state } from "./state.js";

// most is how many messages of a channel are kept on the page.
const most = 200;

// What this page remembers while its tab is open.
const remembered = (key) => sessionStorage.getItem(`evergreen-${key}`) || "";
const remember = (key, value) => sessionStorage.setItem(`evergreen-${key}`, value);

const mine = new Set(); // what the people of this page have put under messages and voted

const complain = (problem) => write(byId("composer-trouble"), problem.message);

// act is what a person does on this page.
const act = {
  enter,
  open,
  become(id) {
    state.as = id;
    remember("as", id);
    showMessages();
    composer.ready();
  },
  async say(content, replyTo) {
    const c = channel();
    const body = { as: state.as, content, reply_to: replyTo?.id, ping: replyTo ? true : undefined };
    const m = await api.act("say", c.type === DM ? { ...body, dm: true, bot: c.dm?.bot } : { ...body, channel: c.id });
    take("message", m);
    follow();
  },
  use: ({ command, options = {}, target }) => interaction.begin({ what: `/${command}` }, () => api.act("use", { channel: state.channel, as: state.as, command, options, target })),
  press: (m, custom, values) => interaction.press(m, custom, t("a.component"),
    () => api.act("press", { message: m.id, as: state.as, custom_id: custom, values: values.length ? values : undefined })).catch(complain),
  busy: interaction.isBusy,
  // marks are what changes the look of a message beside the message itself.
  marks: (m) => [...interaction.busyOf(m), ...[...mine].filter((key) => key.includes(m.id))],
  reacted: (m, emoji) => mine.has(`${state.as} ${m} ${emoji}`),
  voted: (m, answer) => mine.has(`${state.as} ${m} vote ${answer}`),
  // react adds an emoji, or takes it away where it was there already.
  async react(m, emoji, count) {
    const key = `${state.as} ${m.id} ${emoji}`;
    const put = (remove) => api.act("react", { message: m.id, as: state.as, emoji, remove });
    try {
      let now;
      if (!mine.has(key)) {
        now = await put(false);
        const after = now.reactions?.find((r) => (r.emoji.id ? `${r.emoji.name}:${r.emoji.id}` : r.emoji.name) === emoji)?.count || 0;
        if (after > count) mine.add(key);
        else now = await put(true); // it was there from before this page
      } else {
        now = await put(true);
        mine.delete(key);
      }
      take("message", now);
    } catch (problem) {
      complain(problem);
    }
  },
  async vote(m, answer) {
    const key = `${state.as} ${m.id} vote ${answer}`;
    const put = (remove) => api.act("vote", { message: m.id, as: state.as, answer, remove });
    try {
      const now = mine.has(key) ? await put(true) : await put(false);
      if (!mine.delete(key)) {
        if (!m.poll.allow_multiselect) for (const other of m.poll.answers) mine.delete(`${state.as} ${m.id} vote ${other.answer_id}`);
        mine.add(key);
      }
      take("message", now);
    } catch (problem) {
      complain(problem);
    }
  },
  pick: (m) => openReactions((emoji) => act.react(m, emoji, m.reactions?.find((r) => r.emoji.name === emoji)?.count || 0)),
  reply: (m) => composer.reply(m),
  apps: (m) => messageMenu(m, act),
  user: (user) => personMenu(user, act),
  edit: (m) => editDialog(m, (content) => api.act("edit", { message: m.id, as: state.as, content }).then((now) => take("message", now))),
  async remove(m) {
    try {
      await api.act("delete", { message: m.id, as: state.as });
      take("message_delete", { id: m.id, channel_id: m.channel_id });
    } catch (problem) {
      complain(problem);
    }
  },
  async join(name) {
    const member = await api.act("members", { guild: state.guild, name });
    await loadMembers();
    act.become(member.user.id);
    side.who();
  },
  async leave(user) {
    await refused(() => api.removeMember(state.guild, user.id));
  },
  // found opens a direct message that may be new.
  async found(id) {
    await loadWorld();
    remember("channel-", id);
    await enter("");
    show("chat");
  },
  voice: (channelId) => refused(() => api.act("voice", { guild: state.guild, as: state.as, channel: channelId })),
};

// refused does something after which the members are asked for again, and shows why it cannot be done.
async function refused(ask) {
  try {
    await ask();
    await loadMembers();
  } catch (problem) {
    complain(problem);
  }
}

// What is looked at -------------------------------------------------------------

async function enter(id) {
  state.guild = id;
  state.members = [];
  side.guilds(act);
  side.channels(act);
  const seen = remembered(`channel-${id}`);
  const g = guild();
  const first = g ? g.channels.find((c) => c.id === seen) || g.channels.filter((c) => !isThread(c.type) && ![4, 15, 16].includes(c.type)).sort((a, b) => isVoice(a.type) - isVoice(b.type) || a.position - b.position)[0] : state.dms.find((d) => d.id === seen) || state.dms[0];
  remember("guild", id);
  await Promise.all([loadMembers(), open(first?.id || "", false)]);
}

async function open(id, look = true) {
  const c = channelOf(id);
  if (c?.guild_id && c.guild_id !== state.guild) {
    remember(`channel-${c.guild_id}`, id);
    await enter(c.guild_id);
    return;
  }
  state.channel = id;
  state.messages = [];
  state.commands = [];
  state.typing.clear();
  state.unread.delete(id);
  remember(`channel-${state.guild}`, id);
  log.clear();
  side.channels(act);
  side.guilds(act);
  side.who();
  composer.ready();
  head();
  showTyping();
  if (look) show("chat");
  if (id) await Promise.all([loadMessages(), loadCommands()]);
}

function head() {
  const c = channel();
  write(byId("channel-name"), c ? side.title(c) : t("channel.none"));
  document.title = c ? `${side.title(c)} · ${t("page.title")}` : t("page.title");
  const here = c && isVoice(c.type);
  const inside = here && state.members.some((m) => m.user.id === state.as && m.voice_channel === c.id);
  const join = byId("voice");
  join.hidden = !here;
  write(join, inside ? t("voice.leave") : t("voice.join"));
  join.dataset.inside = String(Boolean(inside));
}

async function loadMessages() {
  const id = state.channel;
  const list = await api.messages(id);
  if (id !== state.channel) return;
  state.messages = list;
  byId("earlier").hidden = list.length < 50;
  showMessages();
  follow();
}

async function earlier() {
  const id = state.channel;
  const list = await api.messages(id, state.messages[0]?.id);
  if (id !== state.channel) return;
  byId("earlier").hidden = list.length < 50;
  log.keeping(() => { state.messages = [...list, ...state.messages]; });
}

async function loadMembers() {
  const id = state.guild;
  const list = id ? await api.members(id) : [];
  if (id !== state.guild) return;
  state.members = list;
  learn(...list.map((m) => m.user));
  showMembers();
  showMessages(); // names may be known now
}

function showMembers() {
  side.members(act);
  side.channels(act);
  side.who();
  composer.fit();
  head();
}

async function loadCommands() {
  const id = state.channel;
  const list = await api.commands(id).catch(() => []);
  if (id === state.channel) state.commands = list;
}

let worldWanted = 0;
async function loadWorld() {
  const number = ++worldWanted;
  const w = await api.world();
  if (number !== worldWanted) return;
  Object.assign(state, { bot: w.bot, bots: w.bots || [w.bot], guilds: w.guilds, dms: w.dms, people: w.people });
  learn(...w.people, ...w.dms.map((d) => d.user), ...state.bots.map((b) => ({ id: b.id, username: b.name, bot: true })));
  side.bot();
  side.guilds(act);
  side.channels(act);
}

// reload asks for everything again: at the beginning, and whenever something was missed.
async function reload() {
  await loadWorld();
  const gone = state.guild && !guild();
  if (!state.channel || gone) {
    const wanted = remembered("guild");
    state.as = remembered("as");
    await enter(guildOf(wanted) ? wanted : state.guilds[0]?.id || "");
  } else {
    const end = atEnd();
    const [list] = await Promise.all([api.messages(state.channel), loadMembers(), loadCommands()]);
    state.messages = list;
    showMessages();
    if (end) follow();
  }
  await Promise.all([fault.refresh(), fault.verdict()]);
}

// The live stream ---------------------------------------------------------------

const takers = {
  message({ guild_id: _, ...m }) { // without what only the stream adds, so that nothing seems to have changed
    if (m.channel_id !== state.channel) {
      // Only what is new counts, not what was changed.
      if (channelOf(m.channel_id) && !m.edited_timestamp && !isOld(m.id)) unread(m.channel_id);
      else if (!channelOf(m.channel_id)) later(loadWorld);
      return;
    }
    state.typing.delete(m.author.id);
    const at = state.messages.findIndex((one) => one.id === m.id);
    if (at >= 0) state.messages[at] = m;
    else {
      // Answers may overtake each other on their way; ids are in the order of time.
      const place = state.messages.findLastIndex((one) => BigInt(one.id) < BigInt(m.id)) + 1;
      state.messages.splice(place, 0, m);
      if (state.messages.length > most && atEnd()) state.messages.splice(0, state.messages.length - most);
    }
    showMessages();
    showTyping();
    if (m.author.bot) soon();
  },
  message_delete({ id, channel_id: of }) {
    if (of !== state.channel) return;
    state.messages = state.messages.filter((m) => m.id !== id);
    showMessages();
  },
  typing({ user_id: user, channel_id: of }) {
    if (of !== state.channel) return;
    state.typing.set(user, Date.now() + 10000);
    showTyping();
    setTimeout(showTyping, 10050);
  },
  member(m) {
    if (m.guild_id !== state.guild) return;
    learn(m.user);
    const at = state.members.findIndex((one) => one.user.id === m.user.id);
    if (m.removed) state.members = state.members.filter((one) => one.user.id !== m.user.id);
    else if (at >= 0) state.members[at] = m;
    else state.members.push(m);
    showMembers();
  },
  voice({ user_id: user, guild_id: of, channel_id: to }) {
    if (of !== state.guild) return;
    const m = state.members.find((one) => one.user.id === user);
    if (m) m.voice_channel = to;
    showMembers();
  },
  presence(b) {
    const at = state.bots.findIndex((one) => one.id === b.id);
    if (at >= 0) state.bots[at] = b;
    if (b.id === state.bot.id) state.bot = b;
    const m = state.members.find((one) => one.user.id === b.id);
    if (m) m.status = b.presence.status;
    side.bot();
    side.members(act);
    soon();
  },
  guild: () => later(loadWorld),
  channel: () => later(loadWorld),
  interaction: interaction.settle,
  violation(v) {
    fault.violation(v);
    soon();
  },
  fault(f) {
    fault.change(f);
    soon();
  },
  reload: () => reload().catch(complain),
};

const take = (kind, data) => takers[kind]?.(data);

// isOld reports whether a message has been there for a while, by its snowflake.
const isOld = (id) => Number(BigInt(id) >> 22n) + 1420070400000 < Date.now() - 5000;

function unread(id) {
  state.unread.set(id, (state.unread.get(id) || 0) + 1);
  later(() => {
    side.channels(act);
    side.guilds(act);
  }, 300);
}

// later does something once in a while, however often it is asked for.
const planned = new Map();
function later(f, after = 250) {
  const key = String(f);
  if (planned.has(key)) return;
  planned.set(key, setTimeout(() => {
    planned.delete(key);
    Promise.resolve(f()).catch(complain);
  }, after));
}
const soon = () => later(refreshVerdict, 1000);
const refreshVerdict = () => fault.verdict();

let lostSince = 0;
function live(on) {
  const mark = byId("livemark");
  mark.hidden = false;
  mark.classList.toggle("off", !on);
  write(byId("livetext"), on ? t("live") : t("live.retry"));
  byId("lost").hidden = on;
  document.documentElement.dataset.live = on ? "on" : "off";
}

// The beginning -----------------------------------------------------------------

// show chooses what a narrow screen shows, and which panel stands beside the messages.
function show(view) {
  document.body.dataset.view = view;
  for (const b of document.querySelectorAll("[data-show]")) b.setAttribute("aria-pressed", String(b.dataset.show === view));
  const panel = ["members", "faults", "verdict"].includes(view) ? view : "";
  if (!panel) return;
  document.body.dataset.panel = panel;
  remember("panel", panel);
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.panel === panel;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(`panel-${tab.dataset.panel}`).hidden = !chosen;
  }
}

const tabs = [...document.querySelectorAll("[role=tab]")];
for (const tab of tabs) {
  tab.addEventListener("click", () => show(tab.dataset.panel));
  tab.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    show(next.dataset.panel);
    next.focus();
  });
}
for (const b of document.querySelectorAll("[data-show]")) b.addEventListener("click", () => show(b.dataset.show));
byId("guild-filter").addEventListener("input", () => side.guilds(act));
byId("earlier").addEventListener("click", () => earlier().catch(complain));
byId("voice").addEventListener("click", (e) => act.voice(e.currentTarget.dataset.inside === "true" ? undefined : state.channel));
byId("new-dm").addEventListener("click", () => personMenu(undefined, act));

// What was preferred is remembered by now; a copied address need not carry it.
const here = new URL(location.href);
for (const name of ["lang", "theme"]) here.searchParams.delete(name);
history.replaceState(null, "", here);

log.begin(act);
interaction.onMessage((m) => take("message", m));
composer.begin(act);
fault.begin();
show(remembered("panel") || "members");
show("chat");

function connect() {
  api.follow({
    begin() {
      if (lostSince) write(byId("announcer"), t("live"));
      lostSince = 0;
      live(true);
      reload().catch(complain);
    },
    lost() {
      lostSince ||= Date.now();
      live(false);
    },
    take,
  });
}
connect();
setInterval(() => document.hidden || document.documentElement.dataset.live !== "on" || refreshVerdict().catch(() => {}), 5000);

// A message as it is shown.

import { h, isolate, locale, t, time, visible } from "./element.js";
import { markdown } from "./markdown.js";
import { embed, attachment, sticker, poll } from "./attached.js";
import { components, usesV2 } from "./component.js";
import { learn, nameOf, state } from "./state.js";

// Flags of a message.
const EPHEMERAL = 1 << 6, LOADING = 1 << 7, SUPPRESS_EMBEDS = 1 << 2, CROSSPOSTED = 1 << 0;

// Types of messages that say something by themselves.
const system = { 1: "system.recipient", 3: "system.call", 6: "system.pin", 7: "system.join", 8: "system.boost", 12: "system.follow", 18: "system.thread", 21: "system.starter", 46: "system.poll" };

// together is how long after another a message of the same author needs no head, in milliseconds.
const together = 5 * 60 * 1000;

// colour gives each user one of eight colours.
const colour = (id) => `c${Number(BigInt.asUintN(32, BigInt(/^\d+$/.test(id) ? id : 0) * 2654435761n) >> 29n)}`;

// avatar stands for a picture: pictures are on another host, and nothing is asked of one.
export function avatar(user) {
  const name = nameOf(user).replace(/[^\p{L}\p{N}]/gu, "") || "?";
  return h("span", { class: `avatar ${colour(user?.id || "0")}`, "aria-hidden": "true" }, [...name][0].toUpperCase());
}

// message makes the element of a message. before is the one above it, or undefined.
export function message(m, before, act) {
  learn(m.author, ...(m.mentions || []), m.referenced_message?.author, m.interaction_metadata?.user);
  const ephemeral = Boolean(m.flags & EPHEMERAL);
  const used = m.interaction_metadata || m.interaction;
  const short = before && before.author.id === m.author.id && m.type !== 19 && !used && !system[m.type] && !ephemeral && !(before.flags & EPHEMERAL) &&
    Date.parse(m.timestamp) - Date.parse(before.timestamp) < together;
  return h("li", { class: `message${short ? " short" : ""}${ephemeral ? " ephemeral" : ""}${pings(m) ? " pings" : ""}`, data: { id: m.id }, tabindex: -1 },
    above(m, used),
    avatar(m.author),
    h("div", { class: "message-body" },
      h("p", { class: "message-head" },
        h("button", { type: "button", class: "author", on: { click: () => act.user(m.author) } }, isolate(memberNameOf(m))),
        m.author.bot && h("span", { class: "tag" }, m.webhook_id && !m.application_id ? t("webhook") : t("bot")),
        time(m.timestamp), m.flags & CROSSPOSTED ? h("span", { class: "soft" }, t("crossposted")) : null),
      h("div", { class: "content" }, withEdited(m, [content(m)].flat())),
      (m.message_snapshots || []).map((s) => forwarded(s.message || {})),
      m.flags & SUPPRESS_EMBEDS ? null : (m.embeds || []).map(embed),
      (m.attachments || []).length > 0 && h("div", { class: "attachments" }, m.attachments.map(attachment)),
      (m.sticker_items || []).map(sticker),
      m.poll && poll(m, act),
      components(m, act),
      reactions(m, act),
      m.thread && h("button", { type: "button", class: "thread-link", on: { click: () => act.open(m.thread.id) } }, t("thread.open"), " ", isolate(m.thread.name)),
      ephemeral && h("p", { class: "only" }, used?.user ? t("ephemeral.who", nameOf(used.user)) : t("ephemeral"))),
    actions(m, act));
}

const memberNameOf = (m) => (m.webhook_id ? nameOf(m.author) : state.members.find((one) => one.user.id === m.author.id)?.nick || nameOf(m.author));

// pings reports whether a message calls the person who acts here.
const pings = (m) => m.mention_everyone || (m.mentions || []).some((u) => u.id === state.as);

// above is what a message answers.
function above(m, used) {
  const target = m.referenced_message;
  if (m.type === 19 && m.message_reference) {
    if (!target) return h("p", { class: "above" }, t("reply.gone"));
    return h("p", { class: "above" }, h("span", { class: "above-name" }, isolate(nameOf(target.author))), " ", h("span", { class: "above-text", dir: "auto" }, excerpt(target)));
  }
  if (!used || (m.type !== 20 && m.type !== 23)) return null;
  const name = m.interaction?.name || used.name;
  if (!used.user) return null;
  return h("p", { class: "above" }, h("span", { class: "above-name" }, isolate(nameOf(used.user))), " ", name ? [t("used"), " ", h("bdi", { class: "mention" }, (m.type === 20 ? "/" : "") + name)] : t("used.app"));
}

// excerpt is one line of a message.
export function excerpt(m) {
  const text = (m.content || "").replace(/\s+/g, " ").trim();
  if (visible(text)) return text.length > 140 ? `${text.slice(0, 140)}…` : text;
  if (m.embeds?.length) return m.embeds[0].title || m.embeds[0].description?.slice(0, 140) || t("an.embed");
  if (m.attachments?.length) return m.attachments[0].filename;
  return t("an.embed");
}

function content(m) {
  if (m.flags & LOADING) return h("p", { class: "thinking" }, dots(), t("thinking", nameOf(m.author)));
  if (system[m.type]) return h("p", { class: "system", dir: "auto" }, t(system[m.type], nameOf(m.author)), m.type === 18 && m.content ? [" ", isolate(m.content)] : null);
  if (usesV2(m)) return null;
  if (!m.content) return null;
  if (!visible(m.content)) return h("p", { class: "soft" }, t("invisible", [...m.content].length));
  return markdown(m.content);
}

// withEdited marks a message that was edited, at the end of its last line.
function withEdited(m, parts) {
  if (!m.edited_timestamp) return parts;
  const mark = h("span", { class: "edited", title: new Date(m.edited_timestamp).toLocaleString(locale) }, t("edited"));
  const last = parts.at(-1);
  if (last?.tagName !== "P") return [...parts, mark];
  last.append(mark);
  return parts;
}

// forwarded is a message that another one carries.
function forwarded(m) {
  return h("div", { class: "forwarded" }, h("p", { class: "soft" }, t("forwarded")), m.content ? markdown(m.content) : null, (m.embeds || []).map(embed), (m.attachments || []).map(attachment));
}

export const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

// emojiKey is how the API names an emoji.
const emojiKey = (e) => (e.id ? `${e.name}:${e.id}` : e.name);

function reactions(m, act) {
  if (!m.reactions?.length) return null;
  return h("ul", { class: "reactions", "aria-label": t("reactions") }, m.reactions.map((r) => {
    const key = emojiKey(r.emoji);
    const mine = act.reacted(m.id, key);
    return h("li", {}, h("button", { type: "button", "aria-pressed": String(mine), title: t("react.toggle"), on: { click: () => act.react(m, key, r.count) } },
      h("span", { class: "emoji" }, r.emoji.id ? `:${r.emoji.name}:` : r.emoji.name), " ", h("span", { class: "num" }, r.count)));
  }));
}

function actions(m, act) {
  const own = m.author.id === state.as;
  const button = (key, sign, click) => h("button", { type: "button", title: t(key), "aria-label": t(key), on: { click } }, sign);
  return h("div", { class: "message-actions", role: "group", "aria-label": t("actions") },
    button("react", "☺", () => act.pick(m)),
    button("reply", "↩", () => act.reply(m)),
    button("apps", "⋯", () => act.apps(m)),
    own && button("edit", "✎", () => act.edit(m)),
    button("delete", "🗑", () => act.remove(m)));
}

// notice is a line of this page in between messages, such as that a bot did not answer.
export const notice = (text, kind = "") => h("li", { class: `notice ${kind}` }, text);


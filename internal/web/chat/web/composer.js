// The box in which a person types: messages, replies and slash commands.

import { byId, fill, h, isolate, t, write } from "./element.js";
import * as api from "./api.js";
import { exact, listbox, options, suggest } from "./command.js";
import { show, field } from "./dialog.js";
import { excerpt } from "./message.js";
import { DM, FORUM, MEDIA, channel, channelName as title, nameOf, state } from "./state.js";

let replyTo; // the message that the next one answers
let box;
let typedAt = 0; // when the others were last told that somebody types
let shift = false; // whether the last key came with Shift

// typingLasts is for how long Discord shows that somebody types, in milliseconds.
const typingLasts = 8000;

export function begin(act) {
  const text = byId("text");
  box = listbox(text, byId("commands"), (command) => choose(command, act));
  text.addEventListener("input", () => {
    grow();
    if (text.value.startsWith("/") && !text.value.includes("\n")) suggest(box, text.value);
    else box.hide();
    if (text.value && !text.value.startsWith("/") && Date.now() - typedAt > typingLasts && state.as) {
      typedAt = Date.now();
      api.act("type", { channel: state.channel, as: state.as }).catch(() => {}); // of no account
    }
  });
  text.addEventListener("keydown", (e) => {
    shift = e.shiftKey;
    if (e.isComposing) return;
    if (box.key(e)) return;
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      send(act);
    } else if (e.key === "Escape" && replyTo) reply(undefined);
  });
  // Keyboards on a screen name no key; what they would insert tells.
  text.addEventListener("beforeinput", (e) => {
    if (e.inputType !== "insertLineBreak" || shift) return;
    e.preventDefault();
    send(act);
  });
  text.addEventListener("blur", () => box.hide());
  byId("composer").addEventListener("submit", (e) => {
    e.preventDefault();
    send(act);
  });
  byId("as").addEventListener("change", (e) => act.become(e.target.value));
  byId("new-person").addEventListener("click", () => newPerson(act));
}

function grow() {
  const text = byId("text");
  text.style.blockSize = "auto";
  text.style.blockSize = `${Math.min(160, text.scrollHeight)}px`;
}

const trouble = (said) => write(byId("composer-trouble"), said);

async function choose(command, act) {
  const text = byId("text");
  if (!command.options.length) {
    text.value = "";
    grow();
    await run(act, command, {});
    return;
  }
  text.value = "";
  grow();
  const close = () => {
    byId("composer").hidden = false;
    byId("options").hidden = true;
    fill(byId("options"));
    text.focus();
  };
  byId("composer").hidden = true;
  options(command, {
    cancel: close,
    use: async (values) => {
      await act.use({ command: command.path, options: values });
      close();
    },
  });
}

async function run(act, command, values) {
  try {
    await act.use({ command: command.path, options: values });
    trouble("");
  } catch (problem) {
    trouble(problem.message);
  }
}

async function send(act) {
  const text = byId("text");
  const content = text.value;
  if (!content.trim()) return;
  const command = content.startsWith("/") && exact(content);
  if (command) {
    choose(command, act);
    return;
  }
  const answered = replyTo;
  text.value = "";
  grow();
  typedAt = 0;
  try {
    await act.say(content, answered);
    if (replyTo === answered) reply(undefined);
    trouble("");
  } catch (problem) {
    text.value ||= content; // so that it can be mended
    grow();
    trouble(problem.message);
  }
}

// reply makes the next message an answer to m; undefined: to none.
export function reply(m) {
  replyTo = m;
  const node = byId("replying");
  node.hidden = !m;
  if (!m) return;
  fill(node, h("span", {}, t("replying"), " ", h("strong", {}, isolate(nameOf(m.author))), " ", h("span", { class: "soft", dir: "auto" }, excerpt(m))),
    h("button", { type: "button", class: "link", on: { click: () => { reply(undefined); byId("text").focus(); } } }, t("cancel")));
  byId("text").focus();
}

// ready empties what belongs to the last channel, and fits the box to this one.
export function ready() {
  byId("composer").hidden = false;
  byId("options").hidden = true;
  fill(byId("options"));
  reply(undefined);
  trouble("");
  fit();
}

// fit says where one writes, or that nobody can.
export function fit() {
  const c = channel();
  const text = byId("text");
  const mute = !c || c.type === FORUM || c.type === MEDIA || !state.as;
  text.disabled = mute;
  text.placeholder = mute ? t("write.nowhere") : t("write", c.type === DM ? nameOf(state.bot) : title(c));
}

function newPerson(act) {
  show({
    title: t("person.new"), sendText: t("person.add"),
    body: field(t("person.name"), { name: "name", required: true, minlength: 2, maxlength: 32 }),
    send: async (form) => act.join(form.elements.name.value.trim()),
  });
}

// Interactions that people of this page have begun, until something has come of them.

import * as api from "./api.js";
import { byId, t, write } from "./element.js";
import { modal } from "./dialog.js";
import { showMessages, tell } from "./log.js";
import { state } from "./state.js";

const busy = new Map(); // by message and custom_id: the interaction that is under way
const waiting = new Map(); // by interaction: { what, key, as, channel, timer }

let taker; // gets the message that an interaction was answered with

// onMessage says what becomes of the messages that are answers.
export function onMessage(take) {
  taker = take;
}

// isBusy reports whether a component of a message was pressed and is not answered yet.
export const isBusy = (m, custom) => busy.has(`${m} ${custom}`);

// busyOf lists the components that a message has and that are. One that an update of the
// message has taken away changes its look no more.
export function busyOf(m) {
  const there = JSON.stringify(m.components || []);
  return [...busy.keys()].filter((key) => key.startsWith(`${m.id} `) && there.includes(JSON.stringify(key.slice(m.id.length + 1))));
}

// press presses a component, once at a time.
export async function press(m, custom, what, ask) {
  const key = `${m.id} ${custom}`;
  if (busy.has(key)) return;
  busy.set(key, "");
  showMessages();
  try {
    await begin({ what, key }, ask);
  } catch (problem) {
    busy.delete(key);
    showMessages();
    throw problem;
  }
}

// deadline is when Discord gives an interaction up, in milliseconds, and a little.
const deadline = 3400;

// begin sends an interaction and watches what comes of it.
export async function begin(about, ask) {
  const { interaction } = await ask();
  if (about.key) busy.set(about.key, interaction);
  waiting.set(interaction, { ...about, as: state.as, channel: state.channel, timer: setTimeout(() => look(interaction), deadline) });
  await look(interaction, true);
}

// look asks what came of an interaction.
async function look(id, first = false) {
  try {
    settle(await api.interaction(id));
    if (!first) over(id);
  } catch (problem) {
    if (first) return; // the stream may still tell
    over(id);
    write(byId("composer-trouble"), problem.message);
  }
}

// settle takes in how an interaction is.
export function settle(i) {
  const about = waiting.get(i.id);
  if (!about || i.state === "waiting") return;
  over(i.id);
  if (i.message) taker(i.message);
  if (i.state === "failed") {
    const said = t("failed", state.bot.name, about.what);
    if (about.channel === state.channel) tell(said);
    write(byId("announcer"), said);
  } else if (i.modal) {
    modal(i.modal, (fields) => begin({ what: i.modal.title }, () => api.act("submit", { interaction: i.id, as: about.as, fields })));
  }
}

function over(id) {
  const about = waiting.get(id);
  if (!about) return;
  clearTimeout(about.timer);
  waiting.delete(id);
  if (about.key) {
    busy.delete(about.key);
    showMessages();
  }
}

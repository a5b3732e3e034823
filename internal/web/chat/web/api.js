// The control API of the simulator, which is all that this page knows of it.

import { t } from "./element.js";

// patience is how long an answer may take, in milliseconds.
const patience = 8000;

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method, cache: "no-store", signal: AbortSignal.timeout(patience),
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error(t("error.contact"));
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || problem.error || t("error.status", answer.status));
}

const query = (path, params) => `${path}?${new URLSearchParams(Object.entries(params).filter(([, v]) => v))}`;

export const world = () => ask("GET", "sim/world");
export const members = (guild, after) => ask("GET", query("sim/members", { guild, after, limit: 200 }));
export const messages = (channel, before) => ask("GET", query("sim/messages", { channel, before, limit: 50 }));
export const commands = (channel, bot) => ask("GET", query("sim/commands", { channel, bot }));
export const interaction = (id) => ask("GET", `sim/interactions/${encodeURIComponent(id)}`);
export const faults = () => ask("GET", "sim/faults");
export const verdict = () => ask("GET", "sim/verdict");
export const lift = (id) => ask("DELETE", `sim/faults/${encodeURIComponent(id)}`);
export const liftAll = () => ask("DELETE", "sim/faults");

export const removeMember = (guild, user) => ask("DELETE", query("sim/members", { guild, user }));

// act does what a person does: say, edit, delete, react, vote, type, voice, members, use,
// press, submit, complete; or sets a fault: faults.
export const act = (what, body) => ask("POST", `sim/${what}`, body);

// kinds are the events of the live stream.
const kinds = ["message", "message_delete", "typing", "member", "voice", "presence", "guild", "channel", "interaction", "violation", "fault", "reload"];

// follow reads the live stream for as long as the page is open. begin is called whenever it
// (re)opens, lost when it breaks, take with each event.
export function follow({ begin, lost, take }) {
  const stream = new EventSource("sim/events");
  stream.addEventListener("open", begin);
  for (const kind of kinds) stream.addEventListener(kind, (e) => take(kind, JSON.parse(e.data)));
  stream.addEventListener("error", () => {
    lost();
    // The browser tries again by itself unless the answer was no stream.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => follow({ begin, lost, take }), 3000);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

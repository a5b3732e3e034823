// The messages of the channel as they stand on the page, and who is typing.

import { arrange, byId, fill, h, t } from "./element.js";
import { dots, message, notice } from "./message.js";
import { memberName, state } from "./state.js";

const log = byId("messages");
const scroller = byId("scroller");

let act; // what can be done with a message

// begin tells what the buttons of a message do.
export function begin(does) {
  act = does;
}

let notices = []; // lines of the page's own: { node, after }, after the id of a message

// mostNotices is how many of them are kept.
const mostNotices = 5;

// tell adds a line of the page's own, such as that a bot did not answer.
export function tell(text) {
  notices = [...notices, { node: notice(text, "bad"), after: state.messages.at(-1)?.id || "0" }].slice(-mostNotices);
  showMessages();
  follow();
}

// clear empties the list, for another channel.
export function clear() {
  notices = [];
  log.replaceChildren();
}

// keeping changes the list above what is in view, which stays where it is.
export function keeping(change) {
  const before = scroller.scrollHeight - scroller.scrollTop;
  change();
  showMessages();
  scroller.scrollTop = scroller.scrollHeight - before;
}

export const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;

// follow keeps the newest message in view unless the reader has scrolled up.
export function follow() {
  scroller.scrollTop = scroller.scrollHeight;
}

const drawn = new Map(); // by message: what its element was made of, and the element

// showMessages draws what has changed; what has not keeps its element, and with it the focus.
export function showMessages() {
  const end = atEnd();
  const active = document.activeElement;
  const within = log.contains(active) ? { id: active.closest("[data-id]")?.dataset.id, at: focusable(active.closest("[data-id]")).indexOf(active) } : null;
  const next = state.messages.map((m, n) => {
    const before = state.messages[n - 1];
    const made = JSON.stringify([m, before?.author.id, before?.timestamp, state.as, act.marks(m), state.members.length]);
    const old = drawn.get(m.id);
    if (old?.made === made) return old.node;
    const node = message(m, before, act);
    if (old) reopen(old.node, node);
    drawn.set(m.id, { made, node });
    return node;
  });
  for (const id of drawn.keys()) if (!state.messages.some((m) => m.id === id)) drawn.delete(id);
  // Each notice stands after the last message that was there before it.
  const place = (n) => state.messages.findLastIndex((m) => BigInt(m.id) <= BigInt(n.after));
  const told = (at) => notices.filter((n) => place(n) === at).map((n) => n.node);
  arrange(log, [told(-1), next.map((node, n) => [node, told(n)]), next.length || notices.length || !state.channel ? [] : notice(t("messages.none"), "empty")].flat(3));
  if (within?.id && !log.contains(document.activeElement)) {
    const again = drawn.get(within.id)?.node;
    if (again) (focusable(again)[within.at] || again).focus({ preventScroll: true });
  }
  if (end) follow();
}

// reopen opens in a new element of a message the selects that were open in the old one.
function reopen(old, fresh) {
  const open = new Set([...old.querySelectorAll("details.select[open]")].map((d) => d.dataset.custom));
  for (const d of fresh.querySelectorAll("details.select:not(.disabled)")) d.open = open.has(d.dataset.custom);
}

const focusable = (node) => (node ? [...node.querySelectorAll("button, a, summary, [tabindex]")] : []);

export function showTyping() {
  const now = Date.now();
  for (const [user, until] of state.typing) if (until < now) state.typing.delete(user);
  const names = [...state.typing.keys()].filter((id) => id !== state.as).map(memberName);
  const node = byId("typing");
  const text = names.length === 0 ? "" : names.length > 3 ? t("typing.many") : t(names.length === 1 ? "typing.one" : "typing.some", names.join(", "));
  if (node.dataset.text === text) return;
  node.dataset.text = text;
  fill(node, text ? [dots(), h("span", { dir: "auto" }, text)] : []);
}

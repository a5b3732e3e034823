// What goes wrong by a button, and how the bot fares.

import { byId, fill, h, keep, isolate, span, t, timeWithSeconds, write } from "./element.js";
import * as api from "./api.js";

// known has what the server wrote of each fault: what it does, in the language of the page.
const known = JSON.parse(document.body.dataset.faults || "{}");
const sides = ["usual", "gateway", "network", "rest", "permission"];

let struck = []; // faults that were set, oldest first
let names = []; // of all there are

// faults shows the list, once its names are known.
async function list() {
  const filter = byId("fault-filter").value.trim().toLowerCase();
  const open = new Set([...document.querySelectorAll("#fault-list details[open]")].map((d) => d.dataset.side));
  const row = (name) => {
    const f = known[name] || { says: name };
    return h("li", { class: "fault", data: { fault: name } },
      h("div", {}, h("code", {}, name), h("p", {}, f.says)),
      h("button", { type: "button", class: "button danger small", on: { click: (e) => set(name, e.currentTarget) } }, t("fault.set"), h("span", { class: "hidden" }, ` ${name}`)));
  };
  const matches = (name) => !filter || name.includes(filter) || (known[name]?.says || "").toLowerCase().includes(filter);
  if (filter) {
    const found = names.filter(matches);
    fill(byId("fault-list"), h("ul", {}, found.map(row)), found.length ? null : h("p", { class: "quiet" }, t("fault.no.match")));
    return;
  }
  fill(byId("fault-list"), sides.map((side) => {
    const of = names.filter((name) => (side === "usual" ? known[name]?.usual : (known[name]?.side || "network") === side && !known[name]?.usual));
    if (!of.length) return null;
    if (side === "usual") return h("ul", {}, of.map(row));
    return h("details", { class: "more", data: { side }, open: open.has(side) }, h("summary", {}, t(`side.${side}`)), h("ul", {}, of.map(row)));
  }));
}

async function set(name, button) {
  const body = { fault: name };
  const duration = byId("fault-for").value;
  if (duration && !known[name]?.momentary) body.for = duration;
  for (const [key, read] of [["code", Number], ["delay", String], ["text", String], ["host", String]]) {
    const value = byId(`fault-${key}`).value.trim();
    if (value) body[key] = read(value);
  }
  button.disabled = true;
  try {
    await api.act("faults", body);
    write(byId("fault-said"), t("fault.done", name));
    write(byId("fault-trouble"), "");
    await refresh();
  } catch (problem) {
    write(byId("fault-trouble"), problem.message);
  }
  button.disabled = false;
}

// refresh asks for the faults again.
export async function refresh() {
  const all = await api.faults();
  const there = Object.keys(all.faults).sort();
  for (const name of there) known[name] ??= { says: all.faults[name] };
  if (there.join() !== names.join()) {
    names = there;
    list();
  }
  struck = all.struck;
  active();
}

const inForce = () => struck.filter((f) => !f.ended);

function active() {
  const now = inForce();
  const node = byId("in-force");
  const focused = node.contains(document.activeElement);
  keep(node, now.length ? now.map((f) => h("li", { class: "fault on", data: { active: f.fault } },
    h("div", {}, h("code", {}, f.fault), h("p", { class: "soft" }, t("fault.since"), " ", timeWithSeconds(f.began), f.struck ? ` · ${t("fault.struck", f.struck)}` : null)),
    h("button", { type: "button", class: "button secondary small", data: { lift: f.id }, on: { click: () => lift(f) } }, t("fault.lift"), h("span", { class: "hidden" }, ` ${f.fault}`)))) : h("li", { class: "quiet" }, t("fault.none")));
  byId("lift-all").hidden = now.length < 2;
  const mark = byId("fault-count");
  mark.hidden = !now.length;
  write(mark, String(now.length));
  const banner = byId("fault-banner");
  banner.hidden = !now.length;
  write(banner, now.length ? t("fault.banner", now.map((f) => f.fault).join(", ")) : "");
  if (focused && document.activeElement === document.body) byId("fault-filter").focus();
}

async function lift(f) {
  try {
    await (f ? api.lift(f.id) : api.liftAll());
    await refresh();
  } catch (problem) {
    write(byId("fault-trouble"), problem.message);
  }
}

// change takes in that a fault began or ended.
export function change(f) {
  const at = struck.findIndex((one) => one.id === f.id);
  if (at < 0) struck.push(f);
  else struck[at] = f;
  if (struck.length > 200) struck = struck.slice(-200);
  active();
}

// verdict asks how the bot fares and shows it.
export async function verdict() {
  const v = await api.verdict();
  const row = (key, value, bad) => h("div", { class: bad ? "alarm" : "" }, h("dt", {}, t(key)), h("dd", { class: "num" }, value));
  const seen = v.green_s + v.grey_s;
  fill(byId("verdict"),
    row("verdict.green", seen ? `${(Math.floor(1000 * v.green_s / seen) / 10).toFixed(1)}\u00a0%` : "–"),
    row("verdict.gap", span(v.longest_gap_s)),
    row("verdict.asked", v.asked), row("verdict.answered", v.answered), row("verdict.waiting", v.waiting),
    row("verdict.lost", v.lost, v.lost > 0), row("verdict.twice", v.twice, v.twice > 0), row("verdict.unheard", v.unheard),
    row("verdict.identifies", v.identifies), row("verdict.resumes", `${v.resumed} / ${v.resumes}`), row("verdict.redelivered", v.redelivered));
  violations = v.violations;
  showViolations();
}

let violations = [];

// violation takes in one that has just happened.
export function violation(one) {
  violations.push(one);
  showViolations();
  if (!one.note) write(byId("announcer"), t("violation.announce", one.what));
}

function showViolations() {
  const broken = violations.filter((v) => !v.note).length;
  const mark = byId("violation-count");
  mark.hidden = !broken;
  write(mark, String(broken));
  fill(byId("violations"), violations.length ? violations.slice(-100).reverse().map((v) => h("li", { class: v.note ? "violation note-only" : "violation" },
    h("p", {}, h("strong", {}, v.note ? t("violation.note") : t("violation.broken")), v.statement && [" ", h("code", {}, v.statement)], " ", h("span", { class: "soft num" }, timeWithSeconds(v.at), v.connection ? ` · ${t("violation.connection", v.connection)}` : null)),
    h("p", { lang: "en", dir: "auto" }, isolate(v.what.replace(/^note: /, ""))))) : h("li", { class: "quiet" }, t("violation.none")));
}

// begin makes the panel work.
export function begin() {
  byId("fault-filter").addEventListener("input", list);
  byId("lift-all").addEventListener("click", () => lift());
}

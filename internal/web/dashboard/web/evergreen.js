// What the page does beyond what the server wrote: it says times in the reader's
// zone, lets them count on, tells what stands under the pointer, and stays live.
// The server writes every part of the page, in every language; when something
// has happened, the parts that differ are taken from a fresh copy.

const root = document.documentElement;
const words = JSON.parse(document.body.dataset.words || "{}");
const say = (key, ...args) => args.reduce((text, arg) => text.replace("%s", arg), words[key] || "");

// Times ----------------------------------------------------------------------

const locale = root.lang === "th" ? "th-TH-u-ca-gregory" : "en-GB";
const format = (options) => new Intl.DateTimeFormat(locale, options);
const clock = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const minute = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = format({ day: "numeric", month: "short" });
const forms = {
  clock: (at) => clock.format(at),
  minute: (at) => minute.format(at),
  day: (at) => day.format(at),
  stamp: (at) => `${day.format(at)}, ${clock.format(at)}`,
};

// skew is how far the server's clock is ahead of this one.
let skew = Date.parse(root.dataset.at) - Date.now();
if (!Number.isFinite(skew) || Math.abs(skew) < 2000) skew = 0;

// span says a duration as the server does.
function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const unit = (n, key) => `${n}\u00a0${words["unit." + key]}`;
  const pair = (n, big, bigKey, small, smallKey) => {
    const rest = Math.floor((n % big) / small);
    return unit(Math.floor(n / big), bigKey) + (rest ? " " + unit(rest, smallKey) : "");
  };
  if (s < 60) return unit(s, "s");
  if (s < 3600) return pair(s, 60, "min", 1, "s");
  const m = Math.round(s / 60);
  if (m < 1440) return pair(m, 60, "h", 1, "min");
  return pair(Math.round(m / 60), 24, "d", 1, "h");
}

function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

function localise(within) {
  for (const t of within.querySelectorAll("time[datetime]")) {
    const at = new Date(t.dateTime);
    if (forms[t.dataset.form]) write(t, forms[t.dataset.form](at));
    t.title = `${day.format(at)}, ${clock.format(at)}`;
  }
}

function tick() {
  const now = Date.now() + skew;
  for (const t of document.querySelectorAll('time[data-form="ago"], time[data-form="for"]')) {
    const text = span(now - Date.parse(t.dateTime));
    write(t, t.dataset.form === "ago" ? say("ago", text) : text);
  }
}

// What stands under the pointer ----------------------------------------------

// pointing lets a row of things be explored with a pointer, a finger and the
// arrow keys. To a screen reader it is a slider whose value is a sentence.
function pointing(node, { count, place, show, text }) {
  let at = -1;
  const move = (to) => {
    at = to;
    show(at);
    if (at >= 0) {
      node.setAttribute("aria-valuenow", at);
      node.setAttribute("aria-valuetext", text(at));
    }
  };
  node.setAttribute("role", "slider");
  node.setAttribute("aria-valuemin", 0);
  node.setAttribute("aria-valuemax", count - 1);
  node.setAttribute("aria-valuenow", count - 1);
  node.setAttribute("aria-valuetext", text(count - 1));
  node.setAttribute("aria-readonly", "true");
  node.tabIndex = 0;
  node.addEventListener("pointermove", (e) => move(place(e)));
  node.addEventListener("pointerdown", (e) => move(place(e)));
  node.addEventListener("pointerleave", () => move(document.activeElement === node ? at : -1));
  node.addEventListener("focus", () => move(at < 0 ? count - 1 : at));
  node.addEventListener("blur", () => move(-1));
  node.addEventListener("keydown", (e) => {
    const now = at < 0 ? count - 1 : at;
    const to = {
      ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
      PageDown: now - 10, PageUp: now + 10, Home: 0, End: count - 1,
    }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    move(Math.min(count - 1, Math.max(0, to)));
  });
}

function bars(within) {
  const row = within.querySelector("[data-bars]");
  if (!row) return;
  const readout = within.querySelector("[data-readout]");
  const days = [...row.children];
  for (const d of days) d.removeAttribute("title");
  const text = (n) => `${days[n].dataset.name}: ${days[n].dataset.text}`;
  row.classList.add("live");
  write(readout, words["bars.hint"]);
  pointing(row, {
    count: days.length, text,
    place: (e) => {
      const box = row.getBoundingClientRect();
      return Math.min(days.length - 1, Math.max(0, Math.floor(((e.clientX - box.left) / box.width) * days.length)));
    },
    show: (n) => {
      days.forEach((d, i) => d.classList.toggle("here", i === n));
      row.classList.toggle("pointing", n >= 0);
      readout.classList.toggle("on", n >= 0);
      write(readout, n >= 0 ? text(n) : words["bars.hint"]);
    },
  });
}

function chart(within) {
  const node = within.querySelector("[data-points]");
  if (!node) return;
  const plot = node.querySelector("[data-plot]");
  const cross = node.querySelector(".cross");
  const readout = within.querySelector("[data-readout]");
  const points = JSON.parse(node.dataset.points);
  const from = Number(node.dataset.from);
  const to = Number(node.dataset.to);
  if (!points.length || to <= from) return;
  const part = (n) => (points[n][0] - from) / (to - from);
  const text = (n) => {
    const [t, gateway, rest, slowest] = points[n];
    const said = [["latency.gateway", gateway], ["latency.max", slowest], ["latency.rest", rest]];
    return [`${forms.stamp(new Date(t * 1000))}`]
      .concat(said.filter(([, ms]) => ms !== null).map(([key, ms]) => `${words[key]} ${ms < 10 ? ms : Math.round(ms)}\u00a0ms`))
      .join(" · ");
  };
  pointing(plot, {
    count: points.length, text,
    place: (e) => {
      const box = plot.getBoundingClientRect();
      const x = (e.clientX - box.left) / box.width;
      let best = 0;
      for (let n = 1; n < points.length; n++) if (Math.abs(part(n) - x) < Math.abs(part(best) - x)) best = n;
      return best;
    },
    show: (n) => {
      cross.setAttribute("d", n >= 0 ? `M${(1000 * part(n)).toFixed(1)} 0V200` : "");
      readout.classList.toggle("on", n >= 0);
      write(readout, n >= 0 ? text(n) : "");
    },
  });
}

// tail keeps the newest line in view unless the reader has scrolled up.
function tail(within, before) {
  const node = within.querySelector("[data-tail]");
  if (!node) return;
  node.scrollTop = before && !before.end ? before.top : node.scrollHeight;
}

function enliven(part, before) {
  localise(part);
  bars(part);
  chart(part);
  tail(part, before);
}

// Fresh copies ----------------------------------------------------------------

// written is what the server last wrote for each part, before times were
// localised.
const written = new Map();
const parts = () => document.querySelectorAll("[data-live]");
for (const part of parts()) written.set(part.id, part.innerHTML);

function exchange(part, fresh) {
  const open = new Set([...part.querySelectorAll("details[open]")].map((d) => d.dataset.key));
  const focusable = [...part.querySelectorAll("a, summary, [tabindex]")];
  const focused = focusable.indexOf(document.activeElement);
  const log = part.querySelector("[data-tail]");
  const before = log && { top: log.scrollTop, end: log.scrollTop + log.clientHeight >= log.scrollHeight - 24 };
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  for (const d of part.querySelectorAll("details")) if (open.has(d.dataset.key)) d.open = true;
  enliven(part, before);
  for (const turn of part.getAnimations({ subtree: true })) turn.startTime = 0; // so that it does not begin anew
  if (focused >= 0) [...part.querySelectorAll("a, summary, [tabindex]")][focused]?.focus({ preventScroll: true });
}

// pointed reports whether the reader is just looking something up in a part,
// which is then left alone until the next time.
const pointed = (part) => part.querySelector(".pointing, .plot:hover, .plot:focus") !== null;

function take(fresh) {
  const html = fresh.documentElement;
  skew = Date.parse(html.dataset.at) - Date.now();
  if (!Number.isFinite(skew) || Math.abs(skew) < 2000) skew = 0;
  const state = html.dataset.state;
  const changed = state !== root.dataset.state;
  for (const part of parts()) {
    const other = fresh.getElementById(part.id);
    if (!other || written.get(part.id) === other.innerHTML || pointed(part)) continue;
    written.set(part.id, other.innerHTML);
    exchange(part, other);
  }
  root.dataset.state = state;
  document.title = fresh.title;
  const icon = document.querySelector('link[rel="icon"]');
  const freshIcon = fresh.querySelector('link[rel="icon"]');
  if (icon && freshIcon && icon.getAttribute("href") !== freshIcon.getAttribute("href")) icon.replaceWith(document.importNode(freshIcon, true));
  if (changed) announce(fresh.getElementById("state-name")?.textContent, fresh.getElementById("state-reason")?.textContent);
  tick();
}

function announce(name, reason) {
  write(document.getElementById("announcer"), say("announce", name || "", reason || ""));
}

// lost says that nobody answers any more.
function lost() {
  if (root.dataset.state === "lost") return;
  root.dataset.state = "lost";
  write(document.getElementById("state-name"), words["state.lost"]);
  const reason = document.getElementById("state-reason");
  write(reason, words["lost.reason"]);
  if (reason) reason.lang = root.lang;
  for (const t of document.querySelectorAll("#state .since time")) t.dateTime = new Date(Date.now() + skew).toISOString();
  localise(document.getElementById("state"));
  tick();
  document.querySelector("#state .detail")?.remove();
  document.querySelector("#state .notes")?.remove();
  written.delete("state");
  document.title = document.title.replace(/^[^·]*/, words["state.lost"] + " ");
  announce(words["state.lost"], words["lost.reason"]);
}

// refresh asks for a copy: at once, but never two at a time and not more often
// than the rest between them allows.
const rest = 400;
let asking = false;
let again = false;
let failures = 0;
async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  again = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (answer.status === 401 || answer.status === 403) {
      location.reload(); // the login has ended
      return;
    }
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.documentElement.dataset.page !== root.dataset.page) {
      location.reload();
      return;
    }
    failures = 0;
    take(fresh);
  } catch {
    if (++failures >= 2) lost();
    setTimeout(refresh, 2000);
  }
  setTimeout(() => {
    asking = false;
    if (again) refresh();
  }, rest);
}

// lazily is for what comes often and matters little.
let planned = 0;
let due = Infinity;
function lazily(after) {
  if (Date.now() + after >= due) return;
  clearTimeout(planned);
  due = Date.now() + after;
  planned = setTimeout(() => {
    due = Infinity;
    refresh();
  }, after);
}

function live(on) {
  const mark = document.getElementById("livemark");
  if (!mark) return;
  mark.hidden = false;
  mark.classList.toggle("off", !on);
  write(document.getElementById("livetext"), on ? words.live : words["live.retry"]);
}

let last; // since when the state is what it is, as the stream said
function follow(address) {
  const stream = new EventSource(address);
  const news = () => {
    refresh();
    lazily(1500); // the record of the past is a moment behind
  };
  for (const name of ["transition", "incident", "reset"]) stream.addEventListener(name, news);
  stream.addEventListener("status", (e) => {
    const { status, since } = JSON.parse(e.data);
    if (status !== root.dataset.state || since !== last) news();
    else lazily(10000); // numbers alone
    last = since;
  });
  stream.addEventListener("latency", () => lazily(2000));
  stream.addEventListener("log", () => lazily(3000));
  stream.addEventListener("open", () => {
    live(true);
    refresh();
  });
  stream.addEventListener("error", () => {
    live(false);
    refresh();
    // The browser tries again by itself unless the answer was no stream.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => follow(address), 5000);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

// The beginning ---------------------------------------------------------------

// What was preferred is remembered by now; a copied address need not carry it.
const here = new URL(location.href);
if (here.searchParams.has("lang") || here.searchParams.has("theme")) {
  here.searchParams.delete("lang");
  here.searchParams.delete("theme");
  history.replaceState(null, "", here);
}

for (const part of parts()) enliven(part);
localise(document);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== "UTC") write(document.getElementById("zone"), say("zone.local", zone));
tick();
setInterval(tick, 1000);

document.addEventListener("click", (e) => {
  const link = e.target.closest?.("a[data-period]");
  if (!link || e.metaKey || e.ctrlKey || e.shiftKey || e.button) return;
  e.preventDefault();
  history.replaceState(null, "", link.href);
  refresh();
});
addEventListener("pageshow", (e) => {
  if (e.persisted) location.reload();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && root.dataset.state) refresh();
});

if (document.body.dataset.events) {
  follow(document.body.dataset.events);
  setInterval(() => document.hidden || lazily(0), 30000);
} else if (root.dataset.state) {
  live(true);
  setInterval(() => document.hidden || lazily(0), 15000);
}

// Discord's markdown as elements; whatever is not markup stays text.

import { h, isolate, locale, t } from "./element.js";
import { channelOf, guild, memberName, channelName } from "./state.js";

// deepest is how deep marks may stand in each other.
const deepest = 6;

// pairs are marks that stand before and after a text, the longest first.
const pairs = [["**", "strong"], ["__", "u"], ["~~", "s"], ["||", "spoiler"], ["*", "em"], ["_", "em"]];

// inline are the marks that are whole by themselves; each is matched where the text is at.
const inline = [
  [/<@!?(\d{1,20})>/y, (m) => h("span", { class: "mention" }, "@", isolate(memberName(m[1])))],
  [/<@&(\d{1,20})>/y, (m) => h("span", { class: "mention" }, "@", isolate(guild()?.roles?.find((r) => r.id === m[1])?.name || t("role.unknown")))],
  [/<#(\d{1,20})>/y, (m) => {
    const c = channelOf(m[1]);
    return h("span", { class: "mention" }, c ? isolate(channelName(c)) : t("channel.unknown"));
  }],
  [/<\/([^:<>\n]{1,100}):\d{1,20}>/y, (m) => h("span", { class: "mention" }, `/${m[1]}`)],
  [/<a?:(\w{1,32}):\d{1,20}>/y, (m) => h("span", { class: "emoji-name" }, `:${m[1]}:`)],
  [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y, (m) => moment(Number(m[1]), m[2] || "f")],
  [/@(?:everyone|here)\b/y, (m) => h("span", { class: "mention" }, m[0])],
  [/\[([^\]\n]{1,500})\]\(<?(https?:\/\/[^\s<>()]{1,1500})>?(?: "[^"\n]*")?\)/y, (m) => link(m[2], m[1])],
  [/<(https?:\/\/[^\s<>]{1,1500})>/y, (m) => link(m[1], m[1])],
  [/https?:\/\/[^\s<>]{1,1500}/y, (m) => link(m[0], m[0])],
];

// link leads elsewhere, in a window of its own that learns nothing of this one.
export function link(address, text) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return text;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return text;
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, isolate(text));
}

const styles = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};

function moment(unix, style) {
  const at = new Date(unix * 1000);
  if (Number.isNaN(at.getTime())) return `<t:${unix}>`;
  if (style !== "R") return h("time", { class: "moment", datetime: at.toISOString() }, new Intl.DateTimeFormat(locale, styles[style]).format(at));
  const s = Math.round((at - Date.now()) / 1000);
  const [n, unit] = Math.abs(s) < 60 ? [s, "second"] : Math.abs(s) < 3600 ? [s / 60, "minute"] : Math.abs(s) < 86400 ? [s / 3600, "hour"] : [s / 86400, "day"];
  return h("time", { class: "moment", datetime: at.toISOString() }, new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(n), unit));
}

// spans reads the marks within a line or several.
function spans(text, depth = 0) {
  const out = [];
  const missing = new Set(); // marks that do not close any more
  let plain = "";
  const flush = () => {
    if (plain) out.push(plain);
    plain = "";
  };
  const take = (node, to) => {
    flush();
    out.push(node);
    return to;
  };
  for (let i = 0; i < text.length;) {
    const c = text[i];
    if (c === "\\" && /[\\*_~|`<>#@\[\]()-]/.test(text[i + 1] || "")) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    if (c === "`") {
      const mark = text.startsWith("``", i) ? "``" : "`";
      const end = text.indexOf(mark, i + mark.length);
      if (end > i + mark.length) {
        i = take(h("code", {}, text.slice(i + mark.length, end).replace(/^ (?=`)|(?<=`) $/g, "")), end + mark.length);
        continue;
      }
    }
    if ("<@[h".includes(c)) {
      const found = inline.find(([pattern]) => {
        pattern.lastIndex = i;
        return pattern.test(text);
      });
      if (found) {
        found[0].lastIndex = i;
        const m = found[0].exec(text);
        i = take(found[1](m), i + m[0].length);
        continue;
      }
    }
    if ("*_~|".includes(c) && depth < deepest) {
      const pair = pairs.find(([mark]) => {
        if (!text.startsWith(mark, i) || missing.has(mark)) return false;
        if (text.indexOf(mark, i + mark.length) < 0) missing.add(mark);
        return !missing.has(mark);
      });
      const end = pair ? closing(text, pair[0], i) : -1;
      if (end > 0) {
        const inner = spans(text.slice(i + pair[0].length, end), depth + 1);
        i = take(pair[1] === "spoiler" ? spoiler(inner) : h(pair[1], {}, inner), end + pair[0].length);
        continue;
      }
    }
    plain += c;
    i++;
  }
  flush();
  return out;
}

// closing finds where a mark closes; -1 where it does not, or holds nothing.
function closing(text, mark, from) {
  if (mark.length === 1) {
    if (/\s/.test(text[from + 1] || " ")) return -1;
    if (mark === "_" && /\w/.test(text[from - 1] || "")) return -1;
  }
  for (let end = text.indexOf(mark, from + mark.length); end >= 0; end = text.indexOf(mark, end + 1)) {
    if (end === from + mark.length) continue;
    if (mark.length === 1) {
      if (text[end + 1] === mark || text[end - 1] === mark) {
        end++;
        continue;
      }
      if (mark === "_" && /\w/.test(text[end + 1] || "")) continue;
    } else if (text[end + 2] === mark[0]) end++; // ***bold and italic***
    return end;
  }
  return -1;
}

function spoiler(inner) {
  const open = (e) => {
    if (e.type === "keydown" && e.key !== "Enter" && e.key !== " ") return;
    e.preventDefault();
    node.classList.add("open");
    node.removeAttribute("role");
    node.removeAttribute("aria-label");
    node.removeAttribute("tabindex");
  };
  const node = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": t("spoiler"), on: { click: open, keydown: open } }, h("span", {}, inner));
  return node;
}

// markdown is a text with its blocks: code, quotes, headings, lists.
export function markdown(text, quoted = false) {
  const out = [];
  let plain = "";
  const blocks = String(text).split("```");
  blocks.forEach((block, n) => {
    // An odd one stands between two marks, unless it is the last and does not close.
    const code = n % 2 === 1 && n < blocks.length - 1 && block.replace(/^[\w+-]{1,20}\n/, "").replace(/^\n|\n$/g, "");
    if (!code) {
      plain += n % 2 === 1 ? "```" + block + (n < blocks.length - 1 ? "```" : "") : block;
      return;
    }
    lines(plain, out, quoted);
    plain = "";
    out.push(h("pre", { class: "code", tabindex: 0 }, h("code", {}, code)));
  });
  lines(plain, out, quoted);
  return out;
}

const marked = /^(?:(#{1,3}) (.+)|(-#) (.+)|(>) (.*)|( *)(?:[-*]|(\d{1,3})\.) (.+))$/;

function lines(text, out, quoted) {
  let open = []; // lines of one paragraph
  const flush = () => {
    const body = open.join("\n").replace(/^\n+|\n+$/g, "");
    if (body) out.push(h("p", { dir: "auto" }, spans(body)));
    open = [];
  };
  const rows = text.split("\n");
  for (let n = 0; n < rows.length; n++) {
    const m = marked.exec(rows[n]);
    if (!quoted && rows[n].startsWith(">>> ")) {
      flush();
      out.push(h("blockquote", { dir: "auto" }, markdown(rows.slice(n).join("\n").slice(4), true)));
      return;
    }
    if (!m) {
      open.push(rows[n]);
      continue;
    }
    flush();
    if (m[1]) out.push(h("p", { dir: "auto", class: `heading-${m[1].length}` }, spans(m[2])));
    else if (m[3]) out.push(h("p", { dir: "auto", class: "subtext" }, spans(m[4])));
    else if (m[5]) out.push(h("blockquote", { dir: "auto" }, h("p", { dir: "auto" }, spans(m[6]))));
    else out.push(h("p", { dir: "auto", class: m[7].length > 1 ? "item deeper" : "item" }, h("span", { class: "bullet" }, m[8] ? `${m[8]}.` : "•"), h("span", {}, spans(m[9]))));
  }
  flush();
}

// What a message carries beside its text: embeds, files, stickers and polls.

import { h, isolate, t, time, visible } from "./element.js";
import { link, markdown } from "./markdown.js";

// hex is a colour of Discord's, a number, for a style sheet.
const hex = (n) => `#${(n >>> 0 & 0xffffff).toString(16).padStart(6, "0")}`;

// own is the address on this server of a file that the simulator keeps; "" for a picture
// elsewhere, of which nothing is asked.
export function own(address) {
  try {
    const path = new URL(address, location.href).pathname;
    return /^\/attachments\/\d+\/\d+\/[^/]+$/.test(path) ? path.slice(1) : "";
  } catch {
    return "";
  }
}

// picture shows a picture of the simulator's, and names one that is elsewhere.
export function picture(media, name, props) {
  const address = media?.url || "";
  const here = own(media?.proxy_url || address) || own(address);
  if (here) return h("img", { ...props, src: here, alt: name || "", loading: "lazy", width: media.width || null, height: media.height || null });
  return h("span", { class: "picture-elsewhere", title: t("picture.elsewhere") }, "🖼 ", link(address, name || address));
}

export function embed(e) {
  const node = h("article", { class: "embed", dir: "auto" },
    e.provider?.name && h("p", { class: "embed-provider" }, isolate(e.provider.name)),
    e.author?.name && h("p", { class: "embed-author" }, e.author.url ? link(e.author.url, e.author.name) : isolate(e.author.name)),
    e.title && h("p", { class: "embed-title" }, e.url ? link(e.url, e.title) : isolate(e.title)),
    e.description && h("div", { class: "embed-text" }, markdown(e.description)),
    e.fields?.length > 0 && h("dl", { class: "embed-fields" }, e.fields.map((f) => h("div", { class: f.inline ? "inline" : "" }, h("dt", {}, visible(f.name) ? isolate(f.name) : "\u00a0"), h("dd", {}, visible(f.value) ? markdown(f.value) : "\u00a0")))),
    e.image && picture(e.image, "", { class: "embed-image" }),
    e.thumbnail && h("div", { class: "embed-thumbnail" }, picture(e.thumbnail, "")),
    (e.footer?.text || e.timestamp) && h("p", { class: "embed-footer" }, e.footer?.text && isolate(e.footer.text), e.footer?.text && e.timestamp && " · ", e.timestamp && time(e.timestamp)));
  if (typeof e.color === "number") node.style.setProperty("--stripe", hex(e.color));
  return node;
}

const size = (n) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / (1 << 20)).toFixed(1)} MiB`);

export function attachment(a) {
  const here = own(a.url);
  const image = /^image\/(png|jpeg|gif|webp)$/.test(a.content_type || "") && here;
  const name = h("span", { class: "file" }, "📄 ", here ? h("a", { href: here, target: "_blank", rel: "noopener" }, isolate(a.filename)) : isolate(a.filename), " ", h("span", { class: "soft num" }, size(a.size || 0)));
  if (!image) return name;
  const shown = picture(a, a.description || a.filename, { class: "attachment-image" });
  if (!a.filename.startsWith("SPOILER_")) return shown;
  return h("details", {}, h("summary", {}, t("spoiler")), shown);
}

export const sticker = (s) => h("p", { class: "sticker" }, h("span", { class: "sticker-mark", "aria-hidden": "true" }, "✦"), t("sticker"), " ", isolate(s.name));

export function poll(m, act) {
  const p = m.poll;
  const counts = new Map((p.results?.answer_counts || []).map((c) => [c.id, c.count]));
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const over = Boolean(p.results?.is_finalized) || (p.expiry && Date.parse(p.expiry) < Date.now());
  return h("section", { class: "poll", "aria-label": t("poll") },
    h("p", { class: "poll-question", dir: "auto" }, isolate(p.question?.text || "")),
    h("p", { class: "soft" }, over ? t("poll.over") : p.allow_multiselect ? t("poll.many") : t("poll.one")),
    h("ul", {}, (p.answers || []).map((a) => {
      const n = counts.get(a.answer_id) || 0;
      const bar = h("span", { class: "poll-bar", "aria-hidden": "true" });
      bar.style.inlineSize = `${total ? Math.round(100 * n / total) : 0}%`;
      const emoji = a.poll_media?.emoji;
      return h("li", {}, h("button", { type: "button", disabled: over, "aria-pressed": String(act.voted(m.id, a.answer_id)), on: { click: () => act.vote(m, a.answer_id) } },
        bar, h("span", { class: "poll-answer", dir: "auto" }, emoji ? [emoji.id ? `:${emoji.name}:` : emoji.name, " "] : null, isolate(a.poll_media?.text || "")), h("span", { class: "num" }, n)));
    })));
}

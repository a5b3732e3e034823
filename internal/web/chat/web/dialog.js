// Dialogs: what the page asks, and the modals of bots.

import { byId, fill, h, isolate, t, visible } from "./element.js";
import { select, valuesOf } from "./component.js";
import { markdown } from "./markdown.js";

// show opens a dialog. send is called with the form when it is sent, and may throw an error,
// which is then shown in the dialog.
export function show({ title, body, send, sendText, cancelled }) {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const go = send && h("button", { type: "submit", class: "button primary" }, sendText || t("send"));
  let sent = false;
  const form = h("form", {
    method: "dialog", on: {
      submit: async (e) => {
        e.preventDefault();
        if (!send) return dialog.close();
        go.disabled = true;
        fill(trouble);
        try {
          await send(form);
          sent = true;
          dialog.close();
        } catch (problem) {
          fill(trouble, problem.message);
        }
        go.disabled = false;
      },
    },
  }, h("h2", { dir: "auto" }, title), h("div", { class: "dialog-body" }, body), trouble,
  h("div", { class: "dialog-foot" }, h("button", { type: "button", class: "button secondary", on: { click: () => dialog.close() } }, t(send ? "cancel" : "close")), go));
  const before = document.activeElement;
  const dialog = h("dialog", {
    "aria-label": typeof title === "string" ? title : null, on: {
      close: () => {
        dialog.remove();
        if (!sent) cancelled?.();
        if (before?.isConnected) before.focus();
        else byId("text").focus();
      },
    },
  }, form);
  document.body.append(dialog);
  dialog.showModal();
  form.querySelector(".dialog-body :is(input, textarea, button, summary)")?.focus();
  return dialog;
}

// field is one text to fill in.
export function field(label, props, { area, hint } = {}) {
  return h("label", { class: "field" }, h("span", {}, label, hint && h("span", { class: "soft" }, " ", hint)), h(area ? "textarea" : "input", { autocomplete: "off", dir: "auto", ...props }));
}

// modal shows the modal of a bot; send gets its fields by custom_id.
export function modal(m, send) {
  const inputs = []; // [custom_id, read]
  const body = (m.components || []).map((c) => part(c, inputs));
  show({
    title: isolate(m.title || ""), body, sendText: t("submit"),
    send: async () => {
      const fields = {};
      for (const [id, read] of inputs) {
        const value = await read();
        if (value !== undefined) fields[id] = value;
      }
      await send(fields);
    },
  });
}

// part shows one component of a modal.
function part(c, inputs, label, description) {
  const named = (node) => (label ? h("div", { class: "field" }, h("span", {}, isolate(label), description && h("span", { class: "soft" }, " ", isolate(description))), node) : node);
  switch (c.type) {
    case 1:
      return (c.components || []).map((one) => part(one, inputs));
    case 4: {
      const node = h(c.style === 2 ? "textarea" : "input", {
        name: c.custom_id, dir: "auto", autocomplete: "off", required: c.required !== false, minlength: c.min_length ?? null, maxlength: c.max_length ?? 4000,
        placeholder: c.placeholder || null, value: c.value || "",
      });
      inputs.push([c.custom_id, () => node.value]);
      return h("label", { class: "field" }, h("span", {}, isolate(label || c.label || c.custom_id), c.required === false && h("span", { class: "soft" }, " ", t("optional")), description && h("span", { class: "soft" }, " ", isolate(description))), node);
    }
    case 3: case 5: case 6: case 7: case 8: {
      const node = select(c);
      inputs.push([c.custom_id, () => valuesOf(node)]);
      return named(node);
    }
    case 10:
      return h("div", {}, markdown(c.content || ""));
    case 18: // label
      return part(c.component || {}, inputs, c.label, c.description);
    case 19: { // file upload
      const node = h("input", { type: "file", multiple: (c.max_values ?? 1) > 1, required: c.required !== false });
      inputs.push([c.custom_id, () => Promise.all([...node.files].map(readFile))]);
      return named(node);
    }
    case 21: case 22: { // radio group, checkbox group
      const node = select({ type: 3, custom_id: c.custom_id, options: c.options, min_values: c.type === 21 ? 1 : c.min_values ?? 0, max_values: c.type === 21 ? 1 : c.max_values ?? (c.options || []).length });
      inputs.push([c.custom_id, () => (c.type === 21 ? valuesOf(node)[0] : valuesOf(node))]);
      return named(node);
    }
    case 23: { // checkbox
      const node = h("input", { type: "checkbox", checked: Boolean(c.default) });
      inputs.push([c.custom_id, () => node.checked]);
      return named(node);
    }
    default:
      return h("p", { class: "soft" }, visible(label || "") ? isolate(label) : null, " ", t("component.unknown", c.type));
  }
}

// most is how large a file may be, in bytes: it goes into one request.
const most = 700_000;

// readFile reads a file as the API takes it.
export function readFile(file) {
  if (file.size > most) throw new Error(t("file.large", file.name));
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ filename: file.name, content_type: file.type, data: String(reader.result).split(",")[1] || "" });
    reader.onerror = () => reject(new Error(t("file.unread", file.name)));
    reader.readAsDataURL(file);
  });
}

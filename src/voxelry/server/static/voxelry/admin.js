// Gives names and roles to what Django's admin draws without them.
"use strict";

function giveNames() {
  for (const choice of document.querySelectorAll("select.admin-autocomplete")) {
    const words = document.querySelector(`label[for="${choice.id}"]`)?.textContent.replace(/:\s*$/, "").trim();
    const name = words || choice.closest("td")?.className.replace(/^field-/, "").trim() || "Choice";
    const drawn = choice.nextElementSibling;
    for (const part of drawn?.querySelectorAll("[role=combobox], [role=textbox]") ?? []) {
      part.setAttribute("aria-label", name);
      part.removeAttribute("aria-labelledby");
    }
  }
  for (const head of document.querySelectorAll("th")) {
    if (!head.textContent.trim() && !head.querySelector("input")) head.setAttribute("role", "presentation");
  }
  for (const field of document.querySelectorAll(".inline-group td select, .inline-group td input:not([type=hidden])")) {
    if (!field.labels.length && !field.hasAttribute("aria-label")) field.setAttribute("aria-label", field.name.replace(/^.*-/, ""));
  }
  for (const field of document.querySelectorAll(".datetime input")) {
    const row = field.closest(".form-row, td")?.querySelector("legend, label")?.textContent.replace(/:\s*$/, "").trim();
    if (!field.labels.length) field.setAttribute("aria-label", `${row ?? ""} ${field.name.endsWith("_0") ? "date" : "time"}`.trim());
  }
  for (const hint of document.querySelectorAll("span.help-tooltip[aria-label]")) hint.setAttribute("role", "img");
}

// Django draws its choices after the page's load event at times, and rows of a form when they are asked for.
new MutationObserver(giveNames).observe(document.body, { childList: true, subtree: true });
giveNames();

// Searches the API's page, copies its commands and asks the site by GET. Without it the page can be read all the same.
"use strict";

const LONGEST_TEXT = 200_000;
const routes = [...document.querySelectorAll(".route")];
const search = document.getElementById("search");
const count = document.getElementById("search-count");
const list = document.querySelector(".list");
const narrow = window.matchMedia("(max-width: 60rem)");

function showMatches() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Set(routes.filter(({ dataset }) => words.every((word) => dataset.words.includes(word))).map(({ id }) => id));
  for (const route of routes) route.hidden = !found.has(route.id);
  for (const item of list.querySelectorAll("[data-for]")) item.hidden = !found.has(item.dataset.for);
  for (const group of document.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-words]:not([hidden]), [data-for]:not([hidden])");
  document.querySelector(".none").hidden = found.size > 0;
  count.textContent = words.length ? `${found.size} of ${routes.length} routes` : `${routes.length} routes`;
  for (const part of document.querySelectorAll(".start > p")) part.hidden = words.length > 0;
  if (narrow.matches) list.open = words.length > 0 && found.size > 0;
}

function showAll() {
  search.value = "";
  showMatches();
}

/** The route or record of the address is shown, whatever was searched for. */
function showTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  if (target.closest("[hidden]")) showAll();
  if (narrow.matches) list.open = false;
  for (const link of list.querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  target.scrollIntoView();
}

search.closest("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const first = routes.find(({ hidden }) => !hidden);
  if (!first) return;
  location.hash = first.id;
  first.querySelector("h3 a").focus({ preventScroll: true });
});
search.addEventListener("input", () => {
  showMatches();
  scrollTo(0, 0);
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape") showAll();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  event.preventDefault();
  search.focus();
  search.select();
});
window.addEventListener("hashchange", showTarget);
narrow.addEventListener("change", () => { list.open = !narrow.matches; });

for (const button of document.querySelectorAll(".copy")) {
  const command = button.previousElementSibling;
  const words = button.innerHTML;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "Copied";
    } catch { // A page without TLS has no clipboard: what is selected can be copied by hand.
      getSelection().selectAllChildren(command);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.innerHTML = words; }, 2000);
  });
}

/** The address that a filled form asks; empty fields that need no value are left out. */
function addressOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else if (field.value !== "") query.append(field.name, field.value);
  }
  return query.size ? `${path}?${query}` : path;
}

function isText(type) {
  return /^text\/|json|xml/.test(type);
}

async function showText(response, pre) {
  let text = "";
  pre.hidden = false;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    text += decoder.decode(value, { stream: true });
    if (text.length > LONGEST_TEXT) {
      await reader.cancel();
      pre.textContent = `${text.slice(0, LONGEST_TEXT)}\n… the answer is longer: use the command.`;
      return;
    }
    pre.textContent = text;
  }
  if (/json/.test(response.headers.get("Content-Type") ?? "")) pre.textContent = JSON.stringify(JSON.parse(text), null, 2);
}

function showFile(address, type, status, result) {
  if (type.startsWith("image/")) {
    const picture = result.appendChild(new Image());
    picture.alt = "The picture that the site answered";
    picture.src = address;
    return;
  }
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  link.textContent = "Save it";
  status.append(" ", link);
}

async function ask(form, signal) {
  const address = addressOf(form);
  const result = form.nextElementSibling;
  const [status, pre] = result.children;
  result.querySelector("img")?.remove();
  result.hidden = false;
  pre.hidden = true;
  pre.textContent = "";
  status.textContent = "Asking …";
  try {
    const response = await fetch(address, { signal, headers: { Accept: "*/*" } });
    const type = response.headers.get("Content-Type") ?? "";
    status.textContent = `${response.status} ${response.statusText} · ${type || "no content"}`;
    if (response.status === 401) {
      status.textContent = "Your session has ended. ";
      const link = status.appendChild(document.createElement("a"));
      link.href = "/login/?next=/api/docs";
      link.textContent = "Log in again";
    } else if (isText(type)) {
      await showText(response, pre);
    } else if (type) {
      const length = Number(response.headers.get("Content-Length"));
      if (length) status.textContent += ` · ${length.toLocaleString("en")} bytes`;
      await response.body?.cancel();
      showFile(address, type, status, result);
    }
  } catch (error) {
    if (signal.aborted) status.textContent += " · stopped";
    else status.textContent = `The site did not answer: ${error.message}`;
  }
}

for (const form of document.querySelectorAll(".try form")) {
  const button = form.querySelector("button");
  let running = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) {
      running.abort();
      return;
    }
    running = new AbortController();
    button.textContent = "Stop";
    await ask(form, running.signal);
    running = null;
    button.textContent = "Ask";
  });
}

for (const part of document.querySelectorAll(".search, .keys, .copy, .try")) part.hidden = false;
list.open = !narrow.matches;
showTarget();

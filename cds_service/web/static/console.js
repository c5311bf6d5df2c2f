// The what-if page: sends the form as it changes, and shows what the server answers.
"use strict";

const form = document.getElementById("trial");
const result = document.getElementById("result");
const said = document.getElementById("said");
const slider = document.getElementById("slider");
const slid = document.getElementById("slid");
const DAY = 86400000;
const PAUSE = 180; // milliseconds without a change before the server is asked

const days = (text) => Date.parse(`${text}T00:00:00Z`) / DAY;
const text = (day) => new Date(day * DAY).toISOString().slice(0, 10);
const words = (day) =>
  new Date(day * DAY).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

let frame = null; // the days drawn; kept while only the date moves
let waiting = null;
let asking = null;

function soon(keepFrame) {
  if (!keepFrame) frame = null;
  stop();
  waiting = setTimeout(ask, PAUSE);
}

// Whatever is asked, or about to be: its answer would be out of date.
function stop() {
  clearTimeout(waiting);
  asking?.abort();
}

// Nothing stays of what was shown.
function clear(message) {
  stop();
  frame = null;
  setSlider("");
  result.classList.remove("busy");
  result.replaceChildren();
  history.replaceState(null, "", location.pathname);
  say(message);
}

async function ask() {
  const sent = new FormData(form);
  if (!sent.get("text").trim() && !sent.get("patient")) return clear("");
  if (!form.reportValidity()) return;
  if (frame) {
    sent.set("first", frame.first);
    sent.set("last", frame.last);
  }
  const { signal } = (asking = new AbortController());
  result.classList.add("busy");
  try {
    const answer = await fetch(form.dataset.result, { method: "POST", body: sent, signal });
    if (answer.ok) show(await answer.text());
    else refuse(await answer.json());
    remember(sent);
  } catch (error) {
    if (error.name === "AbortError") return;
    say("The service did not answer. Is it still running?", true);
  }
  result.classList.remove("busy");
}

function show(html) {
  const opened = folded().filter(([, part]) => String(part.open) !== part.dataset.open);
  const kept = new Map(opened.map(([name, part]) => [name, part.open]));
  result.innerHTML = html; // made by our own server, which escapes what a record holds
  enliven();
  for (const [name, part] of folded()) if (kept.has(name)) part.open = kept.get(name);
}

// What can be opened, each with a name that is the same on another day.
function folded() {
  return [...result.querySelectorAll("details")].map((part) => {
    const head = part.querySelector("summary");
    const within = part.closest("article, figure, section")?.querySelector("h2, h3");
    return [head.id || `${within?.textContent} ${head.textContent}`.replace(/\d+/g, ""), part];
  });
}

function refuse(outcome) {
  result.replaceChildren(refusal("No answer", outcome));
  say("No answer", true);
}

function say(message, fault = false) {
  said.textContent = message;
  said.classList.toggle("fault", fault);
}

// The address names a demo patient, never a pasted record.
function remember(sent) {
  const chosen = new URLSearchParams();
  if (!sent.get("text").trim())
    for (const name of ["patient", "service", "order", "today"])
      if (sent.get(name)) chosen.set(name, sent.get(name));
  history.replaceState(null, "", chosen.size ? `?${chosen}` : location.pathname);
}

// What is shown has changed: slider, drawings, cards.
function enliven() {
  const outcome = result.querySelector(".outcome");
  if (!outcome) return;
  say(outcome.dataset.said);
  if (outcome.dataset.first) frame = { first: outcome.dataset.first, last: outcome.dataset.last };
  setSlider(outcome.dataset.today);
  for (const [, part] of folded()) part.dataset.open = part.open; // as the server would have it
  result.querySelectorAll(".with-script").forEach((part) => (part.hidden = false));
  result.querySelectorAll(".side").forEach(enlivenSide);
  result.querySelectorAll("[data-card]").forEach((card) => enlivenCard(card, outcome.dataset.service));
}

function setSlider(today) {
  const box = slider.closest(".slide");
  box.hidden = !frame;
  if (!frame) return;
  slider.min = days(frame.first);
  slider.max = days(frame.last);
  slider.value = days(today);
  tellSlider();
}

function tellSlider() {
  slid.textContent = words(Number(slider.value));
  slider.setAttribute("aria-valuetext", slid.textContent);
}

function enlivenSide(side) {
  const pointed = side.querySelector(".pointed");
  pointed.textContent = pointed.dataset.empty;
  const tell = (event) => {
    const item = event.target.closest(".item");
    if (item) pointed.textContent = item.querySelector("title").textContent;
  };
  const drawing = side.querySelector(".drawing");
  scrollToToday(drawing);
  drawing.addEventListener("mouseover", tell);
  drawing.addEventListener("focusin", tell);
  side.querySelectorAll("[data-save]").forEach((button) =>
    button.addEventListener("click", () => save(side.querySelector("svg"), button.dataset)),
  );
}

// On a narrow screen the drawing is wider than its place.
function scrollToToday(drawing) {
  const today = drawing.querySelector(".tl-alarm-text")?.getBoundingClientRect();
  if (today) drawing.scrollLeft += today.left - drawing.getBoundingClientRect().left - drawing.clientWidth / 2;
}

function save(svg, { save: kind, name }) {
  const source = new XMLSerializer().serializeToString(svg);
  const file = new Blob([source], { type: "image/svg+xml" });
  if (kind === "svg") return download(file, `${name}.svg`);
  const picture = new Image();
  picture.onload = () => {
    const canvas = document.createElement("canvas");
    const size = svg.viewBox.baseVal;
    [canvas.width, canvas.height] = [size.width * 2, size.height * 2];
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(picture.src);
    canvas.toBlob((made) => download(made, `${name}.png`), "image/png");
  };
  picture.src = URL.createObjectURL(file);
}

function download(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Accept and dismiss, as an EHR offers them, with the feedback it would send.
function enlivenCard(card, service) {
  card.querySelectorAll("[data-suggestion]").forEach((suggestion) => {
    const label = suggestion.querySelector("summary strong").textContent;
    const feedback = { outcome: "accepted", acceptedSuggestions: [{ id: suggestion.dataset.suggestion }] };
    const accept = button("Accept", () => reply(card, service, `Accepted: ${label}`, feedback));
    accept.setAttribute("aria-label", `Accept: ${label}`);
    suggestion.querySelector("details").append(accept);
    accept.parentElement.classList.add("reply-in");
  });
  const row = document.createElement("div");
  row.className = "reply";
  const reasons = [...card.querySelectorAll("[data-code]")];
  const choice = document.createElement("select");
  choice.setAttribute("aria-label", "Reason to dismiss");
  choice.append(new Option("without a reason", ""));
  for (const reason of reasons) choice.append(new Option(reason.textContent, reason.dataset.code));
  row.append(button("Dismiss", () => dismiss(card, service, choice, reasons)), choice);
  card.querySelector("footer").before(row);
}

function dismiss(card, service, choice, reasons) {
  const chosen = reasons.find((reason) => reason.dataset.code === choice.value);
  const feedback = { outcome: "overridden" };
  if (chosen)
    feedback.overrideReason = { reason: { code: chosen.dataset.code, system: chosen.dataset.system } };
  reply(card, service, chosen ? `Dismissed: ${chosen.textContent}` : "Dismissed", feedback);
  card.classList.add("dismissed");
}

function reply(card, service, message, feedback) {
  card.querySelector(".replied")?.remove();
  const now = new Date().toISOString();
  const body = { feedback: [{ card: card.dataset.card, ...feedback, outcomeTimestamp: now }] };
  const box = document.createElement("div");
  box.className = "replied";
  const line = document.createElement("p");
  line.textContent = `${message}. An EHR would now send this to /cds-services/${service}/feedback; this page sends nothing.`;
  const sent = document.createElement("pre");
  sent.tabIndex = 0;
  sent.textContent = JSON.stringify(body, null, 2);
  box.append(line, sent, button("Undo", () => (box.remove(), card.classList.remove("dismissed"))));
  card.append(box);
  box.querySelector("button").focus();
  say(message);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

// --- the form ---

const service = form.elements.service;
function showOrders() {
  const about = service.selectedOptions[0].dataset.orders;
  form.querySelector("[data-for-orders]").hidden = !about;
}

function ownRecord() {
  if (form.elements.patient && form.elements.text.value) form.elements.patient.value = "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  soon(false);
});
form.addEventListener("change", (event) => {
  const changed = event.target;
  if (changed === slider || changed.type === "file") return;
  if (changed.name === "patient" && changed.value) form.elements.text.value = "";
  if (changed === form.elements.text) ownRecord();
  if (changed === service) showOrders();
  soon(changed.name === "today");
});
slider.addEventListener("input", () => {
  form.elements.today.value = text(Number(slider.value));
  tellSlider();
  soon(true);
});
intake(form.elements.text, () => {
  if (!form.elements.text.value) return clear("Forgotten");
  ownRecord();
  soon(false);
});
// A link to a record opens it, and goes there.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"], .item');
  const target = link && document.getElementById((link.getAttribute("href") || "").slice(1));
  const closed = target?.closest("details:not([open])");
  if (closed) closed.open = true;
});

showOrders();
enliven();

// The integrator page: sends a captured request to the linter, and shows the report.
"use strict";

const form = document.getElementById("linted");
const result = document.getElementById("result");
const said = document.getElementById("said");
const area = form.elements.text;

function say(message, fault = false) {
  said.textContent = message;
  said.classList.toggle("fault", fault);
}

let asking = null;

async function check() {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  if (!area.value.trim()) {
    result.replaceChildren();
    return say("");
  }
  if (!form.reportValidity()) return;
  try {
    const answer = await fetch(form.dataset.result, { method: "POST", body: new FormData(form), signal });
    if (answer.ok) show(await answer.text());
    else refuse(await answer.json());
  } catch (error) {
    if (error.name === "AbortError") return;
    say("The service did not answer. Is it still running?", true);
  }
}

function show(html) {
  result.innerHTML = html; // made by our own server, which escapes what was captured
  say(result.querySelector(".report").dataset.said);
}

function refuse(outcome) {
  result.replaceChildren(refusal("No report", outcome));
  say("No report", true);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  check();
});
intake(area, check);

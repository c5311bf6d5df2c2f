// A small CDS Hooks client of the tests' own, on a page of another origin: what the sandbox does,
// and no more. ?service=<base>&fhir=<base>&patient=<id>
"use strict";

const asked = new URLSearchParams(location.search);
const [base, fhir, patient] = ["service", "fhir", "patient"].map((name) => asked.get(name));
const state = document.getElementById("state");
const json = { "Content-Type": "application/json" };

const post = (url, body) => fetch(url, { method: "POST", headers: json, body: JSON.stringify(body) });

async function prefetched(templates) {
  const held = {};
  for (const [key, template] of Object.entries(templates)) {
    const answer = await fetch(`${fhir}/${template.replaceAll("{{context.patientId}}", patient)}`);
    if (answer.ok) held[key] = await answer.json();
  }
  return held;
}

async function run() {
  const { services } = await (await fetch(`${base}/cds-services`)).json();
  const service = services.find((one) => one.hook === "patient-view");
  const answer = await post(`${base}/cds-services/${service.id}`, {
    hook: service.hook,
    hookInstance: crypto.randomUUID(),
    context: { userId: "Practitioner/elsewhere", patientId: patient },
    prefetch: await prefetched(service.prefetch),
  });
  const { cards } = await answer.json();
  for (const card of cards) show(card, `${base}/cds-services/${service.id}/feedback`);
  state.textContent = `${answer.status} ${cards.length}`;
}

function show(card, feedback) {
  const box = document.createElement("article");
  const title = document.createElement("h2");
  title.textContent = card.summary;
  const dismiss = document.createElement("button");
  dismiss.textContent = "Dismiss";
  dismiss.addEventListener("click", async () => {
    const entry = { card: card.uuid, outcome: "overridden", outcomeTimestamp: new Date().toISOString() };
    const answer = await post(feedback, { feedback: [entry] });
    state.textContent = `feedback ${answer.status}`;
  });
  box.append(title, dismiss);
  document.getElementById("cards").append(box);
}

run().catch((error) => (state.textContent = `refused: ${error.name}`));

// For pages that also work without it: copies addresses, and filters lists.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const said = button.parentElement.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const copied = await copy(source);
    if (said) said.textContent = copied ? "Copied" : "Selected: copy it with the keyboard";
  });
}

// The clipboard needs https or this machine; elsewhere the text is selected for the reader to copy.
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

// A filter box: what does not hold all its words is hidden as one types. The form asks the server.
for (const box of document.querySelectorAll("[data-filter]")) {
  if (box.defaultValue) continue; // the server has left out the rest
  const parts = [...document.querySelectorAll(box.dataset.filter)];
  const texts = parts.map((part) => part.textContent.toLowerCase());
  const said = box.form.querySelector("[role=status]");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    parts.forEach((part, number) => {
      const fits = words.every((word) => texts[number].includes(word));
      part.hidden = !fits;
      shown += fits;
      const line = document.querySelector(`[data-of="${part.id}"]`);
      if (line) line.hidden = !fits;
    });
    said.textContent = words.length ? `${shown} of ${parts.length} shown` : "";
  });
}

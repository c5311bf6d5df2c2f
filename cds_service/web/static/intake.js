// Text that a visitor brings: pasted, dropped anywhere on the page, or chosen as a file.
"use strict";

// `changed` is called when `area` was filled, or emptied ("forget").
function intake(area, changed) {
  const own = area.closest(".own");
  const file = document.getElementById("file");
  let wanted = null; // the file being read, unless it was forgotten meanwhile
  const take = async (chosen) => {
    if (!chosen) return;
    wanted = chosen;
    const text = await chosen.text();
    if (wanted !== chosen) return;
    area.value = text;
    changed();
  };
  file.addEventListener("change", () => take(file.files[0]));
  for (const kind of ["dragenter", "dragover"])
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      if ("open" in own) own.open = true;
      own.classList.add("over");
    });
  document.addEventListener("dragleave", (event) => event.relatedTarget || own.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    own.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  document.getElementById("forget").addEventListener("click", () => {
    wanted = null;
    area.value = "";
    file.value = "";
    changed();
  });
  own.querySelectorAll(".with-script").forEach((part) => (part.hidden = false));
}

// Why the server gave no answer, as a list of its issues.
function refusal(title, outcome) {
  const list = document.createElement("ul");
  for (const issue of outcome.issue) {
    const line = document.createElement("li");
    line.textContent = [issue.diagnostics, ...(issue.expression || [])].join(" ");
    list.append(line);
  }
  const box = document.createElement("div");
  box.className = "card unjudged";
  const head = document.createElement("h2");
  head.textContent = title;
  box.append(head, list);
  return box;
}

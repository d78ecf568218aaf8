// Reads the data and draws the page, section by section.

function show_head(data) {
  const run = data.runs[0];
  const facts = run ? run.facts : [];
  document.getElementById("about").append(...facts.map(([name, value]) =>
    element("span", { class: "fact" }, element("span", { class: "fact-name" }, name), " " + value)));
  document.getElementById("notes").append(...data.notes.map((text) => element("p", { class: "notice", role: "note" }, text)));
  if (data.runs.length > 1) {
    document.getElementById("about").after(element("p", { class: "legend" }, ...data.runs.map((one, i) =>
      element("span", { class: "legend-entry" }, element("span", { class: "swatch" + (i ? " dash" : ""), style: `--swatch: var(${kRunColors[i]})` }), one.name))));
  }
}

function show_page() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const samples = start_samples(data);
  start_theme_switch();
  show_head(data);
  show_numbers(data);
  show_training(data);
  show_map(data, samples);
  show_retrieval(data, samples);
  show_pairs(data, samples);
  show_classes(data, samples);
  document.getElementById("footer").append("Made by kindred. This page loads nothing: all it shows is in this file." +
    (samples.ink ? " Pictures drawn in white on black are shown inverted on light pages." : ""));
  // Charts draw themselves when they learn their width, before the first picture on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  }));
}

show_page();

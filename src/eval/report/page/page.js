// Reads the data and draws the page, section by section.

function show_head(data) {
  const about = document.getElementById("about");
  const several = data.runs.length > 1;
  data.runs.forEach((run, i) => {
    about.append(element("p", { class: "about" },
      several ? element("b", { class: "of-run", style: `--swatch:var(${kRunColors[i]})` }, run.name) : null,
      ...run.facts.map(([name, value]) =>
        element("span", { class: "fact" }, element("span", { class: "fact-name" }, name), " " + value))));
  });
  document.getElementById("notes").append(...data.notes.map((text) => element("p", { class: "notice", role: "note" }, text)));
}

function show_page() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const samples = start_samples(data);
  start_theme_switch();
  section.of = data.runs.length > 1 ? data.runs[0].name : "";
  show_head(data);
  show_numbers(data, samples);
  show_map(data, samples);
  show_pairs(data, samples);
  show_classes(data, samples);
  show_retrieval(data, samples);
  show_training(data);
  if (!data.live) show_details(data, samples);
  start_live(data);
  document.getElementById("footer").append("Made by kindred. This page loads nothing: all it shows is in this file." +
    (samples.ink ? " Pictures drawn in white on black are shown inverted on light pages." : ""));
  // Charts draw themselves when they learn their width, before the first picture on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
    if (show_map.view) setTimeout(() => show_map.view.unpack(), 500);
  }));
}

show_page();

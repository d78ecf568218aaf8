// What the run was made of: data, recipe, machine; what can be taken away.

function show_details(data, samples) {
  const node = section("details", data.runs.some((run) => run.recipe) ? "Data and recipe" : "Files to take away", "");
  const several = data.runs.length > 1;
  data.runs.forEach((run, i) => {
    if (run.data.length === 0) return;
    const [first] = data.runs;
    if (i > 0 && JSON.stringify(run.data) === JSON.stringify(first.data)) return;
    node.append(scroll_table("Data", element("table", { class: "numbers" },
      element("thead", {}, element("tr", {}, ...[several ? "data of " + run.name : "data", "samples", "classes"].map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...run.data.map(([name, number, classes]) => element("tr", {},
        element("th", { scope: "row" }, name), element("td", {}, count(number)), element("td", {}, count(classes))))))),
    ...run.data_notes.map((text) => element("p", { class: "note" }, text)));
  });
  if (several) show_differences(node, data.runs);
  for (const run of data.runs) {
    if (!run.recipe) continue;
    node.append(element("details", { class: "more" },
      element("summary", {}, several ? "Recipe of " + run.name : "Recipe"),
      element("div", { class: "controls" }, copy_button(run.recipe, "Copy the recipe"), copy_button(run.command, "Copy the command")),
      element("p", {}, element("code", {}, run.command)),
      element("pre", { tabindex: "0", role: "region", "aria-label": "Recipe of " + run.name }, run.recipe)));
  }
  const files = [];
  if (data.map) files.push(csv_button("Map as CSV", "map.csv", () => map_rows(data, samples)));
  if (data.classes) files.push(csv_button("Classes as CSV", "classes.csv", () => class_rows(data)));
  if (data.pairs) files.push(csv_button("Thresholds as CSV", "thresholds.csv", () => threshold_rows(data)));
  if (data.runs.length > 0) files.push(csv_button("Numbers as CSV", "numbers.csv", () => number_rows(data)));
  node.append(element("div", { class: "controls" }, ...files));
}

/** The keys of the recipes that are not the same. */
function show_differences(node, runs) {
  const [first, second] = runs.map((run) => new Map(run.settings));
  const keys = [...new Set([...first.keys(), ...second.keys()])].sort().filter((key) => first.get(key) !== second.get(key));
  node.append(element("h3", {}, "Where the recipes differ"));
  if (keys.length === 0) {
    node.append(element("p", { class: "note" }, "Nowhere."));
    return;
  }
  const text = (map, key) => (map.has(key) ? map.get(key) : "–");
  node.append(scroll_table("Where the recipes differ", element("table", { id: "differences" },
    element("thead", {}, element("tr", {}, ...["key", ...runs.map((run) => run.name)].map((head, i) =>
      element("th", i > 0 ? { scope: "col", class: "of-run", style: `--swatch:var(${kRunColors[i - 1]})` } : { scope: "col" }, head)))),
    element("tbody", {}, ...keys.map((key) => element("tr", {}, element("th", { scope: "row" }, key),
      element("td", {}, text(first, key)), element("td", {}, text(second, key))))))));
}

function map_rows(data, samples) {
  const planes = ["tsne", "pca"].filter((name) => data.map[name]);
  const rows = [["sample", "class", ...planes.flatMap((name) => [name + "_x", name + "_y"])]];
  for (let i = 0; i < samples.count; ++i) {
    rows.push([samples.name(i) || i, samples.class_name(i), ...planes.flatMap((name) => [data.map[name].x[i], data.map[name].y[i]])]);
  }
  return rows;
}

function class_rows(data) {
  const classes = data.classes;
  return [["class", "queries", ...classes.columns],
    ...classes.classes.map((number, i) => [data.class_names[number], classes.queries[i], ...classes.values[i]])];
}

function threshold_rows(data) {
  return [["threshold", "different_accepted", "same_accepted"], ...data.pairs.rates];
}

function number_rows(data) {
  return [["run", "metric", "value", "low", "high"], ...data.runs.flatMap((run) => run.numbers.map((row) => [run.name, ...row]))];
}

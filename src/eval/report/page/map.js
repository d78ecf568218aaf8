// The embedding map: its canvas with switches, legend and words.

function show_map(data, samples) {
  if (!data.map) return;
  const map = data.map;
  const classes = data.class_names.length;
  const sampled = samples.count < map.total;
  const node = section("map", "Embedding map",
    `${plural(samples.count, "sample")} of ${plural(classes, "class", "classes")}` +
    (sampled ? `, drawn from ${count(map.total)}` : "") + ", each with the colour of its class. A good embedding puts a class in one place. " +
    (samples.pictured > 0 ? "Zoom in for more pictures and names." : "Zoom in for more names."));
  const reading = element("p", { class: "reading", "aria-live": "polite" });
  const keys = "Arrow keys go from sample to sample, Enter marks its class, plus and minus zoom.";
  const canvas = element("canvas", {
    id: "map-canvas", tabindex: "0", role: "img",
    "aria-label": `Map of ${plural(samples.count, "sample")} of ${plural(classes, "class", "classes")}. ` +
      `Recall and the table of classes say in numbers what it shows. ${keys}`,
  });
  const view = new MapView(canvas, samples, (i, x, y) => {
    if (i < 0) {
      hover.hide();
      reading.textContent = "";
      return;
    }
    hover.show(samples.card(i), x, y);
    reading.textContent = samples.title(i) + (samples.name(i) && samples.name(i) !== samples.title(i) ? " · " + samples.name(i) : "");
  }, (number) => pick(number));
  on_theme(() => view.draw());

  const explanation = element("p", { class: "note" });
  const explain = (name) => {
    explanation.textContent = name === "tsne"
      ? "t-SNE keeps neighbours together; distances between far groups and sizes of groups mean little."
      : `The two principal components hold ${percent(map.variance_share)} of the variance; what lies apart otherwise may overlap here.`;
  };
  const input = element("input", {
    type: "search", id: "map-class", list: "class-list", placeholder: "any class", autocomplete: "off",
    oninput: (event) => {
      const number = data.class_names.indexOf(event.target.value);
      if (number >= 0 || event.target.value === "") pick(number, true);
    },
  });
  function pick(number, typed) {
    view.pick(number);
    if (!typed) input.value = number >= 0 ? data.class_names[number] : "";
  }
  show_map.view = view;
  show_map.pick = (number) => {
    pick(number);
    node.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  const toggle = (text, name) => element("button", {
    type: "button", "aria-pressed": String(view[name]),
    onclick: (event) => {
      view[name] = !view[name];
      event.currentTarget.setAttribute("aria-pressed", String(view[name]));
      view.draw();
    },
  }, text);

  const first = map.tsne ? "tsne" : "pca";
  const switches = element("div", { class: "controls" },
    map.tsne ? choice("Projection", [["tsne", "t-SNE"], ["pca", "PCA"]], first, (name) => {
      view.show(map[name]);
      explain(name);
    }) : null,
    element("div", { class: "choice", role: "group", "aria-label": "Shown" },
      samples.pictured > 0 ? toggle("Pictures", "pictures") : null, toggle("Names", "names")),
    element("div", { class: "choice", role: "group", "aria-label": "Zoom" },
      element("button", { type: "button", onclick: () => view.zoom_by(1.5) }, "Zoom in"),
      element("button", { type: "button", onclick: () => view.zoom_by(1 / 1.5) }, "Zoom out"),
      element("button", { type: "button", onclick: () => view.reset() }, "Whole")),
    element("span", { class: "control" }, element("label", { for: "map-class" }, "Find class"), input));
  const list = element("datalist", { id: "class-list" },
    ...data.class_names.slice(0, 2000).map((name) => element("option", { value: name })));
  node.append(switches, canvas, list, reading, explanation);
  if (samples.pictured > 0 && samples.pictured < samples.count) {
    node.append(element("p", { class: "note" }, `Pictures are kept for ${count(samples.pictured)} of the samples, to keep the file small.`));
  }
  explain(first);
  view.show(map[first]);
}

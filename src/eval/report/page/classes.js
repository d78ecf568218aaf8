// A row and a bar for each class, and which classes are taken for which.

const kRowsAPage = 12;

function show_classes(data, samples) {
  const classes = data.classes;
  if (!classes) return;
  const node = section("classes", "Classes", `${plural(classes.classes.length, "class", "classes")} with queries that have an answer.`);
  if (classes.classes.length > 0) show_class_table(node, data, samples);
  if (classes.confusions.length > 0) show_confusions(node, data, samples);
}

function show_confusions(node, data, samples) {
  const classes = data.classes;
  const first = 12;
  const items = classes.confusions.map(([actual, taken, number, queries, sample, neighbor], i) => element("li", { hidden: i >= first },
    element("span", { class: "two" }, samples.picture(sample, 64), samples.picture(neighbor, 64)),
    element("p", {}, element("span", { class: "clip", title: data.class_names[actual] }, ...name_text(data.class_names[actual])),
      element("span", { class: "clip", title: data.class_names[taken] }, "→\u00a0", ...name_text(data.class_names[taken])),
      element("span", { class: "score" }, `${count(number)} of ${plural(queries, "query", "queries")}`))));
  const list = element("ul", { class: "pairs" }, ...items);
  node.append(element("h3", {}, "Most confused pairs"),
    element("p", { class: "note" }, `Queries of the first class whose nearest neighbour is of the second: ${classes.confusion_note}.`), list);
  if (items.length > first) {
    const more = element("button", {
      type: "button",
      onclick: () => {
        items.forEach((item) => (item.hidden = false));
        more.remove();
      },
    }, `Show all ${items.length}`);
    node.append(more);
  }
}

function show_class_table(node, data, samples) {
  const classes = data.classes;
  const example = new Map();
  for (let i = samples.count - 1; i >= 0; --i) example.set(samples.class_of(i), i);
  const rows = classes.classes.map((number, i) => ({ number, name: data.class_names[number], cells: [classes.queries[i], ...classes.values[i]] }));
  const heads = ["class", "queries", ...classes.columns];
  const state = { column: Math.min(2, heads.length - 1), down: false, filter: "", page: 0 };

  const body = element("tbody", {});
  const pages = element("div", { class: "controls" });
  const buttons = heads.map((head, column) => element("button", { type: "button", onclick: () => sort_by(column) }, head));
  const place_of = (column) => (column === 2 ? "bar" : column > 2 && heads[column] !== "map@r" ? "minor" : null);
  const head_cells = buttons.map((button, column) => element("th", { scope: "col", class: place_of(column) }, button));
  const shown = element("p", { class: "note", "aria-live": "polite" });

  function class_cell(row) {
    const picture = example.has(row.number) && samples.pictured > 0 ? samples.picture(example.get(row.number), 40) : null;
    return element("span", { class: "class-cell" }, picture, data.map
      ? element("button", { type: "button", class: "link", title: "Show on the map", onclick: () => show_map.pick(row.number) }, row.name)
      : row.name);
  }
  function sort_by(column) {
    state.down = column === state.column ? !state.down : column === 1;
    state.column = column;
    state.page = 0;
    draw();
  }
  function draw() {
    const wanted = state.filter.toLowerCase();
    const kept = rows.filter((row) => row.name.toLowerCase().includes(wanted));
    const key = (row) => (state.column === 0 ? row.name : row.cells[state.column - 1]);
    const sign = state.down ? -1 : 1;
    kept.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return sign * (x < y ? -1 : x > y ? 1 : 0) || a.number - b.number;
    });
    const last = Math.max(0, Math.ceil(kept.length / kRowsAPage) - 1);
    state.page = Math.min(state.page, last);
    const from = state.page * kRowsAPage;
    body.replaceChildren(...kept.slice(from, from + kRowsAPage).map((row) => element("tr", {},
      element("th", { scope: "row" }, class_cell(row)),
      ...row.cells.map((value, i) => element("td", { class: place_of(i + 1) },
        i === 1 ? element("span", { class: "bar-track", "aria-hidden": "true" }, element("span", { style: `width:${(100 * value).toFixed(2)}%` })) : null,
        i === 0 ? count(value) : metric(value))))));
    head_cells.forEach((cell, column) => {
      if (column === state.column) cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    shown.textContent = kept.length === 0 ? "No class has this in its name."
      : `${count(from + 1)} to ${count(Math.min(kept.length, from + kRowsAPage))} of ${plural(kept.length, "class", "classes")}`;
    previous.disabled = state.page === 0;
    next.disabled = state.page === last;
  }
  const turn = (step) => () => {
    state.page += step;
    draw();
  };
  const previous = element("button", { type: "button", onclick: turn(-1) }, "Previous");
  const next = element("button", { type: "button", onclick: turn(1) }, "Next");
  pages.append(previous, next, shown);
  const filter = element("input", {
    type: "search", id: "class-filter", autocomplete: "off",
    oninput: debounce(() => {
      state.filter = filter.value;
      state.page = 0;
      draw();
    }, 80),
  });
  node.append(element("h3", {}, "Every class", element("small", {}, " · the hardest first")),
    element("p", { class: "control" }, element("label", { for: "class-filter" }, "Filter by name"), filter),
    element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Every class" },
      element("table", { class: "numbers", id: "class-table" }, element("thead", {}, element("tr", {}, ...head_cells)), body)),
    pages);
  draw();
}

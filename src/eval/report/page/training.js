// What happened over the steps of training: what it is for, and folded below it the losses.

function show_training(data) {
  const all = data.runs.flatMap((run, number) => run.series.map((series) => Object.assign({ run, number }, series)));
  if (all.length === 0) return;
  const other = data.runs[1];
  const node = section("training", "Training", "");
  const charts = element("div", { class: "charts" });
  for (const metric_name of ["recall@1", "map@r"]) {
    const chart = progress_chart(metric_name, all, data.runs);
    if (chart) charts.append(chart);
  }
  const spread = all.filter((series) => series.chart === "evaluation" && !/^(validation|training) /.test(series.name));
  if (charts.childElementCount > 0) {
    const compared = all.some((series) => series.name.startsWith("training "));
    node.append(element("p", { class: "lead" }, "How well samples held out for validation are found" +
      (compared ? ", and as many that are trained on: the gap is what was learned by heart." : ".")), charts);
  }
  const folded = element("details", { class: "more losses", open: charts.childElementCount === 0 },
    element("summary", {}, "Losses and learning rate"));
  fold_losses(folded, all, other);
  const tail = element("div", { class: "charts" });
  if (spread.length > 0) {
    tail.append(line_chart({
      label: spread[0].name, x: { label: "step", format: count }, y: { reading: metric, high: 1 },
      lines: spread.map((series) => ({ name: other ? series.run.name : series.name, color: kRunColors[series.number], xs: series.steps, ys: series.values })),
      describe: describe_series(spread),
    }).node);
  }
  const rates = all.filter((series) => series.chart === "learning_rate");
  if (rates.length > 0) {
    tail.append(line_chart({
      label: "Learning rate", x: { label: "step", format: count }, y: { low: 0 },
      lines: rates.map((series) => ({ name: other ? series.run.name : series.name, color: kRunColors[series.number], xs: series.steps, ys: series.values })),
      describe: describe_series(rates),
    }).node);
  }
  folded.append(tail);
  node.append(folded);
}

/** One metric of validation and training samples over the steps, by run. */
function progress_chart(name, all, runs) {
  const lines = all.filter((series) => series.name === "validation " + name || series.name === "training " + name);
  if (lines.length === 0) return null;
  const several = runs.length > 1;
  if (lines.every((series) => series.steps.length === 1)) return progress_bars(name, lines, several);
  return line_chart({
    label: name, height: 240, x: { label: "step", format: count }, y: { reading: metric, high: 1 },
    lines: lines.map((series) => ({
      name: series.name.replace(" " + name, "") + (several ? ", " + series.run.name : ""), color: kRunColors[series.number],
      dash: series.name.startsWith("training"), dots: true, xs: series.steps, ys: series.values,
    })),
    marks: !several && runs[0].kept_step !== null ? [{ x: runs[0].kept_step, name: "kept" }] : [],
    describe: describe_series(lines),
  }).node;
}

/** Of runs that were looked at once. */
function progress_bars(name, lines, several) {
  return element("div", { class: "chart" }, element("h3", {}, name, element("small", {}, ` · at step ${count(lines[0].steps[0])}`)),
    value_bars(lines.map((series) => ({
      name: series.name.replace(" " + name, "") + (several ? ", " + series.run.name : ""), value: series.values[0],
      color: kRunColors[series.number],
    }))));
}

function fold_losses(folded, all, other) {
  const spans = all.some((series) => series.spans_of);
  const smoothed = [];
  let weight = 0.8;
  const slider = element("input", {
    type: "range", id: "smoothing", min: "0", max: "0.98", step: "0.02", value: String(weight),
    oninput: (event) => {
      weight = Number(event.target.value);
      smoothed.forEach((again) => again());
    },
  });
  const losses = all.filter((series) => series.chart === "loss");
  const names = [...new Set(losses.map((series) => series.name))];
  const grid = element("div", { class: "charts" });
  for (const name of names) {
    const of_run = losses.filter((series) => series.name === name);
    const lines = () => of_run.map((series) => ({
      name: other ? series.run.name : name, color: kRunColors[series.number],
      xs: series.steps, ys: smooth(series.values, weight), raw: series.values,
      lows: other ? undefined : series.lows, highs: other ? undefined : series.highs,
    }));
    const chart = line_chart({
      label: name === "loss" ? "loss, the weighted sum" : name, x: { label: "step", format: count },
      y: of_run.every((series) => (series.lows || series.values).every((value) => value === null || value >= 0)) ? { low: 0 } : {},
      lines: lines(), describe: describe_series(of_run),
    });
    smoothed.push(() => chart.update({ lines: lines() }));
    grid.append(chart.node);
  }
  if (names.length === 0) return;
  folded.append(element("p", { class: "note" }, "Lines are smoothed; behind them is what was logged" +
    (spans ? ", long runs as the mean" + (other ? "" : " and the range") + " of equal spans." : ".")),
    element("p", { class: "control" }, element("label", { for: "smoothing" }, "Smoothing"), slider), grid);
}

/** A chart in words. */
function describe_series(list) {
  return list.map((series) => {
    const last = series.values.length - 1;
    return `${series.name} of ${series.run.name || "the run"}: from ${short(series.values[0])} to ` +
      `${short(series.values[last])} at step ${count(series.steps[last])}.`;
  }).join(" ");
}

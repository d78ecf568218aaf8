// The final numbers, and what happened over the steps of training.

const kRunColors = ["--c0", "--c1"];

/** Metrics whose meaning is plain enough for the top of the page, the most telling first. */
const kHeadline = ["recall@1", "map@r", "r_precision", "mrr", "accuracy_mean", "auc", "eer"];

function show_numbers(data) {
  const [run, other] = data.runs;
  if (!run || run.numbers.length === 0) return;
  const node = section("numbers", "Final numbers", run.numbers_of ? `${other ? run.name + ", measured" : "Measured"} on ${run.numbers_of}.` : "");
  const headline = kHeadline.map((name) => run.numbers.find((row) => row[0] === name)).filter(Boolean).slice(0, 4);
  const others = new Map((other ? other.numbers : []).map((row) => [row[0], row]));
  node.append(element("dl", { class: "headline" }, ...headline.map(([name, value, low, high]) => {
    const beside = others.get(name);
    return element("div", {}, element("dt", {}, name), element("dd", {}, metric(value),
      low !== null ? element("small", {}, `${metric(low)} to ${metric(high)}`) : null,
      beside ? element("small", {}, `${other.name}: ${metric(beside[1])}`) : null));
  })));
  node.append(element("details", { class: "more", open: Boolean(other) },
    element("summary", {}, other ? "Both runs side by side" : "All numbers"), numbers_table(run, other, others)));
}

function numbers_table(run, other, others) {
  const interval = ([, , low, high]) => (low === null ? "–" : `${metric(low)} to ${metric(high)}`);
  const with_intervals = run.numbers.some((row) => row[2] !== null);
  const heads = ["metric", run.name || "value"];
  if (with_intervals) heads.push("95 % interval");
  if (other) heads.push(other.name, ...(with_intervals ? ["95 % interval"] : []), "difference");
  const rows = run.numbers.map((row) => {
    const cells = [metric(row[1])];
    if (with_intervals) cells.push(interval(row));
    if (other) {
      const beside = others.get(row[0]);
      cells.push(beside ? metric(beside[1]) : "–");
      if (with_intervals) cells.push(beside ? interval(beside) : "–");
      const gap = beside ? beside[1] - row[1] : null;
      cells.push(gap === null ? "–" : (gap < 0 ? "−" : "+") + Math.abs(gap).toFixed(4));
    }
    return element("tr", {}, element("th", { scope: "row" }, row[0]), ...cells.map((text) => element("td", {}, text)));
  });
  return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "All numbers" },
    element("table", { class: "numbers" },
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows)));
}

function show_training(data) {
  const all = data.runs.flatMap((run, number) => run.series.map((series) => Object.assign({ run, number }, series)));
  if (all.length === 0) return;
  const [run, other] = data.runs;
  const spans = all.some((series) => series.spans_of);
  const node = section("training", "Training", "Lines are smoothed; what lies behind them is what was logged" +
    (spans ? ", long runs as the mean" + (other ? "" : " and the range") + " of equal spans." : "."));

  const smoothed = [];
  let weight = 0.8;
  const slider = element("input", {
    type: "range", id: "smoothing", min: "0", max: "0.98", step: "0.02", value: String(weight),
    oninput: (event) => {
      weight = Number(event.target.value);
      smoothed.forEach((again) => again());
    },
  });

  const series_named = (name) => all.filter((series) => series.name === name && series.chart === "loss");
  const names = [...new Set(all.filter((series) => series.chart === "loss").map((series) => series.name))];
  const grid = element("div", { class: "charts" });
  for (const name of names) {
    const of_run = series_named(name);
    const lines = () => of_run.map((series) => ({
      name: other ? series.run.name : name, color: kRunColors[series.number], dash: series.number > 0,
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
  if (names.length > 0) {
    node.append(element("p", { class: "control" }, element("label", { for: "smoothing" }, "Smoothing"), slider));
  }
  node.append(grid);

  const evaluations = all.filter((series) => series.chart === "evaluation");
  const tail = element("div", { class: "charts" });
  if (evaluations.length > 0) {
    const colors = ["--c0", "--c1", "--c2", "--c3"];
    const kinds = [...new Set(evaluations.map((series) => series.name))];
    tail.append(line_chart({
      label: "Retrieval over time", x: { label: "step", format: count }, y: { reading: metric, high: 1 },
      lines: evaluations.map((series) => ({
        name: series.name + (other ? ", " + series.run.name : ""), color: colors[kinds.indexOf(series.name) % 4],
        dash: series.number > 0, dots: true, xs: series.steps, ys: series.values,
      })),
      marks: run.kept_step !== null ? [{ x: run.kept_step, name: "kept" }] : [],
      describe: describe_series(evaluations),
    }).node);
  }
  const rates = all.filter((series) => series.chart === "learning_rate");
  if (rates.length > 0) {
    tail.append(line_chart({
      label: "Learning rate", x: { label: "step", format: count }, y: { low: 0 },
      lines: rates.map((series) => ({
        name: other ? series.run.name : series.name, color: kRunColors[series.number], dash: series.number > 0,
        xs: series.steps, ys: series.values,
      })),
      describe: describe_series(rates),
    }).node);
  }
  node.append(tail);
}

/** A chart in words. */
function describe_series(list) {
  return list.map((series) => {
    const last = series.values.length - 1;
    return `${series.name} of ${series.run.name || "the run"}: from ${short(series.values[0])} to ` +
      `${short(series.values[last])} at step ${count(series.steps[last])}.`;
  }).join(" ");
}

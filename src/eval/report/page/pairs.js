// Scores of pairs: how far apart same and different pairs lie, the rates at each threshold, the worst mistakes.

function show_pairs(data, samples) {
  const pairs = data.pairs;
  if (!pairs) return;
  const node = section("pairs", "Same or different",
    `Two samples are taken for one class when their ${pairs.score} is above a threshold. Counted: ${pairs.note}.`);
  const charts = element("div", { class: "charts" });
  charts.append(score_histogram(pairs));
  if (pairs.roc.length > 1) charts.append(rates_chart(pairs));
  node.append(charts);
  if (pairs.numbers.length > 0) {
    node.append(element("dl", { class: "facts" }, ...pairs.numbers.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, metric(value))))));
  }
  const mistakes = element("div", { class: "mistakes" });
  const list = (title, explanation, rows) => {
    if (rows.length === 0) return;
    mistakes.append(element("div", {}, element("h3", {}, title), element("p", { class: "note" }, explanation),
      element("ul", { class: "pairs" }, ...rows.map((row) => pair_item(row, samples)))));
  };
  list("Hardest false accepts", "Different classes, highest scores.", pairs.false_accepts);
  list("Hardest false rejects", "The same class, lowest scores.", pairs.false_rejects);
  node.append(mistakes);
}

/** Both kinds as shares of their own number, so that they can be compared. */
function score_histogram(pairs) {
  const bins = pairs.same.length;
  const outline = (counts, total) => {
    const xs = [pairs.low];
    const ys = [0];
    counts.forEach((value, i) => {
      const edge = (j) => pairs.low + ((pairs.high - pairs.low) * j) / bins;
      xs.push(edge(i), edge(i + 1));
      ys.push(value / total, value / total);
    });
    xs.push(pairs.high);
    ys.push(0);
    return { xs, ys, lows: xs.map(() => 0), highs: ys };
  };
  const middle = (counts) => {
    let left = counts.reduce((sum, value) => sum + value, 0) / 2;
    const place = counts.findIndex((value) => (left -= value) <= 0);
    return short(pairs.low + ((pairs.high - pairs.low) * (place + 0.5)) / bins);
  };
  const lines = [];
  const names = [];
  for (const [name, color, counts, total] of [["two classes", "--c1", pairs.different, pairs.different_total],
    ["one class", "--c0", pairs.same, pairs.same_total]]) {
    if (total === 0) continue;
    const line = Object.assign({ name, color }, outline(counts, total));
    const peak = line.ys.indexOf(Math.max(...line.ys));
    const near_end = line.xs[peak] > pairs.low + 0.7 * (pairs.high - pairs.low);
    lines.push(line);
    names.push({ x: line.xs[peak], y: line.ys[peak], text: name, color, anchor: near_end ? "end" : "middle" });
  }
  return line_chart({
    label: "Scores within and between classes", height: 260, x: { label: pairs.score, low: pairs.low, high: pairs.high },
    y: { low: 0, format: (value) => percent(value).replace(".0", "") }, lines, names,
    describe: (pairs.same_total ? `Half of the pairs of one class score above ${middle(pairs.same)}. ` : "") +
      (pairs.different_total ? `Half of the pairs of two classes score above ${middle(pairs.different)}.` : ""),
  }).node;
}

function rates_chart(pairs) {
  const least = 1 / pairs.different_total;
  const xs = pairs.roc.map((point) => point[0]);
  const ys = pairs.roc.map((point) => point[1]);
  const number = (name) => (pairs.numbers.find((row) => row[0] === name) || [name, NaN])[1];
  const axis = (log) => {
    const from = log ? xs.findIndex((value) => value >= least * 0.999) : 0;
    return {
      x: { label: "false accept rate", log, low: log ? Math.max(least, 1e-6) : 0, high: 1, format: short },
      lines: [{ name: "true accept rate", color: "--c0", xs: xs.slice(from), ys: ys.slice(from) }],
    };
  };
  const chart = line_chart(Object.assign({
    label: "Accepted rightly by accepted falsely (ROC)", height: 260, y: { low: 0, high: 1, reading: metric },
    describe: `Area ${metric(number("auc"))}, equal error rate ${metric(number("eer"))}.`,
  }, axis(true)));
  chart.node.querySelector("figcaption").append(
    choice("False accept axis", [[true, "log"], [false, "linear"]], true, (log) => chart.update(axis(log))));
  return chart.node;
}

function pair_item([first, second, score], samples) {
  const same = samples.class_name(first) === samples.class_name(second);
  return element("li", {},
    samples.pictured > 0 ? element("span", { class: "two" }, samples.picture(first, 56), samples.picture(second, 56)) : null,
    element("p", {}, element("b", { class: "score" }, score_text(score)),
      element("span", {}, samples.title(first)), same && samples.pictured > 0 ? null : element("span", {}, samples.title(second))));
}

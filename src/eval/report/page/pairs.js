// Same or different: one threshold that can be dragged, with what it does to all pairs and to some that are near it.

const kNearPairs = 3;

function show_pairs(data, samples) {
  const pairs = data.pairs;
  if (!pairs) return;
  const node = section("pairs", "Same or different",
    `Two samples are taken for the same class when their ${pairs.score} is above a threshold. Drag it: in the chart, or with the slider. Counted: ${pairs.note}.`);
  node.append(threshold_part(pairs, samples));
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
  list("Hardest false accepts", "Different, yet with the highest scores.", pairs.false_accepts);
  list("Hardest false rejects", "Same, yet with the lowest scores.", pairs.false_rejects);
  if (mistakes.childElementCount > 0) node.append(mistakes);
}

/** The place in rates (by falling threshold) that is nearest to a threshold. */
function rate_at(rates, threshold) {
  let best = 0;
  rates.forEach((rate, i) => {
    if (Math.abs(rate[0] - threshold) < Math.abs(rates[best][0] - threshold)) best = i;
  });
  return best;
}

function threshold_part(pairs, samples) {
  const rates = pairs.rates.filter((rate) => rate[0] !== null);
  const presets = pairs.thresholds.filter(([, value]) => value !== null);
  const last = rates.length - 1;
  let current = presets.length > 0 ? rate_at(rates, presets[0][1]) : last >> 1;

  const value_node = element("output", { id: "threshold-value", for: "threshold" });
  const slider = element("input", {
    type: "range", id: "threshold", min: "0", max: String(last), step: "1", oninput: () => show(last - Number(slider.value)),
  });
  const histogram = score_histogram(pairs, (value) => show(rate_at(rates, value)));
  const roc = pairs.same_total > 0 && pairs.different_total > 0 ? rates_chart(pairs, rates) : null;
  const cells = ["same", "different"].flatMap((kind) => [true, false].map((above) => threshold_cell(kind, above, pairs, samples)));

  function show(place) {
    current = Math.min(last, Math.max(0, place));
    const [threshold, different, same] = rates[current];
    slider.value = String(last - current);
    slider.setAttribute("aria-valuetext", `threshold ${threshold_text(threshold)}`);
    value_node.textContent = threshold_text(threshold);
    histogram.mark(threshold);
    if (roc) roc.mark(different, same);
    cells.forEach((cell) => cell.show(threshold, different, same));
  }
  const part = element("div", { class: "threshold" },
    element("div", { class: "threshold-line" },
      element("p", { class: "control" }, element("label", { for: "threshold" }, "Threshold"), value_node, slider),
      element("div", { class: "controls" }, ...presets.map(([name, value]) => element("button", {
        type: "button", onclick: () => show(rate_at(rates, value)),
      }, name)))),
    element("div", { class: "charts" }, histogram.node, roc ? roc.node : null),
    element("div", { class: "cells" }, ...cells.map((cell) => cell.node)));
  show(current);
  return part;
}

function threshold_text(value) {
  return (Math.abs(value) >= 100 ? short(value) : value.toFixed(3)).replace("-", "−");
}

/** One of four: same or different pairs, above or below the threshold, with those nearest to it. */
function threshold_cell(kind, above, pairs, samples) {
  const same = kind === "same";
  const right = same === above;
  const total = same ? pairs.same_total : pairs.different_total;
  const examples = same ? pairs.same_examples : pairs.different_examples;
  const title = same ? (above ? "Same, accepted" : "Same, missed") : above ? "Different, accepted" : "Different, rejected";
  const number = element("b", {});
  const share = element("span", { class: "score" });
  const list = element("ul", { class: "pairs" });
  const node = element("div", { class: `cell-of-four ${right ? "right" : "wrong"}`, "data-cell": `${kind}-${above ? "above" : "below"}` },
    element("h3", {}, element("span", { "aria-hidden": "true" }, right ? "✓ " : "✗ "), title), element("p", { class: "cell-count" }, number, share), list);
  let shown = "";
  return {
    node,
    show(threshold, different_above, same_above) {
      const over = same ? same_above : different_above;
      const here = above ? over : total - over;
      number.textContent = count(here);
      share.textContent = total > 0 ? ` of ${count(total)} · ${small_percent(here / total)}` : "";
      const near = examples.filter(([, , score]) => score > threshold === above)
        .sort((a, b) => Math.abs(a[2] - threshold) - Math.abs(b[2] - threshold)).slice(0, kNearPairs);
      const key = near.map((row) => row.join()).join(";");
      if (key === shown) return;
      shown = key;
      list.replaceChildren(...near.map((row) => pair_item(row, samples)));
    },
  };
}

/** Both kinds as shares of their own number, so that they can be compared. */
function score_histogram(pairs, onmove) {
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
  for (const [name, color, counts, total] of [["different", "--different", pairs.different, pairs.different_total],
    ["same", "--same", pairs.same, pairs.same_total]]) {
    if (total > 0) lines.push(Object.assign({ name, color }, outline(counts, total)));
  }
  const chart = line_chart({
    label: "Scores of same and different pairs", height: 260, x: { label: pairs.score, low: pairs.low, high: pairs.high },
    y: { low: 0, format: (value) => percent(value).replace(".0", "") }, lines, onmove,
    describe: (pairs.same_total ? `Half of the same pairs score above ${middle(pairs.same)}. ` : "") +
      (pairs.different_total ? `Half of the different pairs score above ${middle(pairs.different)}.` : ""),
  });
  chart.node.classList.add("draggable");
  return {
    node: chart.node,
    mark: (threshold) => chart.update({ marks: [{ x: threshold, name: threshold_text(threshold), kind: "threshold" }] }),
  };
}

function rates_chart(pairs, rates) {
  const least = 1 / pairs.different_total;
  const xs = rates.map((rate) => rate[1] / pairs.different_total);
  const ys = rates.map((rate) => rate[2] / pairs.same_total);
  const number = (name) => (pairs.numbers.find((row) => row[0] === name) || [name, NaN])[1];
  let log = least < 0.01;
  let marked = [0, 0];
  const axis = () => {
    const from = log ? Math.max(0, xs.findIndex((value) => value >= least * 0.999)) : 0;
    const low = log ? Math.max(least, 1e-6) : 0;
    const [far, tar] = marked;
    return {
      x: { label: "different pairs accepted (share)", log, low, high: 1, format: short },
      lines: [{ name: "same pairs accepted", color: "--same", xs: xs.slice(from), ys: ys.slice(from) }],
      points: [{ x: Math.max(far, low), y: tar, color: "--text" }],
    };
  };
  const chart = line_chart(Object.assign({
    label: "Same pairs accepted, by different pairs accepted (ROC)", height: 260, y: { low: 0, high: 1, reading: metric },
    describe: `Area ${metric(number("auc"))}, equal error rate ${metric(number("eer"))}.`,
  }, axis()));
  chart.node.querySelector("figcaption").append(
    choice("Axis of different pairs accepted", [[true, "log"], [false, "linear"]], log, (wanted) => {
      log = wanted;
      chart.update(axis());
    }));
  return {
    node: chart.node,
    mark(different, same) {
      marked = [different / pairs.different_total, same / pairs.same_total];
      chart.update(axis());
    },
  };
}

function pair_item([first, second, score], samples) {
  const one = samples.title(first) === samples.title(second);
  return element("li", {},
    element("span", { class: "two" }, samples.picture(first, 64), samples.picture(second, 64)),
    element("p", {}, element("b", { class: "score" }, score_text(score)),
      element("span", { class: "clip", title: samples.title(first) }, ...name_text(samples.title(first))),
      one ? null : element("span", { class: "clip", title: samples.title(second) }, ...name_text(samples.title(second)))));
}

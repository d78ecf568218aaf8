// The first screen: how well it does beside what needs no training, and what that looks like.

const kRunColors = ["--run0", "--run1"];

/** Metrics whose meaning is plain enough for the top of the page, the most telling first. */
const kHeadline = ["recall@1", "accuracy_mean", "accuracy_best", "auc", "eer", "map@r", "r_precision", "mrr"];
const kQueryNeighbors = 5;

function show_numbers(data, samples) {
  const [run, other] = data.runs;
  if (!run || run.numbers.length === 0) return;
  const of = (run.numbers_of || "").replace(/\b\d{4,}\b/g, count);  // commands count without commas
  const measured = of ? `${other ? run.name + ", measured" : "Measured"} on ${of}.` : "";
  const node = section("numbers", "At a glance", measured);
  const others = new Map((other ? other.numbers : []).map((row) => [row[0], row]));
  const all = element("details", { class: "more" },
    element("summary", {}, other ? "All numbers, side by side" : "All numbers"), numbers_table(run, other, others));
  const left = element("div", { class: "glance" }, headline(data), ...tie_note(data), other ? null : all);
  const gallery = ranks_gallery(data, samples) || pairs_gallery(data, samples);
  node.append(gallery ? element("div", { class: "first" }, left, gallery) : left);
  if (other) node.append(all);
}

function number_of(run, name) {
  return run.numbers.find((row) => row[0] === name);
}

/** The most telling number, large, and bars of it beside what needs no training. */
function headline(data) {
  const names = kHeadline.filter((name) => number_of(data.runs[0], name));
  if (names.length === 0) return element("div", {});
  const main = names[0];
  const bars = [];
  data.runs.forEach((run, i) => {
    const row = number_of(run, main);
    if (row) bars.push({ name: run.name || "this run", value: row[1], color: kRunColors[i] });
  });
  const [run] = data.runs;
  if (main === "recall@1") {
    for (const [name, value] of run.baselines || []) bars.push({ name, value, color: "--baseline" });
    const chance = data.retrieval && data.retrieval.chance;
    if (chance !== null && chance !== undefined) bars.push({ name: "chance", value: chance, color: "--baseline" });
  } else if (main.startsWith("accuracy")) {
    const base = number_of(run, "base_rate") || [null, data.pairs ? Math.max(data.pairs.same_total, data.pairs.different_total) /
      Math.max(1, data.pairs.same_total + data.pairs.different_total) : null];
    if (base[1] !== null) bars.push({ name: "one answer for all pairs", value: base[1], color: "--baseline" });
  }
  const [, value, low, high] = number_of(run, main);
  return element("div", {},
    element("p", { class: "main-number" }, element("span", { class: "main-name" }, main),
      element("b", { "data-number": main }, metric(value)),
      low !== null ? element("small", {}, `95 % interval ${metric(low)} to ${metric(high)}`) : null),
    element("p", { class: "note" }, kMeanings[main] || ""),
    bars.length > 1 ? value_bars(bars) : null,
    element("dl", { class: "facts" }, ...names.slice(1, 5).map((name) => element("div", {},
      element("dt", {}, name), ...data.runs.map((one, i) => {
        const row = number_of(one, name);
        return row ? element("dd", data.runs.length > 1 ? { class: "of-run", style: `--swatch:var(${kRunColors[i]})` } : { "data-number": name },
          metric(row[1])) : null;
      })))));
}

/** [{name, value, color}] as bars from 0 to 1. */
function value_bars(bars) {
  return element("ul", { class: "bars" }, ...bars.map((bar) => element("li", {},
    element("span", { class: "bar-name" }, bar.name), element("span", { class: "bar-value" }, metric(bar.value)),
    element("span", { class: "bar-track", "aria-hidden": "true" },
      element("span", { style: `width:${Math.max(0.3, 100 * Math.min(1, Math.max(0, bar.value)))}%;background:var(${bar.color})` })))));
}

const kMeanings = {
  "recall@1": "How often the nearest other sample is of the same class.",
  accuracy_mean: "Pairs judged right, by a threshold from the other folds.",
  accuracy_best: "Pairs judged right by the one threshold that is best for them all.",
  auc: "How often a same pair scores above a different one.",
};

function tie_note(data) {
  const retrieval = data.retrieval;
  if (!retrieval || !retrieval.tied) return [];
  return [element("p", { class: "notice", role: "note" },
    `${plural(retrieval.tied, "query", "queries")} of ${count(retrieval.asked)} ${retrieval.tied === 1 ? "has" : "have"} other classes exactly as near as their own: ` +
    "the numbers are means over the orders of the tied.")];
}

/** Queries from hard to easy, at even ranks: what the number looks like. */
function ranks_gallery(data, samples) {
  const queries = data.retrieval ? data.retrieval.queries.filter((query) => query.group === "ranks") : [];
  if (queries.length === 0) return null;
  return element("div", { class: "ranks" },
    element("h3", {}, data.runs.length > 1 ? `Six queries of ${data.runs[0].name}, from hard to easy` : "Six queries, from hard to easy",
      element("small", {}, " · each with its five nearest")),
    ...queries.map((query) => query_row(query, data.retrieval, samples, kQueryNeighbors)));
}

/** Of pairs alone: some of either kind over all scores, and whether a threshold judges them right. */
function pairs_gallery(data, samples) {
  const pairs = data.pairs;
  if (!pairs || pairs.thresholds.length === 0 || samples.count === 0) return null;
  const [, threshold] = pairs.thresholds[0];
  const kind = (title, examples, same) => {
    const places = [...new Set([0.1, 0.3, 0.5, 0.7, 0.9].map((share) => Math.floor(share * examples.length)))];
    return element("div", {}, element("h3", {}, title), ...places.filter((place) => place < examples.length).map((place) => {
      const [first, second, score] = examples[place];
      const right = score > threshold === same;
      return element("div", { class: "pair-row " + (right ? "right" : "wrong") },
        element("span", { class: "two" }, samples.picture(first, 96), samples.picture(second, 96)),
        element("span", { class: "score" }, (right ? "✓ " : "✗ ") + score_text(score)));
    }));
  };
  return element("div", { class: "pairs-first" }, kind("Same", pairs.same_examples, true), kind("Different", pairs.different_examples, false),
    element("p", { class: "note" }, `From alike to unlike; ✓ is judged right at ${threshold_text(threshold)} (${pairs.thresholds[0][0]}).`));
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
    return element("tr", {}, element("th", { scope: "row" }, row[0]),
      ...cells.map((text, i) => element("td", i === 0 ? { "data-metric": row[0] } : {}, text)));
  });
  return scroll_table("All numbers", element("table", { class: "numbers" },
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows)));
}

function scroll_table(label, table) {
  return element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

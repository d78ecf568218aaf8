// Recall by the number of neighbours looked at, and queries with their neighbours.

const kGroupNames = { worst: "Worst queries", median: "Middling queries", best: "Best queries" };

function show_retrieval(data, samples) {
  const retrieval = data.retrieval;
  if (!retrieval) return;
  const node = section("retrieval", "Queries", "Each sample is searched among the others: a green frame is of its class, a dashed red one is not.");
  for (const group of ["worst", "median", "best"]) {
    const queries = retrieval.queries.filter((query) => query.group === group);
    if (queries.length === 0) continue;
    node.append(element("details", { class: "more", open: group === "worst" },
      element("summary", {}, kGroupNames[group] + " by " + retrieval.metric),
      ...queries.map((query) => query_row(query, retrieval, samples, 10))));
  }
  if (retrieval.recall.length > 1) {
    const last = retrieval.recall.length - 1;
    node.append(line_chart({
      label: "Is one of its class among the first k?", height: 220,
      x: { label: "k, neighbours looked at", log: retrieval.recall_at[last] > 10, format: count },
      y: { reading: metric, high: 1 },
      lines: [{ name: "recall@k", color: "--run0", xs: retrieval.recall_at, ys: retrieval.recall, dots: true }],
      describe: retrieval.recall_at.map((k, i) => `recall@${k} ${metric(retrieval.recall[i])}`).join(", ") + ".",
    }).node);
  }
}

/** A query and its first neighbours; a mark and a frame say which are right. */
function query_row(query, retrieval, samples, most) {
  const neighbors = query.neighbors.slice(0, most).map(([sample, score, right]) => {
    const words = `${right ? "right" : "wrong"}: ${samples.title(sample)}, ${retrieval.score} ${score_text(score)}`;
    return element("li", { class: right ? "right" : "wrong" },
      samples.picture(sample, 0, words),
      element("span", { class: "score", "aria-hidden": "true" }, (right ? "✓ " : "✗ ") + score.toFixed(2).replace("-", "−")));
  });
  return element("div", { class: "query", style: `--most:${most}` },
    element("div", { class: "asked" }, samples.picture(query.sample, 0),
      !samples.has_picture(query.sample) ? null : element("p", { class: "clip", title: samples.title(query.sample) }, ...name_text(samples.title(query.sample)))),
    element("ol", { class: "neighbors" }, ...neighbors));
}

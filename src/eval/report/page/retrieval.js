// Recall by the number of neighbours looked at, and queries with their neighbours.

const kGroupNames = { worst: "Worst queries", median: "Middling queries", best: "Best queries" };

function show_retrieval(data, samples) {
  const retrieval = data.retrieval;
  if (!retrieval) return;
  const node = section("retrieval", "Retrieval", "Each sample is searched among the others: is one of its class among the first k?");
  if (retrieval.recall.length > 1) {
    const last = retrieval.recall.length - 1;
    node.append(line_chart({
      label: "recall@k", height: 240,
      x: { label: "k, neighbours looked at", log: retrieval.recall_at[last] > 10, format: count },
      y: { reading: metric, high: 1 },
      lines: [{ name: "recall", color: "--c0", xs: retrieval.recall_at, ys: retrieval.recall, dots: true }],
      describe: retrieval.recall_at.map((k, i) => `recall@${k} ${metric(retrieval.recall[i])}`).join(", ") + ".",
    }).node);
  }
  for (const group of ["worst", "median", "best"]) {
    const queries = retrieval.queries.filter((query) => query.group === group);
    if (queries.length === 0) continue;
    node.append(element("h3", {}, kGroupNames[group], element("small", {}, " by " + retrieval.metric)),
      ...queries.map((query) => query_row(query, retrieval, samples)));
  }
  node.append(element("p", { class: "note" },
    `A query with its nearest neighbours, nearest first; below each the ${retrieval.score}. ` +
    "✓ with a solid frame is of the query's class, ✗ with a dashed one is not."));
}

function query_row(query, retrieval, samples) {
  const neighbors = query.neighbors.map(([sample, score, right]) => {
    const words = `${right ? "right" : "wrong"}: ${samples.title(sample)}, ${retrieval.score} ${score_text(score)}`;
    return element("li", { class: right ? "right" : "wrong", title: words },
      samples.picture(sample, 48, words),
      element("span", { class: "score" }, element("span", { "aria-hidden": "true" }, right ? "✓ " : "✗ "), score.toFixed(2).replace("-", "−")),
      samples.pictured === 0 ? element("span", { class: "path" }, samples.title(sample)) : null);
  });
  return element("div", { class: "query" },
    element("div", { class: "asked" }, samples.picture(query.sample, 56),
      element("p", {}, element("b", {}, samples.title(query.sample)),
        samples.name(query.sample) && samples.pictured === 0 ? element("span", { class: "path" }, samples.name(query.sample)) : null,
        element("span", { class: "score" }, `${retrieval.metric} ${metric(query.value)}`))),
    element("ol", { class: "neighbors" }, ...neighbors));
}

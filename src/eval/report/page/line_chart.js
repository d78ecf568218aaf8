// A chart of lines in SVG, drawn anew for its width. The pointer, or the arrow keys, read values off.

/**
 * options: {label, height, x: {label, log, low, high, format}, y: {label, low, high, format},
 *           lines: [{name, xs, ys, color, dash, lows, highs, raw, dots}], marks: [{x, name}],
 *           points: [{x, y, color}], onmove(x), describe}
 * `color` is a CSS variable. `raw` (values as they were) and lows..highs stand behind a line. `onmove` hears where the pointer drags.
 * Returns {node, update(options)}.
 */
function line_chart(options) {
  const node = element("figure", { class: "chart" });
  const caption = element("figcaption", {}, options.label);
  const place = element("div", { class: "chart-place" });
  const reading = element("p", { class: "reading", "aria-live": "polite" });
  node.append(caption, place, reading);
  let drawn_width = 0;
  let frame = null;
  const draw = () => {
    drawn_width = place.clientWidth;
    if (drawn_width > 0) frame = draw_lines(place, reading, options, drawn_width);
  };
  if (options.onmove) drag_along(place, () => frame, options.onmove);
  new ResizeObserver(() => {
    if (place.clientWidth !== drawn_width) draw();
  }).observe(place);
  return {
    node,
    update(changes) {
      options = Object.assign({}, options, changes);
      draw();
    },
  };
}

/** Tells the value on the x axis while a pointer is down; the chart is drawn anew meanwhile. */
function drag_along(place, frame, onmove) {
  let down = false;
  const tell = (event) => {
    const box = place.getBoundingClientRect();
    if (frame()) onmove(frame().x.invert(((event.clientX - box.left) / box.width) * frame().width));
  };
  place.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down = true;
    place.setPointerCapture(event.pointerId);
    tell(event);
  });
  place.addEventListener("pointermove", (event) => down && tell(event));
  for (const end of ["pointerup", "pointercancel"]) place.addEventListener(end, () => (down = false));
}

function chart_path(xs, ys, x, y) {
  let path = "";
  let pen = false;
  for (let i = 0; i < xs.length; ++i) {
    if (ys[i] === null) {
      pen = false;
      continue;
    }
    path += (pen ? "L" : "M") + x(xs[i]).toFixed(1) + " " + y(ys[i]).toFixed(1);
    pen = true;
  }
  return path;
}

function draw_lines(place, reading, options, width) {
  const height = options.height || 220;
  const margin = { left: 48, right: 14, top: 10, bottom: 36 };
  const lines = options.lines;
  const [x_low, x_high] = extent(lines.map((line) => line.xs));
  const [y_low, y_high] = extent(lines.flatMap((line) => [line.ys, line.lows || [], line.highs || [], line.raw || []]));
  const room = 0.04 * (y_high - y_low);  // so that no line runs along the edge
  const pick = (wanted, found) => (wanted === undefined ? found : wanted);
  const x = (options.x.log ? log_scale : linear_scale)(
    pick(options.x.low, x_low), pick(options.x.high, x_high), margin.left, width - margin.right);
  const y = linear_scale(pick(options.y.low, y_low - room), pick(options.y.high, y_high + room), height - margin.bottom, margin.top);
  const x_text = options.x.format || short;
  const y_text = options.y.format || short;

  const svg = drawn("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, tabindex: "0", role: "img",
    "aria-label": options.label + ". " + options.describe + " Arrow keys read values.",
  });
  const axes = drawn("g", { class: "axes", "aria-hidden": "true" });
  for (const tick of y.ticks(5)) {
    axes.append(
      drawn("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }),
      drawn("text", { x: margin.left - 8, y: y(tick) + 4, "text-anchor": "end" }, y_text(tick)));
  }
  const ticks = x.ticks(Math.max(2, Math.floor(width / 75)));
  for (const tick of ticks) {
    const at_end = x(tick) + 3.5 * x_text(tick).length > width;  // a long number would leave the page
    axes.append(
      drawn("line", { class: "tick", x1: x(tick), x2: x(tick), y1: height - margin.bottom, y2: height - margin.bottom + 4 }),
      drawn("text", { x: at_end ? width - 1 : x(tick), y: height - margin.bottom + 17, "text-anchor": at_end ? "end" : "middle" }, x_text(tick)));
  }
  axes.append(
    drawn("line", { class: "base", x1: margin.left, x2: width - margin.right, y1: height - margin.bottom, y2: height - margin.bottom }),
    drawn("text", { class: "axis-name", x: width - margin.right, y: height - 3, "text-anchor": "end" }, options.x.label));
  svg.append(axes);
  for (const line of lines) {
    const stroke = `stroke: var(${line.color})`;
    if (line.lows) {
      const back = chart_path(line.xs.slice().reverse(), line.lows.slice().reverse(), x, y).replace("M", "L");
      svg.append(drawn("path", { class: "band", style: `fill: var(${line.color})`, d: chart_path(line.xs, line.highs, x, y) + back + "Z" }));
    }
    if (line.raw) svg.append(drawn("path", { class: "raw", style: stroke, d: chart_path(line.xs, line.raw, x, y) }));
    svg.append(drawn("path", { class: "line" + (line.dash ? " dash" : ""), style: stroke, d: chart_path(line.xs, line.ys, x, y) }));
    if (line.dots) {
      for (let i = 0; i < line.xs.length; ++i) {
        svg.append(drawn("circle", { class: "dot", style: `fill: var(${line.dash ? "--ground" : line.color}); stroke: var(${line.color})`, cx: x(line.xs[i]), cy: y(line.ys[i]), r: 3 }));
      }
    }
  }
  for (const mark of options.marks || []) {
    const end = x(mark.x) > width / 2;
    const kind = mark.kind || "mark";
    svg.append(drawn("line", { class: kind, x1: x(mark.x), x2: x(mark.x), y1: margin.top, y2: height - margin.bottom }),
      drawn("text", { class: kind + "-name", x: x(mark.x) + (end ? -7 : 7), y: margin.top + 10, "text-anchor": end ? "end" : "start" }, mark.name));
    if (kind === "threshold") svg.append(drawn("circle", { class: "handle", cx: x(mark.x), cy: height - margin.bottom, r: 7 }));
  }
  for (const point of options.points || []) {
    svg.append(drawn("circle", { class: "ring", style: `stroke: var(${point.color})`, cx: x(point.x), cy: y(point.y), r: 6 }));
  }
  const frame = { x, y, margin, height, width, x_text, y_text };
  add_reading(svg, reading, options, frame);
  place.replaceChildren(svg);
  if (!reading.textContent) reading.replaceChildren(...legend(lines, null, y_text));
  return frame;
}

/** One entry a line: its mark, its name, and the value at `at` (index by line) if there is one. */
function legend(lines, at, y_text) {
  if (lines.length === 1 && !at) return [];
  return lines.map((line, i) => element("span", { class: "legend-entry" },
    element("span", { class: "swatch" + (line.dash ? " dash" : ""), style: `--swatch: var(${line.color})` }),
    line.name, at ? element("b", {}, " " + y_text(line.ys[at[i]])) : null));
}

function add_reading(svg, reading, options, frame) {
  const cursor = drawn("line", { class: "cursor", y1: frame.margin.top, y2: frame.height - frame.margin.bottom, visibility: "hidden" });
  svg.append(cursor);
  const points = options.lines.reduce((longest, line) => (line.xs.length > longest.length ? line.xs : longest), []);
  let current = points.length - 1;
  const show = (value) => {
    const at = options.lines.map((line) => nearest_index(line.xs, value));
    cursor.setAttribute("x1", frame.x(value));
    cursor.setAttribute("x2", frame.x(value));
    cursor.setAttribute("visibility", "visible");
    reading.replaceChildren(
      element("span", { class: "at" }, options.x.label + " " + frame.x_text(value)),
      ...legend(options.lines, at, options.y.reading || frame.y_text));
  };
  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    reading.replaceChildren(...legend(options.lines, null, frame.y_text));
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * frame.width;
    current = nearest_index(points, frame.x.invert(pixel));
    show(points[current]);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.round(points.length / 20));
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -far, PageDown: far, Home: -points.length, End: points.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    current = Math.min(points.length - 1, Math.max(0, current + steps[event.key]));
    show(points[current]);
  });
}

/** The place in the rising list `xs` that is nearest to `value`. */
function nearest_index(xs, value) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= value) low = middle;
    else high = middle;
  }
  return Math.abs(xs[high] - value) < Math.abs(xs[low] - value) ? high : low;
}

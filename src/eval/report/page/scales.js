// From values to pixels, and round numbers for axes.

function linear_scale(low, high, start, end) {
  const span = high - low || 1;
  const scale = (value) => start + ((value - low) / span) * (end - start);
  scale.invert = (pixel) => low + ((pixel - start) / (end - start)) * span;
  scale.ticks = (most) => linear_ticks(low, high, most);
  return scale;
}

function log_scale(low, high, start, end) {
  const inner = linear_scale(Math.log10(low), Math.log10(high), start, end);
  const scale = (value) => inner(Math.log10(Math.max(value, low)));
  scale.invert = (pixel) => Math.pow(10, inner.invert(pixel));
  scale.ticks = (most) => {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first + 1) / most));
    const ticks = [];
    for (let power = first; power <= last; power += step) ticks.push(Math.pow(10, power));
    return ticks;
  };
  return scale;
}

/** Multiples of 1, 2 or 5 times a power of ten within [low, high]. */
function linear_ticks(low, high, most) {
  const rough = (high - low || 1) / most;
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough - 1e-12);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** Least and greatest of all numbers, with room where they are one. */
function extent(lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (value === null || !isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  if (low === high) return [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  return [low, high];
}

/** Exponential moving average that starts unbiased; `weight` in [0, 1) of the past. */
function smooth(values, weight) {
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

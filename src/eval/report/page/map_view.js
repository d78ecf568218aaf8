// The canvas of the map: draws points, finds the one under the pointer, moves and zooms.

const kShapes = 3;
const kColors = 8;

/** Which of the colours and shapes a class has; both repeat when classes are many. */
function class_mark(number) {
  return { color: "--c" + (number % kColors), shape: Math.floor(number / kColors) % kShapes };
}

class MapView {
  /** `onpoint(sample or -1, x, y)` is told what is pointed at. */
  constructor(canvas, samples, onpoint, onpick) {
    this.canvas = canvas;
    this.samples = samples;
    this.onpoint = onpoint;
    this.onpick = onpick;
    this.zoom = 1;
    this.center = [0.5, 0.5];
    this.current = -1;
    this.picked = -1;
    this.drag = null;
    this.groups = this.group_by_mark();
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.listen();
  }

  /** Samples by class, so that each colour is set once. */
  group_by_mark() {
    const groups = new Map();
    for (let i = 0; i < this.samples.count; ++i) {
      const number = this.samples.class_of(i);
      const key = number % (kColors * kShapes);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(i);
    }
    return groups;
  }

  /** plane: {x, y}, whole numbers from 0 to 10000. */
  show(plane) {
    this.plane = plane;
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.center = [0.5, 0.5];
    this.draw();
  }

  zoom_by(factor, x, y) {
    const before = this.at_pixel(x === undefined ? this.width / 2 : x, y === undefined ? this.height / 2 : y);
    this.zoom = Math.min(60, Math.max(1, this.zoom * factor));
    const after = this.at_pixel(x === undefined ? this.width / 2 : x, y === undefined ? this.height / 2 : y);
    this.center = [this.center[0] + before[0] - after[0], this.center[1] + before[1] - after[1]];
    this.keep_inside();
    this.draw();
  }

  keep_inside() {
    this.center = this.center.map((value) => Math.min(1, Math.max(0, value)));
    if (this.zoom === 1) this.center = [0.5, 0.5];
    this.canvas.style.touchAction = this.zoom > 1 ? "none" : "pan-y";
  }

  get scale() {
    return Math.min(this.width, this.height) * 0.94 * this.zoom;
  }

  pixel(i) {
    return [
      this.width / 2 + (this.plane.x[i] / 10000 - this.center[0]) * this.scale,
      this.height / 2 - (this.plane.y[i] / 10000 - this.center[1]) * this.scale,
    ];
  }

  at_pixel(x, y) {
    return [this.center[0] + (x - this.width / 2) / this.scale, this.center[1] - (y - this.height / 2) / this.scale];
  }

  draw() {
    const canvas = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    this.height = canvas.clientHeight;
    if (!this.plane || this.width === 0) return;
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(this.height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const radius = (this.samples.count > 4000 ? 1.9 : this.samples.count > 800 ? 2.6 : 3.6) * Math.min(2, Math.sqrt(this.zoom));
    context.globalAlpha = this.picked >= 0 ? 0.16 : 0.8;
    for (const [key, members] of this.groups) {
      const mark = class_mark(key);
      context.fillStyle = theme_color(mark.color);
      context.beginPath();
      for (const i of members) {
        if (this.samples.class_of(i) !== this.picked) this.trace(context, i, mark.shape, radius);
      }
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.picked >= 0) this.draw_class(context, this.picked, radius * 1.7);
    if (this.current >= 0) this.draw_current(context, radius * 2 + 3);
  }

  trace(context, i, shape, radius) {
    const [x, y] = this.pixel(i);
    if (x < -9 || y < -9 || x > this.width + 9 || y > this.height + 9) return;
    if (shape === 0) {
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 7);
    } else if (shape === 1) {
      context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
    } else {
      context.moveTo(x, y - radius * 1.3);
      context.lineTo(x + radius * 1.2, y + radius * 0.9);
      context.lineTo(x - radius * 1.2, y + radius * 0.9);
      context.closePath();
    }
  }

  draw_class(context, number, radius) {
    const mark = class_mark(number);
    context.fillStyle = theme_color(mark.color);
    context.strokeStyle = theme_color("--text");
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 0; i < this.samples.count; ++i) {
      if (this.samples.class_of(i) === number) this.trace(context, i, mark.shape, radius);
    }
    context.fill();
    context.stroke();
  }

  draw_current(context, radius) {
    const [x, y] = this.pixel(this.current);
    context.strokeStyle = theme_color("--text");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }

  /** The nearest sample within `reach` pixels, or -1. */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    for (let i = 0; i < this.samples.count; ++i) {
      const [px, py] = this.pixel(i);
      const distance = (px - x) * (px - x) + (py - y) * (py - y);
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }

  /** The next sample from the current one in a direction, within 45 degrees of it. */
  next(dx, dy) {
    if (this.current < 0) return this.nearest(this.width / 2, this.height / 2, 1e9);
    const [x, y] = this.pixel(this.current);
    let best = this.current;
    let least = Infinity;
    for (let i = 0; i < this.samples.count; ++i) {
      const [px, py] = this.pixel(i);
      const along = (px - x) * dx + (py - y) * dy;
      const across = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (along <= 0.01 || across > along) continue;
      const distance = along * along + across * across;
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }

  point_at(i) {
    if (i === this.current) return;
    this.current = i;
    this.draw();
    if (i < 0) {
      this.onpoint(-1);
      return;
    }
    const [x, y] = this.pixel(i);
    const box = this.canvas.getBoundingClientRect();
    this.onpoint(i, box.left + x, box.top + y);
  }

  pick(number) {
    this.picked = number;
    this.draw();
  }

  listen() {
    const canvas = this.canvas;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      this.drag = { from: place(event), center: this.center, moved: false };
      if (this.zoom > 1) canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      if (!this.drag || this.zoom === 1) {
        this.point_at(this.nearest(x, y, 14));
        return;
      }
      const [dx, dy] = [x - this.drag.from[0], y - this.drag.from[1]];
      if (Math.abs(dx) + Math.abs(dy) > 4) this.drag.moved = true;
      this.center = [this.drag.center[0] - dx / this.scale, this.drag.center[1] + dy / this.scale];
      this.keep_inside();
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      const moved = this.drag && this.drag.moved;
      this.drag = null;
      if (moved) return;
      const [x, y] = place(event);
      this.point_at(this.nearest(x, y, event.pointerType === "touch" ? 28 : 14));
      this.onpick(this.current >= 0 ? this.samples.class_of(this.current) : -1);
    });
    canvas.addEventListener("pointerleave", (event) => {
      this.drag = null;
      if (event.pointerType !== "touch") this.point_at(-1);
    });
    canvas.addEventListener("blur", () => this.point_at(-1));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;  // else the page scrolls
      event.preventDefault();
      this.zoom_by(Math.exp(-event.deltaY / 200), ...place(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in ways) this.point_at(this.next(...ways[event.key]));
    else if (event.key === "Enter" && this.current >= 0) this.onpick(this.samples.class_of(this.current));
    else if (event.key === "Escape") {
      this.point_at(-1);
      this.onpick(-1);
    } else if (event.key === "+" || event.key === "=") this.zoom_by(1.5);
    else if (event.key === "-") this.zoom_by(1 / 1.5);
    else if (event.key === "0") this.reset();
    else return;
    event.preventDefault();
  }
}

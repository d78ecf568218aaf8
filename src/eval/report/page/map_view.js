// The canvas of the map: draws points, finds the one under the pointer, moves and zooms.

const kMostZoom = 60;

/** Whole numbers in an order that looks drawn, the same each time: who is shown where not all can be. */
function scattered(count) {
  const keys = Float64Array.from({ length: count }, (_, i) => ((Math.imul(i + 1, 2654435761) ^ Math.imul(i + 1, 40503)) >>> 0) * 65536 + i);
  return keys.sort().map((key) => key % 65536);
}

/** The middle of a list that may be reordered. */
function median(values) {
  values.sort((a, b) => a - b);
  return values[values.length >> 1];
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
    this.pictures = samples.pictured > 0;
    this.names = true;
    this.asked = false;    // pictures are unpacked when somebody comes near, or nothing else is to do
    this.boxes = [];       // of the names, as they were drawn
    this.thumbnails = [];  // samples whose pictures were drawn
    this.order = scattered(samples.count);
    this.groups = this.group_by_class();
    new ResizeObserver(() => this.draw()).observe(canvas);
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.unpack());
    observer.observe(canvas);
    this.listen();
  }

  unpack() {
    if (this.asked) return;
    this.asked = true;
    this.draw();
  }

  /** Samples by class, so that each colour is set once. */
  group_by_class() {
    const groups = new Map();
    for (let i = 0; i < this.samples.count; ++i) {
      const number = this.samples.class_of(i);
      if (!groups.has(number)) groups.set(number, []);
      groups.get(number).push(i);
    }
    return groups;
  }

  /** Where each class lies: the middle of its samples, the tightest and largest classes first. */
  find_centers() {
    const centers = [];
    for (const [number, members] of this.groups) {
      if (number < 0) continue;
      const x = median(members.map((i) => this.plane.x[i]));
      const y = median(members.map((i) => this.plane.y[i]));
      const near = members.filter((i) => Math.hypot(this.plane.x[i] - x, this.plane.y[i] - y) < 700).length;
      centers.push({ number, x, y, weight: (near * near) / members.length });
    }
    return centers.sort((a, b) => b.weight - a.weight || a.number - b.number);
  }

  /** plane: {x, y}, whole numbers from 0 to 10000. */
  show(plane) {
    this.plane = plane;
    this.centers = this.find_centers();
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.center = [0.5, 0.5];
    this.draw();
  }

  zoom_by(factor, x, y) {
    const before = this.at_pixel(x === undefined ? this.width / 2 : x, y === undefined ? this.height / 2 : y);
    this.zoom = Math.min(kMostZoom, Math.max(1, this.zoom * factor));
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
    return this.pixel_of(this.plane.x[i], this.plane.y[i]);
  }

  pixel_of(x, y) {
    return [
      this.width / 2 + (x / 10000 - this.center[0]) * this.scale,
      this.height / 2 - (y / 10000 - this.center[1]) * this.scale,
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
    const dark = is_dark();
    context.globalAlpha = this.picked >= 0 ? 0.16 : 0.8;
    for (const [number, members] of this.groups) {
      if (number === this.picked) continue;
      context.fillStyle = class_color(number, dark);
      context.beginPath();
      for (const i of members) this.trace(context, i, radius);
      context.fill();
    }
    context.globalAlpha = 1;
    if (this.picked >= 0) this.draw_class(context, this.picked, radius * 1.7, dark);
    const before = this.thumbnails;
    this.thumbnails = [];
    this.frames = [];  // of the pictures
    if (this.pictures && this.asked) this.draw_pictures(context, dark, before);
    this.boxes = this.names ? this.place_names(context) : [];
    this.draw_names(context);
    if (this.current >= 0) this.draw_current(context, radius * 2 + 3);
  }

  trace(context, i, radius) {
    const [x, y] = this.pixel(i);
    if (x < -9 || y < -9 || x > this.width + 9 || y > this.height + 9) return;
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 7);
  }

  draw_class(context, number, radius, dark) {
    context.fillStyle = class_color(number, dark);
    context.strokeStyle = theme_color("--text");
    context.lineWidth = 1;
    context.beginPath();
    for (const i of this.groups.get(number) || []) this.trace(context, i, radius);
    context.fill();
    context.stroke();
  }

  /** As many as have room: those that were there `before` stay when others come with the zoom. */
  draw_pictures(context, dark, before) {
    const sheets = this.samples.small;
    const first = (this.width < 600 ? 20 : 26) + (this.samples.count < 1500 ? 10 : 0);
    const size = Math.min(72, first + 7 * Math.log2(this.zoom));
    const space = size * (this.zoom < 1.6 ? 1.9 : 1.5);
    const longer = Math.max(sheets.width, sheets.height);
    const [width, height] = [(size * sheets.width) / longer, (size * sheets.height) / longer];
    const cells = new Map();  // of the size of the space: what is near lies in these and their neighbours
    const looked = new Uint8Array(this.samples.count);
    context.lineWidth = 2;
    for (const i of [...before, ...this.order]) {
      if (looked[i]) continue;
      looked[i] = 1;
      if (!this.samples.has_picture(i) || (this.picked >= 0 && this.samples.class_of(i) !== this.picked)) continue;
      const [x, y] = this.pixel(i);
      if (x < size / 2 || y < size / 2 || x > this.width - size / 2 || y > this.height - size / 2) continue;
      const [column, row] = [Math.floor(x / space), Math.floor(y / space)];
      let free = true;
      for (let c = column - 1; c <= column + 1 && free; ++c) {
        for (let r = row - 1; r <= row + 1 && free; ++r) {
          const there = cells.get(c * 4096 + r);
          if (there && Math.abs(there[0] - x) < space && Math.abs(there[1] - y) < space) free = false;
        }
      }
      if (!free) continue;
      const [left, top] = [Math.round(x - width / 2), Math.round(y - height / 2)];
      const at = sheets.place(i);
      const image = sheets.image(at.sheet, sheets.ink && !dark, () => this.draw_soon());
      if (!image) continue;
      cells.set(column * 4096 + row, [x, y]);
      context.drawImage(image, at.column * sheets.width, at.row * sheets.height, sheets.width, sheets.height, left, top, width, height);
      context.strokeStyle = class_color(this.samples.class_of(i), dark);
      context.strokeRect(left, top, width, height);
      this.thumbnails.push(i);
      this.frames.push({ left: left - 1, right: left + width + 1, top: top - 1, bottom: top + height + 1 });
    }
  }

  draw_soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** At the middle of their classes or near it, none over another or over a picture. */
  place_names(context) {
    const boxes = [];
    const most = Math.max(6, Math.round((this.width * this.height) / (this.pictures ? 44000 : 24000)));
    const half = this.width < 600 ? 9 : 10;
    context.font = `600 ${this.width < 600 ? 11 : 12}px ${getComputedStyle(document.body).fontFamily}`;
    for (const { number, x, y } of this.centers) {
      if (boxes.length >= most) break;
      if (this.picked >= 0 && number !== this.picked) continue;
      const [px, py] = this.pixel_of(x, y);
      if (px < 0 || py < half || px > this.width || py > this.height - half) continue;
      const text = last_part(this.samples.label_of(number));
      const wide = context.measureText(text).width + 12;
      const middle = Math.min(this.width - wide / 2 - 2, Math.max(wide / 2 + 2, px));
      const places = [0, -1, 1, -2, 2, -3, 3].map((step) => py + step * half * 0.8).filter((y) => y > half && y < this.height - half);
      for (const y of places) {
        const box = { left: middle - wide / 2, right: middle + wide / 2, top: y - half, bottom: y + half, number, text };
        const free = (other) => box.right + 2 < other.left || other.right + 2 < box.left || box.bottom + 1 < other.top || other.bottom + 1 < box.top;
        if (!boxes.every(free) || !this.frames.every(free)) continue;
        boxes.push(box);
        break;
      }
    }
    return boxes;
  }

  draw_names(context) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    const [ground, ink] = [theme_color("--raised"), theme_color("--text")];
    for (const box of this.boxes) {
      context.globalAlpha = 0.88;
      context.fillStyle = ground;
      context.beginPath();
      context.roundRect(box.left, box.top, box.right - box.left, box.bottom - box.top, 8);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = ink;
      context.fillText(box.text, (box.left + box.right) / 2, (box.top + box.bottom) / 2 + 0.5);
    }
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

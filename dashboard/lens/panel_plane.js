// Where the points of a panel are: between which of its views, and through which window they are seen.

const EDGE = { left: 50, right: 10, top: 8, bottom: 40 };
const NEAR = 14; // pixels within which a click means a point

class Plane {
  constructor(views) {
    this.views = views;
    this.limits = views.map(limitsOf);
    this.position = 0; // 0.5 is midway between the first two views
    this.zoom = null; // another window than that of the view
  }

  /** The picture takes another size, in CSS pixels. */
  resize(width, height) {
    this.frame = new Frame(EDGE, width, height);
  }

  /** Points at the present place between two views, and the window they are seen through: these hold until the next call. */
  settle() {
    const i = Math.min(Math.floor(this.position), this.views.length - 1);
    const t = this.position - i;
    const [a, b] = [this.views[i], this.views[Math.min(i + 1, this.views.length - 1)]];
    if (t === 0) this.points = a;
    else {
      if (!this.mixed) this.mixed = new Float32Array(a.length);
      for (let j = 0; j < a.length; j++) this.mixed[j] = (1 - t) * a[j] + t * b[j];
      this.points = this.mixed;
    }
    const [la, lb] = [this.limits[i], this.limits[Math.min(i + 1, this.limits.length - 1)]];
    this.window = this.zoom ?? la.map((v, j) => (1 - t) * v + t * lb[j]);
  }

  x(value) {
    return this.frame.left + ((value - this.window[0]) / (this.window[1] - this.window[0])) * this.frame.wide;
  }
  y(value) {
    return this.frame.floor - ((value - this.window[2]) / (this.window[3] - this.window[2])) * this.frame.high;
  }

  /** Where a row is drawn. */
  placeOf(row) {
    return [this.x(this.points[2 * row]), this.y(this.points[2 * row + 1])];
  }

  /** What lies at a place of the picture. */
  value([px, py]) {
    const [x0, x1, y0, y1] = this.window;
    const { left, floor, wide, high } = this.frame;
    return [x0 + ((px - left) / wide) * (x1 - x0), y0 + ((floor - py) / high) * (y1 - y0)];
  }

  /** How long one unit of the data is drawn, across and up. */
  get stretch() {
    const [x0, x1, y0, y1] = this.window;
    return [this.frame.wide / (x1 - x0), this.frame.high / (y1 - y0)];
  }

  /** The row at a place, -1 where there is none. */
  nearest([px, py]) {
    let [best, row] = [NEAR * NEAR, -1];
    for (let i = 0; 2 * i < this.points.length; i++) {
      const [dx, dy] = [this.x(this.points[2 * i]) - px, this.y(this.points[2 * i + 1]) - py];
      const far = dx * dx + dy * dy;
      if (far < best) [best, row] = [far, i];
    }
    return row;
  }

  /** A mask of the rows that a trail of places goes around. */
  inside(trail) {
    return Uint8Array.from({ length: this.points.length / 2 }, (_, row) => (within(...this.placeOf(row), trail) ? 1 : 0));
  }

  magnify(factor, centre) {
    const [x0, x1, y0, y1] = this.window;
    const [cx, cy] = centre ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    this.zoom = [cx + (x0 - cx) * factor, cx + (x1 - cx) * factor, cy + (y0 - cy) * factor, cy + (y1 - cy) * factor];
  }

  /** A window is moved as far as from one place of the picture to another. */
  pan([x0, x1, y0, y1], start, here) {
    const dx = ((here[0] - start[0]) / this.frame.wide) * (x1 - x0);
    const dy = ((here[1] - start[1]) / this.frame.high) * (y1 - y0);
    this.zoom = [x0 - dx, x1 - dx, y0 + dy, y1 + dy];
  }
}

/** Whether a place lies inside a closed trail, by the even-odd rule. */
function within(x, y, trail) {
  let inside = false;
  for (let i = 0, j = trail.length - 1; i < trail.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [trail[i], trail[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Axis ranges that hold all points, with a margin. */
function limitsOf(points) {
  const range = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    range[0] = Math.min(range[0], points[i]);
    range[1] = Math.max(range[1], points[i]);
    range[2] = Math.min(range[2], points[i + 1]);
    range[3] = Math.max(range[3], points[i + 1]);
  }
  const pad = [0, 2].map((i) => 0.06 * Math.max(range[i + 1] - range[i], 1e-6));
  return [range[0] - pad[0], range[1] + pad[0], range[2] - pad[1], range[3] + pad[1]];
}

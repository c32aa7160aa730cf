// One picture of many points on two canvases: the points below, and what changes often (rings, lasso) on top.

const EDGE = { left: 50, right: 10, top: 8, bottom: 40 };
const NEAR = 14; // pixels within which a click means a point
const MANY = 20_000; // points; above, they are pixels, which is faster
const CLEAR = 0.75; // how much a point hides what lies under it

class Panel {
  constructor(cloud, views, title, unit) {
    Object.assign(this, { cloud, views, title, unit });
    this.base = element("canvas", { "aria-hidden": "true" });
    this.middle = element("canvas", { "aria-hidden": "true" });
    this.top = element("canvas", { tabindex: "-1", role: "img" });
    this.tip = element("div", { class: "tip", hidden: "" });
    this.stage = element("div", { class: "stage" }, this.base, this.middle, this.top, this.tip);
    this.box = element("figure", {}, element("figcaption", {}, title), this.stage);
    this.limits = views.map(limitsOf);
    this.position = 0;
    this.zoom = null;
    this.draw = onFrame(() => this.drawNow());
    this.mark = onFrame(() => this.markNow());
    this.touch = onFrame(() => this.touchNow());
    this.#hear();
  }

  /** Points at the present place between two views, and the window they are seen through. */
  #place() {
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

  /** Takes another size, and draws everything if it is another one. */
  resize(width, height) {
    const size = [width, height, textScale(), window.devicePixelRatio].join();
    if (!(width > 0) || this.size === size) return;
    this.size = size;
    this.scale = textScale(); // all is drawn in units that grow with the type of the page
    [this.width, this.height] = [width / this.scale, height / this.scale];
    this.pen = fit(this.base, this.width, this.height, this.scale);
    this.ringed = fit(this.middle, this.width, this.height, this.scale);
    this.over = fit(this.top, this.width, this.height, this.scale);
    this.drawNow();
  }

  /** Everything, the points too. `draw` does it once a frame at most. */
  drawNow() {
    if (!this.pen) return;
    this.#place();
    const theme = this.cloud.theme;
    this.pen.clearRect(0, 0, this.width, this.height);
    this.#axes(this.pen, theme);
    if (this.cloud.n > MANY) this.#pixels();
    else {
      this.pen.save();
      this.#clip(this.pen, 0);
      this.pen.globalAlpha = CLEAR;
      for (const group of this.cloud.groups()) this.#dots(group, this.cloud.n > 4000 ? 2.2 : 3);
      this.pen.restore();
    }
    this.markNow();
  }

  #axes(pen, theme) {
    const [x0, x1, y0, y1] = this.window;
    pen.font = '12px "Source Sans", "Source Sans Pro", sans-serif';
    pen.lineWidth = 1;
    pen.strokeStyle = theme.faint;
    pen.fillStyle = theme.quiet;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const [at, words] of labelled(x0, x1, this.width / 90)) {
      const x = Math.round(this.x(at)) + 0.5;
      line(pen, x, EDGE.top, x, this.height - EDGE.bottom);
      pen.fillText(words, x, this.height - EDGE.bottom + 5);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const [at, words] of labelled(y0, y1, this.height / 60)) {
      const y = Math.round(this.y(at)) + 0.5;
      line(pen, EDGE.left, y, this.width - EDGE.right, y);
      pen.fillText(words, EDGE.left - 6, y);
    }
    pen.fillStyle = theme.ink;
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    const middle = (EDGE.left + this.width - EDGE.right) / 2;
    pen.fillText(`direction 1 (${this.unit})`, middle, this.height - 6);
    pen.save();
    pen.translate(12, (EDGE.top + this.height - EDGE.bottom) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText(`direction 2 (${this.unit})`, 0, 0);
    pen.restore();
  }

  #dots({ rows, colour, diamond }, radius) {
    this.#stamps(this.pen, rows, stamp(diamond ? "diamond" : "dot", colour, diamond ? radius * 1.45 : radius));
  }

  /** Tens of thousands of points, as squares and diamonds of pixels: twenty times as fast as a canvas draws them. */
  #pixels() {
    const ratio = this.base.width / this.width; // pixels of the screen by our unit
    const [x0, , y0] = this.window;
    const across = (this.width - EDGE.left - EDGE.right) / (this.window[1] - x0);
    const up = (this.height - EDGE.top - EDGE.bottom) / (this.window[3] - y0);
    const [wide, high] = [this.width - EDGE.left - EDGE.right, this.height - EDGE.top - EDGE.bottom].map((side) => Math.round(side * ratio));
    const sheet = new Raster(wide, high);
    for (const { rows, colour, diamond } of this.cloud.groups()) {
      const half = Math.max(1, Math.round((diamond ? 2.2 : 1.5) * ratio));
      sheet.use(colour, CLEAR, half, diamond);
      for (const row of rows) sheet.mark((this.points[2 * row] - x0) * across * ratio, high - (this.points[2 * row + 1] - y0) * up * ratio);
    }
    this.pen.drawImage(sheet.canvas(), EDGE.left, EDGE.top, wide / ratio, high / ratio);
  }

  /** One mark at the place of every row, where it can be seen. */
  #stamps(pen, rows, { canvas, half }) {
    const [x0, x1, y0, y1] = this.window;
    const [across, up] = [(this.width - EDGE.left - EDGE.right) / (x1 - x0), (this.height - EDGE.top - EDGE.bottom) / (y1 - y0)];
    const [left, bottom] = [EDGE.left - half, this.height - EDGE.bottom - half];
    const [right, points] = [this.width, this.points];
    for (const row of rows) {
      const x = left + (points[2 * row] - x0) * across;
      const y = bottom - (points[2 * row + 1] - y0) * up;
      if (x > 0 && x < right && y > -half && y < this.height) pen.drawImage(canvas, x, y, 2 * half, 2 * half);
    }
  }

  /** Rings of what is removed and selected. `mark` does it once a frame at most. */
  markNow() {
    const pen = this.ringed;
    if (!pen) return;
    const { state } = this.cloud.channel;
    pen.clearRect(0, 0, this.width, this.height);
    pen.save();
    this.#clip(pen, this.zoom ? 0 : 6);
    const [removed, selected] = [rowsOf(state.removed), rowsOf(state.selected)];
    const small = this.cloud.n > 4000 || this.cloud.crosses;
    pen.globalAlpha = removed.length > 3000 ? 0.5 : 1; // what is removed can be seen through it
    this.#stamps(pen, removed, small ? stamp("cross", this.cloud.theme.ink, removed.length > 3000 ? 1.8 : 3.4, 1.2) : stamp("ring", this.cloud.theme.ink, 5));
    pen.globalAlpha = 1;
    this.#stamps(pen, selected, selected.length > 3000 ? stamp("ring", COLOURS.selected, 3, 1) : stamp("ring", COLOURS.selected, 7.5, 2));
    pen.restore();
    this.top.setAttribute("aria-label", this.describe());
    this.touchNow();
  }

  #clip(pen, margin) {
    pen.beginPath();
    pen.rect(EDGE.left - margin, EDGE.top - margin, this.width - EDGE.left - EDGE.right + 2 * margin, this.height - EDGE.top - EDGE.bottom + 2 * margin);
    pen.clip();
  }

  /** What changes most often: the row that is looked at, and the lasso. */
  touchNow() {
    const pen = this.over;
    if (!pen) return;
    const { state } = this.cloud.channel;
    pen.clearRect(0, 0, this.width, this.height);
    pen.save();
    this.#clip(pen, this.zoom ? 0 : 6);
    if (state.focus !== null && state.focus !== undefined) this.#cross(state.focus);
    this.cloud.draw?.(pen, this);
    pen.restore();
    if (!(this.trail?.length > 1)) return;
    pen.beginPath();
    this.trail.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
    pen.fillStyle = COLOURS.selected + "26";
    pen.fill();
    pen.strokeStyle = COLOURS.selected;
    pen.lineWidth = 1.5;
    pen.stroke();
  }

  #cross(row) {
    const pen = this.over;
    const [x, y] = [this.x(this.points[2 * row]), this.y(this.points[2 * row + 1])];
    for (const [colour, width] of [[this.cloud.theme.ground, 6], [COLOURS.selected, 3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(x, y, 10, 0, 2 * Math.PI);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        pen.moveTo(x + 7 * dx, y + 7 * dy);
        pen.lineTo(x + 15 * dx, y + 15 * dy);
      }
      pen.stroke();
    }
  }

  describe() {
    const { removed, selected, truth } = this.cloud.channel.state;
    const words = [`${this.title}: scatter plot of ${this.cloud.n.toLocaleString("en-US")} images`];
    if (truth) words.push(`${count(truth)} of them poison`);
    if (removed) words.push(`${count(removed)} removed`);
    if (count(selected)) words.push(`${count(selected)} selected`);
    return words.join(", ");
  }

  x(value) {
    return EDGE.left + ((value - this.window[0]) / (this.window[1] - this.window[0])) * (this.width - EDGE.left - EDGE.right);
  }
  y(value) {
    return this.height - EDGE.bottom - ((value - this.window[2]) / (this.window[3] - this.window[2])) * (this.height - EDGE.top - EDGE.bottom);
  }
  #value([px, py]) {
    const [x0, x1, y0, y1] = this.window;
    return [
      x0 + ((px - EDGE.left) / (this.width - EDGE.left - EDGE.right)) * (x1 - x0),
      y0 + ((this.height - EDGE.bottom - py) / (this.height - EDGE.top - EDGE.bottom)) * (y1 - y0),
    ];
  }

  nearest([px, py]) {
    let [best, row] = [NEAR * NEAR, -1];
    for (let i = 0; i < this.cloud.n; i++) {
      const [dx, dy] = [this.x(this.points[2 * i]) - px, this.y(this.points[2 * i + 1]) - py];
      const far = dx * dx + dy * dy;
      if (far < best) [best, row] = [far, i];
    }
    return row;
  }

  #hear() {
    const at = (event) => {
      const box = this.top.getBoundingClientRect();
      return [(event.clientX - box.left) / this.scale, (event.clientY - box.top) / this.scale];
    };
    let start = null;
    this.top.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      start = at(event);
      this.from = this.window.slice();
      this.trail = null;
      if (this.cloud.tool !== "tap") this.top.setPointerCapture(event.pointerId);
    });
    this.top.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (!start || this.cloud.tool === "tap") return this.#hover(here);
      if (Math.hypot(here[0] - start[0], here[1] - start[1]) < 4 && !this.trail) return;
      this.tip.hidden = true;
      if (this.cloud.tool === "move") return this.#pan(start, here);
      const box = this.cloud.tool === "box" || event.shiftKey;
      if (box) this.trail = [start, [here[0], start[1]], here, [start[0], here[1]]];
      else (this.trail ??= [start]).push(here);
      this.touch();
    });
    this.top.addEventListener("pointerup", (event) => {
      if (!start) return;
      const here = at(event);
      const [trail, moved] = [this.trail, Math.hypot(here[0] - start[0], here[1] - start[1]) >= 4];
      start = this.trail = null;
      if (trail?.length > 2) this.cloud.select(this.#inside(trail));
      else if (!moved) this.cloud.look(this.nearest(here));
      this.touch();
    });
    this.top.addEventListener("pointercancel", () => {
      start = this.trail = null;
      this.touch();
    });
    this.top.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.top.addEventListener("dblclick", () => this.reset());
    this.top.addEventListener(
      "wheel",
      (event) => {
        if (this.cloud.tool !== "move" && !event.ctrlKey) return; // the page scrolls
        event.preventDefault();
        this.magnify(event.deltaY > 0 ? 1.2 : 1 / 1.2, this.#value(at(event)));
      },
      { passive: false },
    );
  }

  magnify(factor, centre) {
    const [x0, x1, y0, y1] = this.window;
    const [cx, cy] = centre ?? [(x0 + x1) / 2, (y0 + y1) / 2];
    this.zoom = [cx + (x0 - cx) * factor, cx + (x1 - cx) * factor, cy + (y0 - cy) * factor, cy + (y1 - cy) * factor];
    this.draw();
  }

  reset() {
    this.zoom = null;
    this.draw();
  }

  #pan(start, here) {
    const [x0, x1, y0, y1] = this.from;
    const dx = ((here[0] - start[0]) / (this.width - EDGE.left - EDGE.right)) * (x1 - x0);
    const dy = ((here[1] - start[1]) / (this.height - EDGE.top - EDGE.bottom)) * (y1 - y0);
    this.zoom = [x0 - dx, x1 - dx, y0 + dy, y1 + dy];
    this.draw();
  }

  #hover(here) {
    const row = this.nearest(here);
    this.tip.hidden = row < 0;
    this.top.style.cursor = row < 0 ? (this.cloud.tool === "tap" ? "default" : "crosshair") : "pointer";
    if (row < 0) return;
    this.tip.textContent = this.cloud.words(row);
    this.tip.style.left = `${Math.min(here[0] + 12, this.width - 130) * this.scale}px`;
    this.tip.style.top = `${Math.max(here[1] - 28, 0) * this.scale}px`;
  }

  #inside(trail) {
    const mask = new Uint8Array(this.cloud.n);
    for (let i = 0; i < this.cloud.n; i++)
      mask[i] = within(this.x(this.points[2 * i]), this.y(this.points[2 * i + 1]), trail) ? 1 : 0;
    return mask;
  }

  close() {
    for (const ask of [this.draw, this.mark, this.touch]) ask.cancel();
  }

  /** The picture as SVG text, for papers and slides. */
  svg() {
    const { state } = this.cloud.channel;
    const theme = this.cloud.theme;
    const parts = [`<rect width="100%" height="100%" fill="${theme.ground}"/>`];
    const text = (x, y, words, anchor, more = "") =>
      parts.push(`<text x="${x}" y="${y}" fill="${theme.ink}" text-anchor="${anchor}" font-size="12" font-family="sans-serif" ${more}>${words.replace(/[<&>]/g, (c) => `&#${c.charCodeAt(0)};`)}</text>`);
    for (const [at, words] of labelled(this.window[0], this.window[1], this.width / 90)) {
      parts.push(`<path d="M${this.x(at)} ${EDGE.top}V${this.height - EDGE.bottom}" stroke="${theme.faint}"/>`);
      text(this.x(at), this.height - EDGE.bottom + 16, words, "middle");
    }
    for (const [at, words] of labelled(this.window[2], this.window[3], this.height / 60)) {
      parts.push(`<path d="M${EDGE.left} ${this.y(at)}H${this.width - EDGE.right}" stroke="${theme.faint}"/>`);
      text(EDGE.left - 6, this.y(at) + 4, words, "end");
    }
    const middle = (EDGE.top + this.height - EDGE.bottom) / 2;
    text(this.width / 2, this.height - 6, `direction 1 (${this.unit})`, "middle");
    text(12, middle, `direction 2 (${this.unit})`, "middle", `transform="rotate(-90 12 ${middle})"`);
    const place = (row) => [this.x(this.points[2 * row]).toFixed(1), this.y(this.points[2 * row + 1]).toFixed(1)];
    for (const { rows, colour, diamond } of this.cloud.groups()) {
      parts.push(`<g fill="${colour}" fill-opacity="0.75">`);
      for (const row of rows) {
        const [x, y] = place(row);
        parts.push(diamond ? `<path d="M${x} ${y}m0 -4l4 4l-4 4l-4 -4z"/>` : `<circle cx="${x}" cy="${y}" r="3"/>`);
      }
      parts.push("</g>");
    }
    for (const [mask, colour, radius] of [[state.removed, theme.ink, 5], [state.selected, COLOURS.selected, 7.5]])
      mask?.forEach((on, row) => {
        if (!on) return;
        const [x, y] = place(row);
        parts.push(`<circle cx="${x}" cy="${y}" r="${radius}" fill="none" stroke="${colour}" stroke-width="1.5"/>`);
      });
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}">${parts.join("")}</svg>`;
  }
}

function rowsOf(mask) {
  const rows = [];
  if (mask) for (let row = 0; row < mask.length; row++) if (mask[row]) rows.push(row);
  return rows;
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
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

// A plane to play with: drag a cluster of poison and see what it does to the measure of spread, by all points and by the
// trusted ones. Nothing is sent to the server.

const MARGIN = { left: 46, right: 12, top: 12, bottom: 42 };
const LONG = 3.2; // standard deviations of the clean points along the two axes of their ellipse
const SHORT = 0.5;
const TILT = (24 * Math.PI) / 180;
const ALARM = 3; // σ beyond which a point counts as unusual, and the size of the ellipses
const REACH = [9.4, 6.2]; // half of what the picture shows
const RING = 38; // CSS pixels between the cluster and the frame, so that its ring stays whole
const HOME = [1.5, -2.6]; // of the cluster, along the two axes
const STEP = 0.25;
const SEEN = { raw: "as it is", naive: "whitened by all", robust: "whitened by the trusted" };

const turn = ([a, b]) => [a * Math.cos(TILT) - b * Math.sin(TILT), a * Math.sin(TILT) + b * Math.cos(TILT)];

class Toy {
  constructor(root) {
    this.canvas = element("canvas", { role: "img" });
    this.grip = element("div", { class: "handle", tabindex: "0", role: "application", "aria-roledescription": "movable cluster" });
    this.stage = element("div", { class: "stage toy" }, this.canvas, this.grip);
    this.table = element("div", { class: "readout" });
    this.spoken = element("p", { class: "unseen", "aria-live": "polite" });
    this.holder = element("div", { class: "toybox" }, this.#legend(), this.stage, this.#buttons(), this.table, this.spoken);
    root.append(this.holder);
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
    this.onresize = () => this.layout();
    window.addEventListener("resize", this.onresize);
    this.#hear();
  }

  /** meta: clean and poison (numbers of points), height, spare, seed. */
  show(meta) {
    this.meta = meta;
    const random = dice(meta.seed);
    this.clean = Array.from({ length: meta.clean }, () => normals(random)).map(([a, b]) => turn([LONG * a, SHORT * b]));
    this.around = Array.from({ length: meta.poison }, () => normals(random).map((v) => 0.16 * v));
    this.home = turn(HOME);
    this.place ??= this.home.slice();
    this.theme = themeOf(this.holder);
    this.from ??= "raw";
    this.to ??= "raw";
    this.mix ??= 1;
    this.look(this.to);
    this.measure();
    this.layout();
  }

  #legend() {
    const mark = (shape, words) => element("span", {}, element("i", { class: shape }), words);
    return element("div", { class: "key" }, mark("dot", "clean"), mark("diamond", "poison: drag it"),
      mark("dashes", `${ALARM} σ by all points`), mark("solid", `${ALARM} σ by the trusted points`));
  }

  #buttons() {
    const bar = element("div", { class: "tools seen", role: "group", "aria-label": "How the points are seen" });
    for (const [name, words] of Object.entries(SEEN))
      bar.append(element("button", { type: "button", "data-view": name, onclick: () => this.look(name) }, words));
    bar.append(element("button", { type: "button", class: "back", onclick: () => this.#putBack() }, "put it back"));
    this.bar = bar;
    return bar;
  }

  #putBack() {
    const start = this.place.slice();
    this.back = animate(300, (t) => this.move(start.map((v, i) => v + t * (this.home[i] - v))));
  }

  /** How far the cluster may be dragged along each axis, in units of the data. */
  #limits() {
    if (!this.width) return REACH.map((reach) => 0.8 * reach);
    const { unit } = this.#view("raw");
    const sides = [this.width - MARGIN.left - MARGIN.right, this.height - MARGIN.top - MARGIN.bottom];
    return sides.map((side, i) => Math.min(REACH[i], side / (2 * unit) - RING / unit));
  }

  /** Everything that follows from where the points are now. */
  measure() {
    this.poison = this.around.map(([x, y]) => [x + this.place[0], y + this.place[1]]);
    const points = [...this.clean, ...this.poison];
    this.all = spreadOf(points);
    this.robust = robustSpread(points, points.length - 2 * this.poison.length);
    this.found = Object.fromEntries([["all", this.all], ["robust", this.robust]].map(([name, spread]) => {
      const beyond = (rows) => rows.filter((point) => far(spread, point) > ALARM ** 2).length;
      return [name, { sigma: Math.sqrt(far(spread, this.place)), poison: beyond(this.poison), clean: beyond(this.clean) }];
    }));
    const out = Math.hypot(this.place[0] - this.all.mean[0], this.place[1] - this.all.mean[1]);
    this.farther = this.clean.filter(([x, y]) => Math.hypot(x - this.all.mean[0], y - this.all.mean[1]) > out).length;
    this.#say();
  }

  #say() {
    const [p, c] = [this.poison.length, this.clean.length];
    const verdict = ({ poison }) => (poison === 0 ? "hidden" : poison === p ? "stands out" : "partly out");
    const line = (mark, by, { sigma, poison, clean }, state) =>
      element("div", { class: "line" }, element("i", { class: mark }), element("span", { class: "by who" }, by),
        element("b", {}, `${sigma.toFixed(1)} σ`), element("b", { class: `verdict ${state.replace(" ", "-")}` }, state),
        ...(this.meta.bare ? [] : [element("span", { class: "by" }, `${poison} of ${p} poisons lie outside, ${clean} of ${c} clean`)]));
    const { all, robust } = this.found;
    this.table.replaceChildren(
      line("dashes", "by all points", all, verdict(all)),
      line("solid", "by the trusted points", robust, verdict(robust)),
      ...(this.meta.bare ? [] : [element("div", { class: "line by" }, element("i", {}), this.#plain())]),
    );
    const words = `The poison lies ${all.sigma.toFixed(1)} sigma from the centre by all points, ${verdict(all)}; ${robust.sigma.toFixed(1)} sigma by the trusted ones, ${verdict(robust)}.`;
    this.canvas.setAttribute("aria-label", `${c} clean points in a long ellipse and a cluster of ${p} poisons. ${words}`);
    this.grip.setAttribute("aria-label", `The poison. Arrow keys move it, with Shift in larger steps. ${words}`);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => (this.spoken.textContent = words), 400); // not at every pixel
  }

  /** What plain distance would do: remove half as many points again as there are poisons, those farthest out. */
  #plain() {
    const [p, c] = [this.poison.length, this.clean.length];
    const verdict = this.farther > 0.5 * p ? "not enough" : "here that would be enough";
    return `Distance alone, before whitening: ${this.farther} of ${c} clean points lie farther out than the poison; ${verdict}.`;
  }

  move([x, y]) {
    const limits = this.#limits();
    this.place = [x, y].map((v, i) => Math.max(-limits[i], Math.min(v, limits[i])));
    this.touched = true;
    this.measure();
    this.draw();
  }

  /** Turn the picture to another view: "raw", "naive" or "robust". */
  look(name) {
    for (const button of this.bar.querySelectorAll("[data-view]"))
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    if (this.to === name) return;
    this.let = null;
    [this.from, this.to] = [this.to, name];
    this.halt?.();
    this.halt = animate(700, (t) => {
      this.mix = t;
      this.draw();
    });
  }

  /** A view as a linear map: centre, matrix [xx, xy, yy], and CSS pixels for one unit. */
  #view(name) {
    const [width, height] = [this.width - MARGIN.left - MARGIN.right, this.height - MARGIN.top - MARGIN.bottom];
    if (name === "raw") return { centre: [0, 0], matrix: [1, 0, 1], unit: Math.min(width / (2 * REACH[0]), height / (2 * REACH[1])) };
    const spread = name === "naive" ? this.all : this.robust;
    const radius = Math.max(4.5, Math.sqrt(far(spread, this.place)) + 1.2);
    return { centre: spread.mean, matrix: whitener(spread), unit: Math.min(width, height) / (2 * radius) };
  }

  #now() {
    if (this.held) return this.held; // what is dragged stays under the pointer
    if (this.let) return this.#between(this.let.view, this.#view(this.to), this.let.mix);
    return this.#between(this.#view(this.from), this.#view(this.to), this.mix);
  }

  #between(a, b, mix) {
    const between = (u, v) => u + mix * (v - u);
    return {
      centre: a.centre.map((v, i) => between(v, b.centre[i])),
      matrix: a.matrix.map((v, i) => between(v, b.matrix[i])),
      unit: a.unit * (b.unit / a.unit) ** mix,
    };
  }

  layout() {
    const width = Math.floor(this.stage.clientWidth);
    if (!this.meta || !(width > 0)) return;
    this.scale = textScale();
    [this.width, this.height] = [width / this.scale, heightFor(this.meta, width) / this.scale];
    this.pen = fit(this.canvas, this.width, this.height, this.scale);
    this.draw();
  }

  draw() {
    if (!this.pen) return;
    const { pen, theme } = this;
    const view = this.#now();
    const middle = [(MARGIN.left + this.width - MARGIN.right) / 2, (MARGIN.top + this.height - MARGIN.bottom) / 2];
    const at = ([x, y]) => {
      const [dx, dy] = [x - view.centre[0], y - view.centre[1]];
      const [u, v] = [view.matrix[0] * dx + view.matrix[1] * dy, view.matrix[1] * dx + view.matrix[2] * dy];
      return [middle[0] + u * view.unit, middle[1] - v * view.unit];
    };
    pen.clearRect(0, 0, this.width, this.height);
    this.#axes(view, middle);
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN.left, MARGIN.top, this.width - MARGIN.left - MARGIN.right, this.height - MARGIN.top - MARGIN.bottom);
    pen.clip();
    const trusted = new Set(this.robust.trusted);
    pen.globalAlpha = 0.9;
    pen.lineWidth = 1.6;
    this.clean.forEach((point, i) => this.#dot(at(point), COLOURS.clean, trusted.has(i)));
    this.poison.forEach((point, i) => this.#diamond(at(point), trusted.has(this.clean.length + i)));
    pen.globalAlpha = 1;
    this.#ellipse(this.all, at, theme.quiet, [7, 5]);
    this.#ellipse(this.robust, at, COLOURS.trusted, []);
    pen.restore();
    const [x, y] = at(this.place);
    this.grip.style.left = `${x * this.scale}px`;
    this.grip.style.top = `${y * this.scale}px`;
    if (!this.touched && this.to === "raw" && this.mix === 1) this.#hint(x, y);
  }

  #dot([x, y], colour, trusted) {
    const pen = this.pen;
    pen.beginPath();
    pen.arc(x, y, 3.4, 0, 2 * Math.PI);
    pen.fillStyle = pen.strokeStyle = colour;
    if (trusted) pen.fill();
    else pen.stroke(); // hollow: not among the trusted
  }

  #diamond([x, y], trusted) {
    const pen = this.pen;
    const r = 4.6;
    pen.beginPath();
    pen.moveTo(x, y - r);
    pen.lineTo(x + r, y);
    pen.lineTo(x, y + r);
    pen.lineTo(x - r, y);
    pen.closePath();
    pen.fillStyle = trusted ? COLOURS.poison : this.theme.ground; // hollow: not among the trusted
    pen.fill();
    pen.strokeStyle = COLOURS.poison;
    pen.lineWidth = 1.8;
    pen.stroke();
  }

  /** The ellipse of ALARM standard deviations. */
  #ellipse({ mean, cov: [xx, xy, yy] }, at, colour, dashes) {
    const pen = this.pen;
    const a = Math.sqrt(xx); // Cholesky factor: the circle it maps is the ellipse
    const [b, c] = [xy / a, Math.sqrt(Math.max(yy - (xy / a) ** 2, 1e-12))];
    pen.beginPath();
    for (let i = 0; i <= 96; i++) {
      const [u, v] = [ALARM * Math.cos((i * Math.PI) / 48), ALARM * Math.sin((i * Math.PI) / 48)];
      const place = at([mean[0] + a * u, mean[1] + b * u + c * v]);
      if (i) pen.lineTo(...place);
      else pen.moveTo(...place);
    }
    pen.setLineDash(dashes);
    pen.strokeStyle = colour;
    pen.lineWidth = 2.5;
    pen.stroke();
    pen.setLineDash([]);
  }

  #axes(view, middle) {
    const { pen, theme } = this;
    const [w, h] = [(this.width - MARGIN.left - MARGIN.right) / 2 / view.unit, (this.height - MARGIN.top - MARGIN.bottom) / 2 / view.unit];
    pen.font = '12px "Source Sans", "Source Sans Pro", sans-serif';
    pen.strokeStyle = theme.faint;
    pen.fillStyle = theme.quiet;
    pen.lineWidth = 1;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const floor = this.height - MARGIN.bottom;
    const path = (x0, y0, x1, y1) => (pen.beginPath(), pen.moveTo(x0, y0), pen.lineTo(x1, y1), pen.stroke());
    for (const [v, words] of labelled(-w, w, this.width / 90)) {
      const x = middle[0] + v * view.unit;
      path(x, MARGIN.top, x, floor);
      pen.fillText(words, x, floor + 5);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const [v, words] of labelled(-h, h, this.height / 60)) {
      const y = middle[1] - v * view.unit;
      path(MARGIN.left, y, this.width - MARGIN.right, y);
      pen.fillText(words, MARGIN.left - 6, y);
    }
    const unit = { raw: "made-up units", naive: "σ of all points", robust: "σ of the trusted points" }[this.mix < 0.5 ? this.from : this.to];
    pen.fillStyle = theme.ink;
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    pen.fillText(`feature 1 (${unit})`, middle[0], this.height - 6);
    pen.save();
    pen.translate(12, middle[1]);
    pen.rotate(-Math.PI / 2);
    pen.fillText(`feature 2 (${unit})`, 0, 0);
    pen.restore();
  }

  #hint(x, y) {
    const pen = this.pen;
    pen.font = '600 14px "Source Sans", "Source Sans Pro", sans-serif';
    pen.fillStyle = this.theme.ink;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.lineWidth = 6;
    pen.lineJoin = "round";
    pen.strokeStyle = this.theme.ground; // the dashed line passes behind
    pen.strokeText("← drag me", x + 36, y);
    pen.fillText("← drag me", x + 36, y);
  }

  #hear() {
    let start = null;
    this.grip.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.halt?.();
      this.back?.();
      [this.mix, this.let] = [1, null];
      this.held = this.#view(this.to);
      start = { x: event.clientX, y: event.clientY, place: this.place.slice(), back: inverse(this.held.matrix) };
      this.grip.setPointerCapture(event.pointerId);
      this.grip.focus({ preventScroll: true });
      event.preventDefault();
    });
    this.grip.addEventListener("pointermove", (event) => {
      if (!start) return;
      const unit = this.held.unit * this.scale;
      const [u, v] = [(event.clientX - start.x) / unit, (start.y - event.clientY) / unit];
      const [a, b, c] = start.back;
      this.move([start.place[0] + a * u + b * v, start.place[1] + b * u + c * v]);
    });
    for (const end of ["pointerup", "pointercancel"]) this.grip.addEventListener(end, () => {
      if (start) this.#letGo();
      start = null;
    });
    this.grip.addEventListener("keydown", (event) => {
      this.back?.();
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Home") this.#putBack();
      else if (way) this.move(this.place.map((v, i) => v + way[i] * (event.shiftKey ? 4 : 1) * STEP));
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** The whitening that was held while the cluster was dragged follows it now. */
  #letGo() {
    const view = this.held;
    this.held = null;
    if (this.to === "raw") return this.draw();
    this.halt = animate(400, (t) => {
      this.let = t < 1 ? { view, mix: t } : null;
      this.draw();
    });
  }

  repaint() {
    this.theme = themeOf(this.holder);
    this.draw();
  }

  close() {
    clearTimeout(this.telling);
    this.back?.();
    this.halt?.();
    this.observer.disconnect();
    window.removeEventListener("resize", this.onresize);
    this.holder.remove();
  }
}

/** The inverse of a symmetric matrix [xx, xy, yy]. */
function inverse([xx, xy, yy]) {
  const whole = xx * yy - xy * xy;
  return [yy / whole, -xy / whole, xx / whole];
}

export default mounting((root) => new Toy(root));

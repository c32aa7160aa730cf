// One picture of many points on three canvases: the points below, rings in the middle, and what changes most often on top.

class Panel {
  /**
   * cloud: whose points they are: n, theme, channel, tool, groups(), words(row), select(mask), look(row); optional: crosses
   * (instead of rings) and draw(pen, plane), on top. views: places of all points, (n, 2) each.
   */
  constructor(cloud, views, title, unit) {
    Object.assign(this, { cloud, title, unit });
    this.plane = new Plane(views);
    this.base = element("canvas", { "aria-hidden": "true" });
    this.middle = element("canvas", { "aria-hidden": "true" });
    this.top = element("canvas", { tabindex: "-1", role: "img" });
    this.tip = element("div", { class: "tip", hidden: "" });
    this.stage = element("div", { class: "stage" }, this.base, this.middle, this.top, this.tip);
    this.box = element("figure", {}, element("figcaption", {}, title), this.stage);
    this.draw = onFrame(() => this.drawNow());
    this.mark = onFrame(() => this.markNow());
    this.touch = onFrame(() => this.touchNow());
    this.hand = new Hand(this);
  }

  /** In units, not in CSS pixels; none before it was ever laid out. */
  get width() {
    return this.plane.frame?.width;
  }
  get height() {
    return this.plane.frame?.height;
  }

  /** Takes another size, and draws everything if it is another one. */
  resize(width, height) {
    const size = [width, height, textScale(), window.devicePixelRatio].join();
    if (!(width > 0) || this.size === size) return;
    this.size = size;
    this.plane.resize(width, height);
    this.pens = [this.base, this.middle, this.top].map((canvas) => this.plane.frame.pen(canvas));
    this.drawNow();
  }

  /** Everything, the points too. `draw` does it once a frame at most. */
  drawNow() {
    if (!this.pens) return;
    this.plane.settle();
    drawPoints(this.pens[0], this.plane, this.cloud, this.unit);
    this.markNow();
  }

  /** Rings, and what lies above them. `mark` does it once a frame at most. */
  markNow() {
    if (!this.pens) return;
    drawRings(this.pens[1], this.plane, this.cloud);
    this.top.setAttribute("aria-label", this.describe());
    this.touchNow();
  }

  /** What lies on top. `touch` does it once a frame at most. */
  touchNow() {
    if (this.pens) drawTouched(this.pens[2], this.plane, this.cloud, this.hand.trail);
  }

  describe() {
    const { removed, selected, truth } = this.cloud.channel.state;
    const called = wordsOf(this.cloud.meta);
    const words = [`${this.title}: scatter plot of ${this.cloud.n.toLocaleString("en-US")} ${called.items}`];
    if (truth) words.push(`${count(truth)} of them ${called.poison}`);
    if (removed) words.push(`${count(removed)} ${called.removed}`);
    if (count(selected)) words.push(`${count(selected)} selected`);
    return words.join(", ");
  }

  /** The window is made larger (a factor above 1) or smaller around a place of the data, its middle if none is given. */
  magnify(factor, centre) {
    this.plane.magnify(factor, centre);
    this.draw();
  }

  pan(window, start, here) {
    this.plane.pan(window, start, here);
    this.draw();
  }

  reset() {
    this.plane.zoom = null;
    this.draw();
  }

  svg() {
    return svgOf(this.plane, this.cloud, this.unit);
  }

  close() {
    for (const ask of [this.draw, this.mark, this.touch]) ask.cancel();
  }
}

// A plane to play with: drag a cluster of poison and see what it does to the measure of spread, by all points and by the
// trusted ones. Nothing is sent to the server.

const SEEN = { raw: "as it is", naive: "whitened by all", robust: "whitened by the trusted" };

class Toy {
  constructor(root) {
    this.world = new World();
    this.sight = new Sight(this.world, () => this.draw());
    this.readout = new Readout();
    this.canvas = element("canvas", { role: "img" });
    this.grip = element("div", { class: "handle", tabindex: "0", role: "application", "aria-roledescription": "movable cluster" });
    this.stage = element("div", { class: "stage toy" }, this.canvas, this.grip);
    this.bar = this.#buttons();
    this.holder = element("div", { class: "toybox" }, legendOf(), this.stage, this.bar, this.readout.table, this.readout.spoken);
    root.append(this.holder);
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
    this.onresize = () => this.layout();
    window.addEventListener("resize", this.onresize);
    this.look("raw");
    hearCluster(this);
  }

  /** meta: clean and poison (numbers of points), height, spare, seed, bare. */
  show(meta) {
    this.meta = meta;
    this.theme = themeOf(this.holder);
    this.world.deal(meta);
    this.#say();
    this.layout();
  }

  #buttons() {
    const bar = element("div", { class: "tools seen", role: "group", "aria-label": "How the points are seen" });
    for (const [name, words] of Object.entries(SEEN))
      bar.append(element("button", { type: "button", "data-view": name, onclick: () => this.look(name) }, words));
    bar.append(element("button", { type: "button", class: "back", onclick: () => this.putBack() }, "put it back"));
    return bar;
  }

  /** Turn the picture to another view: "raw", "naive" or "robust". */
  look(name) {
    for (const button of this.bar.querySelectorAll("[data-view]"))
      button.setAttribute("aria-pressed", String(button.dataset.view === name));
    this.sight.look(name);
  }

  move(place) {
    this.world.move(this.sight.within(place));
    this.touched = true;
    this.#say();
    this.draw();
  }

  putBack() {
    const [start, home] = [this.world.place, this.world.home];
    this.back = animate(300, (t) => this.move(start.map((v, i) => v + t * (home[i] - v))));
  }

  /** On its way back the cluster stops where it is. */
  stay() {
    this.back?.();
  }

  /** The cluster is about to be dragged: the view that it is dragged in. */
  hold() {
    this.stay();
    return this.sight.hold();
  }

  #say() {
    const words = this.readout.say(this.world, this.meta.bare);
    const { clean, poison } = this.world;
    this.canvas.setAttribute("aria-label", `${clean.length} clean points in a long ellipse and a cluster of ${poison.length} poisons. ${words}`);
    this.grip.setAttribute("aria-label", `The poison. Arrow keys move it, with Shift in larger steps. ${words}`);
  }

  layout() {
    const width = Math.floor(this.stage.clientWidth);
    if (!this.meta || !(width > 0)) return;
    this.sight.resize(width, heightFor(this.meta, width));
    this.pen = this.sight.frame.pen(this.canvas);
    this.draw();
  }

  draw() {
    if (!this.pen) return;
    const place = drawToy(this.pen, this.sight, this.world, this.theme);
    const { frame } = this.sight;
    [this.grip.style.left, this.grip.style.top] = place.map((length) => frame.css(length));
    if (!this.touched && this.sight.isPlain) drawHint(this.pen, place, this.theme);
  }

  repaint() {
    this.theme = themeOf(this.holder);
    this.draw();
  }

  close() {
    this.readout.close();
    this.stay();
    this.sight.close();
    this.observer.disconnect();
    window.removeEventListener("resize", this.onresize);
    this.holder.remove();
  }
}

export default mounting((root) => new Toy(root));

// How the toy is seen: as it is or whitened, on the way from one to the other, and held while the cluster is dragged.
// A view is a linear map: {centre, matrix [xx, xy, yy], unit (how long 1 is drawn)}.

const MARGIN = { left: 46, right: 12, top: 12, bottom: 42 };
const REACH = [9.4, 6.2]; // half of what the picture shows
const RING = 38; // between the cluster and the frame, so that its ring stays whole

class Sight {
  #from = "raw";
  #to = "raw";
  #mix = 1; // of the way between these two
  #held = null; // the view that stays while the cluster is dragged
  #let = null; // {view, mix}: the way back from it
  #halt; // ends what glides

  /** changed: called whenever the picture is to be drawn again. */
  constructor(world, changed) {
    Object.assign(this, { world, changed });
  }

  /** The picture takes another size, in CSS pixels. */
  resize(width, height) {
    this.frame = new Frame(MARGIN, width, height);
  }

  /** Glides to another view: "raw", "naive" or "robust". */
  look(name) {
    if (this.#to === name) return;
    this.#let = null;
    [this.#from, this.#to] = [this.#to, name];
    this.#halt?.();
    this.#halt = animate(700, (t) => {
      this.#mix = t;
      this.changed();
    });
  }

  /** What is dragged stays under the pointer: the view that stays until it is let go. */
  hold() {
    this.#halt?.();
    [this.#mix, this.#let] = [1, null];
    return (this.#held = this.#view(this.#to));
  }

  /** The whitening that was held while the cluster was dragged follows it now. */
  letGo() {
    const view = this.#held;
    this.#held = null;
    if (this.#to === "raw") return this.changed();
    this.#halt = animate(400, (t) => {
      this.#let = t < 1 ? { view, mix: t } : null;
      this.changed();
    });
  }

  /** The view of this moment. */
  now() {
    if (this.#held) return this.#held;
    if (this.#let) return between(this.#let.view, this.#view(this.#to), this.#let.mix);
    return between(this.#view(this.#from), this.#view(this.#to), this.#mix);
  }

  /** The view that it is nearer to. */
  get name() {
    return this.#mix < 0.5 ? this.#from : this.#to;
  }

  /** Whether the points are seen as they are, and nothing glides. */
  get isPlain() {
    return this.#to === "raw" && this.#mix === 1;
  }

  #view(name) {
    const { world, frame } = this;
    if (name === "raw") return { centre: [0, 0], matrix: [1, 0, 1], unit: plainUnit(frame) };
    const spread = name === "naive" ? world.all : world.robust;
    const radius = Math.max(4.5, Math.sqrt(far(spread, world.place)) + 1.2);
    return { centre: spread.mean, matrix: whitener(spread), unit: Math.min(frame.wide, frame.high) / (2 * radius) };
  }

  /** The nearest place to this one that the cluster may be dragged to: within what is seen of the points as they are. */
  within(place) {
    const { frame } = this;
    const unit = plainUnit(frame);
    const limits = [frame.wide, frame.high].map((side, i) => Math.min(REACH[i], side / (2 * unit) - RING / unit));
    return place.map((v, i) => Math.max(-limits[i], Math.min(v, limits[i])));
  }

  close() {
    this.#halt?.();
  }
}

const plainUnit = ({ wide, high }) => Math.min(wide / (2 * REACH[0]), high / (2 * REACH[1]));

function between(a, b, mix) {
  const part = (u, v) => u + mix * (v - u);
  return {
    centre: a.centre.map((v, i) => part(v, b.centre[i])),
    matrix: a.matrix.map((v, i) => part(v, b.matrix[i])),
    unit: a.unit * (b.unit / a.unit) ** mix,
  };
}

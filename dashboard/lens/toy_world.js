// The points of the toy: a long cluster of clean ones, the poison that is dragged, and what both measures of spread make of them.

const LONG = 3.2; // standard deviations of the clean points along the two axes of their ellipse
const SHORT = 0.5;
const TILT = (24 * Math.PI) / 180;
const ALARM = 3; // σ beyond which a point counts as unusual, and the size of the ellipses
const HOME = [1.5, -2.6]; // of the cluster, along the two axes

const turn = ([a, b]) => [a * Math.cos(TILT) - b * Math.sin(TILT), a * Math.sin(TILT) + b * Math.cos(TILT)];

class World {
  /** Other points, so many of them; the cluster stays where it is. */
  deal({ clean, poison, seed }) {
    const random = dice(seed);
    this.clean = Array.from({ length: clean }, () => normals(random)).map(([a, b]) => turn([LONG * a, SHORT * b]));
    this.around = Array.from({ length: poison }, () => normals(random).map((v) => 0.16 * v));
    this.home = turn(HOME);
    this.move(this.place ?? this.home);
  }

  /** The cluster to another place, and everything that follows from where the points are. */
  move(place) {
    this.place = place.slice();
    this.poison = this.around.map(([x, y]) => [x + place[0], y + place[1]]);
    const points = [...this.clean, ...this.poison];
    this.all = spreadOf(points);
    this.robust = robustSpread(points, points.length - 2 * this.poison.length);
    this.found = { all: this.#foundBy(this.all), robust: this.#foundBy(this.robust) };
    const out = this.#distance(place);
    this.farther = this.clean.filter((point) => this.#distance(point) > out).length;
  }

  /** How far out the cluster lies by one measure of spread, and how many points lie outside. */
  #foundBy(spread) {
    const beyond = (points) => points.filter((point) => far(spread, point) > ALARM ** 2).length;
    return { sigma: Math.sqrt(far(spread, this.place)), poison: beyond(this.poison), clean: beyond(this.clean) };
  }

  /** Plain distance from the middle of all points. */
  #distance([x, y]) {
    return Math.hypot(x - this.all.mean[0], y - this.all.mean[1]);
  }
}

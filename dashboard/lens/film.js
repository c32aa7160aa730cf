// The rounds of the robust filter as a film: which rows each one drops, and the ellipse of the rows still trusted.

class Film {
  constructor(root) {
    this.holder = element("div", { class: "film" });
    root.append(this.holder);
    this.channel = { state: {} };
    this.tool = "tap";
    this.crosses = true;
    this.mix = 0;
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
  }

  /** meta: channel, rounds [{words}], height; arrays: ids (n,), plane (n, 2), dropped (n,) the round of each row, 0 none, truth (n,) or empty. */
  show({ meta, arrays }) {
    this.pause();
    this.panel?.close();
    const round = this.dropped && equalArrays(this.dropped, arrays.dropped) ? this.round : 0; // the truth was switched
    this.meta = meta;
    this.ids = arrays.ids;
    this.n = this.ids.length;
    this.dropped = arrays.dropped;
    this.truth = arrays.truth.length ? arrays.truth : null;
    this.theme = themeOf(this.holder);
    this.panel = new Panel(this, [arrays.plane], "", meta.unit);
    this.ellipses = meta.rounds.map((_, round) => ellipseOf(arrays.plane, (row) => !this.dropped[row] || this.dropped[row] > round));
    const last = meta.rounds.length - 1;
    this.range = element("input", { type: "range", min: "0", max: String(last), step: "1", value: "0", "aria-label": "Round of the filter" });
    this.range.addEventListener("input", () => (this.pause(), this.go(Number(this.range.value))));
    this.note = element("p", { class: "note", "aria-live": "polite" });
    const button = (words, help, act) => element("button", { type: "button", title: help, onclick: act }, words);
    this.playing = button("Play", "Play all rounds", () => (this.timer ? this.pause() : this.play()));
    const step = (by) => () => (this.pause(), this.go(this.round + by));
    this.holder.replaceChildren(
      this.note,
      this.panel.box,
      element("div", { class: "slider" }, this.range),
      element("div", { class: "tools" }, button("Back", "One round back", step(-1)), this.playing, button("Step", "One round on", step(1)), button("First", "Before the first round", () => (this.pause(), this.go(0)))),
    );
    this.layout();
    this.go(round);
  }

  go(round) {
    this.round = Math.max(0, Math.min(round, this.meta.rounds.length - 1));
    this.range.value = String(this.round);
    this.range.setAttribute("aria-valuetext", this.meta.rounds[this.round].words);
    this.note.textContent = this.meta.rounds[this.round].words;
    this.panel.draw();
  }

  play() {
    if (this.round === this.meta.rounds.length - 1) this.go(0);
    this.playing.textContent = "Pause";
    const pause = Math.max(120, Math.min(900, 12_000 / this.meta.rounds.length));
    this.timer = setInterval(() => {
      this.go(this.round + 1);
      if (this.round === this.meta.rounds.length - 1) this.pause();
    }, pause);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    if (this.playing) this.playing.textContent = "Play";
  }

  layout() {
    this.panel?.resize(Math.floor(this.panel.stage.clientWidth), this.meta.height);
  }

  /** Trusted rows in colour or grey, those dropped before as crosses, those of this round ringed (through `channel`). */
  groups() {
    const kinds = { clean: [], poison: [], unknown: [] };
    for (let row = 0; row < this.n; row++) kinds[this.truth ? (this.truth[row] ? "poison" : "clean") : "unknown"].push(row);
    const crossed = new Uint8Array(this.n);
    const now = new Uint8Array(this.n);
    for (let row = 0; row < this.n; row++) {
      if (this.dropped[row] && this.dropped[row] < this.round) crossed[row] = 1;
      else if (this.round && this.dropped[row] === this.round) now[row] = 1;
    }
    this.channel.state = { removed: crossed, selected: now };
    return Object.entries(kinds).map(([kind, rows]) => ({ rows, colour: COLOURS[kind], diamond: kind === "poison" }));
  }

  /** Drawn by the panel on top of its rings. */
  draw(pen, plane) {
    const curve = this.ellipses[this.round];
    if (!curve) return;
    pen.beginPath();
    curve.forEach(([x, y], i) => (i ? pen.lineTo(plane.x(x), plane.y(y)) : pen.moveTo(plane.x(x), plane.y(y))));
    pen.closePath();
    pen.strokeStyle = COLOURS.trusted;
    pen.lineWidth = 2.5;
    pen.stroke();
  }

  words(row) {
    const round = this.dropped[row];
    return `example ${this.ids[row]} · ${round ? `dropped in round ${round}` : "trusted to the end"}`;
  }

  look() {}
  select() {}

  repaint() {
    this.theme = themeOf(this.holder);
    this.panel.draw();
  }

  close() {
    this.panel?.close();
    this.pause();
    this.observer.disconnect();
    this.holder.remove();
  }
}

function equalArrays(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** The ellipse of two standard deviations of the rows for which `is` holds: 73 places on it. */
function ellipseOf(plane, is) {
  let [n, mx, my] = [0, 0, 0];
  for (let i = 0; i < plane.length; i += 2) if (is(i / 2)) [n, mx, my] = [n + 1, mx + plane[i], my + plane[i + 1]];
  if (n < 3) return null;
  [mx, my] = [mx / n, my / n];
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < plane.length; i += 2) {
    if (!is(i / 2)) continue;
    const [dx, dy] = [plane[i] - mx, plane[i + 1] - my];
    [xx, xy, yy] = [xx + dx * dx, xy + dx * dy, yy + dy * dy];
  }
  [xx, xy, yy] = [xx / n, xy / n, yy / n];
  const a = Math.sqrt(Math.max(xx, 1e-12)); // Cholesky factor: the circle it maps is the ellipse
  const [b, c] = [xy / a, Math.sqrt(Math.max(yy - (xy / a) ** 2, 1e-12))];
  return Array.from({ length: 73 }, (_, i) => {
    const [u, v] = [2 * Math.cos((i * Math.PI) / 36), 2 * Math.sin((i * Math.PI) / 36)];
    return [mx + a * u, my + b * u + c * v];
  });
}

export default mounting((root) => new Film(root));

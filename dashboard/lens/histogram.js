// How the scores are spread, and a cut that is dragged: what it removes is ringed in every picture while it moves.

const SIDES = { left: 52, right: 14, top: 30, bottom: 42 };
const BINS = 60;

class Histogram {
  constructor(root, send) {
    this.send = send;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.grip = element("div", { class: "grip", role: "slider", tabindex: "0", "aria-label": "Cut: images removed, highest scores first" });
    this.words = element("p", { class: "note", "aria-live": "polite" });
    this.stage = element("div", { class: "stage" }, this.canvas, this.grip);
    const button = (words, help, act) => element("button", { type: "button", title: help, "aria-label": help, onclick: act }, words);
    this.files = element("div", { class: "files" }, button("PNG", "Save the histogram as PNG", () => this.png()), button("CSV", "Save the scores as CSV", () => this.csv()));
    this.holder = element("div", { class: "histogram" }, this.words, this.stage, this.files);
    root.append(this.holder);
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
    this.onresize = () => this.layout();
    window.addEventListener("resize", this.onresize);
    this.draw = onFrame(() => this.drawNow());
    this.#hear();
  }

  /** meta: channel, name, log, height, cut, total; arrays: scores (n,), ids (n,). */
  show({ meta, arrays }) {
    this.meta = meta;
    this.ids = arrays.ids;
    this.take(arrays.scores);
    this.files.hidden = meta.bare === true;
    this.forget?.();
    this.channel = channelOf(meta.channel);
    this.forget = listen(this.channel, (changes) => this.heard(changes));
    this.theme = themeOf(this.holder);
    this.grip.hidden = meta.fixed === true;
    this.layout();
  }

  /** Other scores (n,) of the same rows. */
  take(scores) {
    this.scores = scores;
    this.n = scores.length;
    this.values = this.meta.log ? Float64Array.from(scores, Math.log10) : Float64Array.from(scores);
    this.order = Float64Array.from(scores).sort().reverse();
    [this.low, this.high] = this.meta.span ?? sample(this.values);
    if (!(this.high > this.low)) this.high = this.low + 1;
    this.bins = Int16Array.from(this.values, (v) => Math.max(0, Math.min(BINS - 1, Math.floor(((v - this.low) / (this.high - this.low)) * BINS))));
    this.tallied = null;
  }

  heard(changes) {
    if ("truth" in changes || "removed" in changes || "focus" in changes) this.draw();
  }

  /** The cut in scores for a number of rows; rows at or above it are removed, ties too. */
  cutFor(number) {
    return number <= 0 ? Infinity : this.order[Math.min(number, this.n) - 1];
  }

  get removedCount() {
    return count(this.channel.state.removed);
  }

  layout() {
    if (!this.meta) return;
    const width = Math.floor(this.stage.clientWidth);
    if (!(width > 0)) return;
    this.scale = textScale();
    [this.width, this.height] = [width / this.scale, heightFor(this.meta, width) / this.scale];
    this.pen = fit(this.canvas, this.width, this.height, this.scale);
    this.drawNow();
  }

  x(value) {
    return SIDES.left + ((value - this.low) / (this.high - this.low)) * (this.width - SIDES.left - SIDES.right);
  }
  #value(px) {
    return this.low + ((px - SIDES.left) / (this.width - SIDES.left - SIDES.right)) * (this.high - this.low);
  }

  #tally() {
    const { truth } = this.channel.state;
    if (this.tallied && this.tallied.truth === truth) return this.tallied.kinds;
    const groups = truth
      ? [["clean", COLOURS.clean, (row) => !truth[row]], ["poison", COLOURS.poison, (row) => truth[row]]]
      : [["truth hidden", COLOURS.unknown, () => true]];
    const kinds = groups.map(([name, colour, is]) => {
      const bars = new Int32Array(BINS);
      for (let row = 0; row < this.n; row++) if (is(row)) bars[this.bins[row]]++;
      return { name, colour, bars };
    });
    this.tallied = { truth, kinds };
    return kinds;
  }

  drawNow() {
    if (!this.pen) return;
    const pen = this.pen;
    const theme = this.theme;
    const kinds = this.#tally();
    const peak = Math.max(1, ...kinds.flatMap((kind) => [...kind.bars]));
    const floor = this.height - SIDES.bottom;
    const y = (number) => floor - Math.sqrt(number / peak) * (floor - SIDES.top);
    pen.clearRect(0, 0, this.width, this.height);
    pen.font = '12px "Source Sans", "Source Sans Pro", sans-serif';
    this.#axes(pen, theme, y, peak, floor);
    const wide = (this.width - SIDES.left - SIDES.right) / BINS;
    for (const { colour, bars, name } of kinds) {
      pen.globalAlpha = 0.85;
      pen.fillStyle = colour;
      bars.forEach((number, bin) => {
        if (!number) return;
        const [left, top] = [SIDES.left + bin * wide, y(number)];
        pen.fillRect(left, top, Math.max(wide - 1, 1), floor - top);
        if (name === "poison") this.#hatch(pen, left, top, Math.max(wide - 1, 1), floor - top);
      });
    }
    pen.globalAlpha = 1;
    this.#cut(pen, theme, floor);
    this.#legend(pen, theme, kinds);
  }

  #hatch(pen, left, top, width, height) {
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width, height);
    pen.clip();
    pen.strokeStyle = this.theme.ground;
    pen.globalAlpha = 0.6;
    pen.beginPath();
    for (let at = -height; at < width; at += 6) {
      pen.moveTo(left + at, top + height);
      pen.lineTo(left + at + height, top);
    }
    pen.stroke();
    pen.restore();
  }

  #axes(pen, theme, y, peak, floor) {
    pen.strokeStyle = theme.faint;
    pen.lineWidth = 1;
    pen.fillStyle = theme.quiet;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    let last = Infinity;
    for (const number of [0, 1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000].filter((v) => v <= peak)) {
      const at = Math.round(y(number)) + 0.5;
      if (last - at < 14) continue;
      last = at;
      pen.beginPath();
      pen.moveTo(SIDES.left, at);
      pen.lineTo(this.width - SIDES.right, at);
      pen.stroke();
      pen.fillText(number.toLocaleString("en-US"), SIDES.left - 6, at);
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const span = this.meta.log ? this.#powers() : ticks(this.low, this.high, this.width / 80);
    for (const at of span) pen.fillText(numberText(this.meta.log ? 10 ** at : at), this.x(at), floor + 5);
    pen.fillStyle = theme.ink;
    pen.textBaseline = "alphabetic";
    pen.fillText(this.meta.axis ?? `${this.meta.name} score${this.meta.log ? " (log scale)" : ""}`, (SIDES.left + this.width) / 2, this.height - 6);
    pen.save();
    pen.translate(12, (SIDES.top + floor) / 2);
    pen.rotate(-Math.PI / 2);
    pen.fillText("images (root scale)", 0, 0);
    pen.restore();
  }

  #powers() {
    const steps = [];
    for (let power = Math.floor(this.low); power <= this.high; power++)
      for (const f of [1, 2, 5]) {
        const at = power + Math.log10(f);
        if (at >= this.low && at <= this.high) steps.push(at);
      }
    const apart = Math.ceil(steps.length / Math.max(2, this.width / 60));
    return steps.filter((_, i) => i % apart === 0);
  }

  #cut(pen, theme, floor) {
    const { removed } = this.channel.state;
    let lowest = Infinity;
    if (removed) for (let row = 0; row < this.n; row++) if (removed[row] && this.values[row] < lowest) lowest = this.values[row];
    const bin = (this.width - SIDES.left - SIDES.right) / BINS;
    const at = Number.isFinite(lowest) ? Math.max(SIDES.left, Math.min(this.x(lowest), this.width - SIDES.right)) : this.width - SIDES.right + bin / 2;
    this.place = this.dragged ?? at;
    pen.fillStyle = theme.ink;
    pen.globalAlpha = 0.07;
    pen.fillRect(this.place, SIDES.top - 8, this.width - SIDES.right + 8 - this.place, floor - SIDES.top + 8);
    pen.globalAlpha = 1;
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2;
    pen.setLineDash([6, 4]);
    pen.beginPath();
    pen.moveTo(this.place, SIDES.top - 8);
    pen.lineTo(this.place, floor);
    pen.stroke();
    pen.setLineDash([]);
    const number = this.removedCount;
    this.grip.style.left = `${this.place * this.scale}px`;
    this.grip.style.height = `${(floor - SIDES.top + 16) * this.scale}px`;
    this.grip.style.top = `${(SIDES.top - 12) * this.scale}px`;
    for (const [name, value] of Object.entries({ valuemin: 0, valuemax: this.n, valuenow: number, valuetext: `${number} of ${this.n} images removed` }))
      this.grip.setAttribute(`aria-${name}`, String(value));
    this.words.textContent = this.said(number);
  }

  said(number) {
    const { truth, removed } = this.channel.state;
    const text = (amount) => amount.toLocaleString("en-US");
    const start = `removed: ${text(number)} of ${text(this.n)}`;
    if (!truth || !removed) return start;
    let hit = 0;
    for (let row = 0; row < this.n; row++) if (removed[row] && truth[row]) hit++;
    return `${start} · poison ${text(hit)} of ${text(count(truth))} · clean ${text(number - hit)} of ${text(this.n - count(truth))}`;
  }

  #legend(pen, theme, kinds) {
    let x = SIDES.left;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    for (const { name, colour } of kinds) {
      pen.fillStyle = colour;
      pen.fillRect(x, 6, 11, 11);
      if (name === "poison") this.#hatch(pen, x, 6, 11, 11);
      pen.fillStyle = theme.ink;
      pen.fillText(name, x + 16, 12);
      x += 32 + pen.measureText(name).width;
    }
    pen.textAlign = "right";
    if (!this.meta.fixed) pen.fillText("drag the cut ↔", this.width - SIDES.right, 12);
  }

  #move(px) {
    this.dragged = Math.max(SIDES.left, Math.min(px, this.width - SIDES.right + 8));
    this.follow ??= onFrame(() => {
      if (this.dragged !== null) this.#cutAt(this.#value(this.dragged));
    });
    this.follow();
  }

  #cutAt(cut) {
    const removed = new Uint8Array(this.n);
    for (let row = 0; row < this.n; row++) removed[row] = this.values[row] >= cut ? 1 : 0;
    tell(this.channel, { removed });
  }

  #remove(number) {
    const cut = this.cutFor(Math.max(0, Math.min(number, this.n)));
    tell(this.channel, { removed: Uint8Array.from(this.scores, (score) => (score >= cut ? 1 : 0)) });
    this.#say(250); // one answer for a row of key presses
  }

  /** Tells the server in a while; what it says of earlier cuts no longer counts. */
  #say(wait) {
    const at = (this.channel.moved = Math.max(Date.now(), (this.channel.moved ?? 0) + 1));
    const move = { count: this.removedCount, at };
    clearTimeout(this.pending);
    if (wait) this.pending = setTimeout(() => this.send("cut", move), wait);
    else this.send("cut", move);
  }

  #hear() {
    let holds = false;
    const at = (event) => (event.clientX - this.stage.getBoundingClientRect().left) / this.scale;
    this.stage.addEventListener("pointerdown", (event) => {
      if (this.meta.fixed || event.button) return;
      const onGrip = event.target === this.grip;
      if (!onGrip && event.pointerType === "touch") return; // the page scrolls; the grip is wide
      holds = true;
      this.dragged = null;
      this.grip.focus({ preventScroll: true });
      this.stage.setPointerCapture(event.pointerId);
      this.#move(at(event));
      event.preventDefault();
    });
    this.stage.addEventListener("pointermove", (event) => holds && this.#move(at(event)));
    for (const end of ["pointerup", "pointercancel"])
      this.stage.addEventListener(end, () => {
        if (!holds) return;
        holds = false;
        this.#cutAt(this.#value(this.dragged)); // where it was let go, also where no frame came since
        this.dragged = null;
        this.draw();
        this.#say(0);
      });
    this.grip.addEventListener("keydown", (event) => {
      const by = { ArrowRight: -1, ArrowUp: 1, ArrowLeft: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      const to = { Home: 0, End: this.n }[event.key] ?? (by === undefined ? undefined : this.removedCount + by);
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.#remove(to);
    });
  }

  png() {
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = [this.canvas.width, this.canvas.height];
    const pen = sheet.getContext("2d");
    pen.fillStyle = this.theme.ground;
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.drawImage(this.canvas, 0, 0);
    sheet.toBlob((blob) => save(`${this.meta.file}.png`, blob), "image/png");
  }

  csv() {
    const { removed, truth } = this.channel.state;
    const lines = [["id", "score", ...(removed ? ["removed"] : []), ...(truth ? ["poison"] : [])].join(",")];
    for (let row = 0; row < this.n; row++)
      lines.push([this.ids[row], this.scores[row], ...[removed, truth].filter(Boolean).map((mask) => (mask[row] ? "True" : "False"))].join(","));
    save(`${this.meta.file}.csv`, lines.join("\n") + "\n", "text/csv");
  }

  repaint() {
    this.theme = themeOf(this.holder);
    this.draw();
  }

  close() {
    clearTimeout(this.pending);
    this.draw.cancel();
    this.forget?.();
    this.observer.disconnect();
    window.removeEventListener("resize", this.onresize);
    this.holder.remove();
  }
}

/** The extremes of a long array without a call of as many arguments. */
function sample(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

export default mounting((root, send) => new Histogram(root, send));

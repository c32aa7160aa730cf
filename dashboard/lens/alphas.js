// The same histogram for several scores of the same rows, under one slider that answers in the browser.

class Alphas extends Histogram {
  constructor(root, send) {
    super(root, send);
    this.range = element("input", { type: "range", min: "0", step: "1" });
    this.names = element("div", { class: "stops" });
    this.ends = element("div", { class: "ends" });
    this.files.before(element("div", { class: "slider" }, this.range, this.names, this.ends));
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    this.words.classList.add("large");
  }

  /** meta as for a histogram, and stops [{name, title}], start, remove (rows), slider; arrays: ids (n,), scores (stops, n), truth (n,). */
  show({ meta, arrays }) {
    const { ids, scores, truth } = arrays;
    if (this.meta) remember(this.channel, this.at);
    const start = recall(channelOf(meta.channel)) ?? meta.start;
    this.at = start;
    this.rows = meta.stops.map((_, i) => scores.subarray(i * ids.length, (i + 1) * ids.length));
    this.truth = truth;
    super.show({ meta: { ...meta, fixed: true }, arrays: { ids, scores: this.rows[start] } });
    this.range.max = String(meta.stops.length - 1);
    this.range.setAttribute("aria-label", meta.slider);
    this.names.replaceChildren(...meta.stops.map((stop, i) => {
      const press = () => this.go(i);
      return element("button", { type: "button", title: stop.title, onclick: press }, stop.name);
    }));
    this.ends.replaceChildren(...(meta.ends ?? []).map((words) => element("span", {}, words)));
    this.go(start);
  }

  close() {
    if (this.meta) remember(this.channel, this.at);
    super.close();
  }

  go(stop) {
    this.at = stop;
    this.take(this.rows[stop]);
    this.range.value = String(stop);
    const removed = this.scores.highest(this.meta.remove);
    tell(this.channel, { removed, truth: this.truth });
    this.range.setAttribute("aria-valuetext", `${this.meta.stops[stop].title}: ${this.said(count(removed))}`);
    [...this.names.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === stop)));
  }

  said(number) {
    const { removed } = this.channel.state;
    const { given, n } = this.scores;
    let hit = 0;
    for (let row = 0; row < n; row++) if (removed?.[row] && this.truth[row]) hit++;
    const total = count(this.truth);
    const { name } = this.meta.stops[this.at];
    if (!total) return `α = ${name}: removes ${number.toLocaleString("en-US")} images, all of them clean${this.#below()}`;
    const half = (of) => given.filter((_, row) => Boolean(this.truth[row]) === of).sort()[Math.floor((of ? total : n - total) / 2)];
    const times = half(true) / half(false);
    const ratio = Number.isFinite(times) ? `; a typical poison scores ${numberText(Number(times.toPrecision(2)))} × a typical clean image` : "";
    return `α = ${name}: finds ${hit} of ${total} poisons among ${number.toLocaleString("en-US")} removed${ratio}${this.#below()}`;
  }

  /** Why the first bar is tall: along one direction alone many scores are next to nothing. */
  #below() {
    const { values, low, n } = this.scores;
    const number = values.reduce((sum, value) => sum + (value < low ? 1 : 0), 0);
    return number > 0.02 * n ? `; the first bar also counts ${number.toLocaleString("en-US")} that score less than the axis shows` : "";
  }
}

export default mounting((root, send) => new Alphas(root, send));

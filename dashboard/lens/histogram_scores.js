// The scores of a histogram: where they lie on its axis, how many lie in each bar, and which of them a cut removes.

const SIDES = { left: 52, right: 14, top: 30, bottom: 42 };
const BINS = 60;

class Scores {
  /** Other scores (n,). log: they lie on a log axis; span: its ends, else it holds all of them. */
  take(given, { log, span }) {
    Object.assign(this, { given, log });
    this.n = given.length;
    this.values = log ? Float64Array.from(given, Math.log10) : Float64Array.from(given); // on the axis
    this.order = Float64Array.from(given).sort().reverse();
    [this.low, this.high] = span ?? extremes(this.values);
    if (!(this.high > this.low)) this.high = this.low + 1;
    this.bins = Int16Array.from(this.values, (v) => Math.max(0, Math.min(BINS - 1, Math.floor(((v - this.low) / (this.high - this.low)) * BINS))));
    this.tallied = null;
  }

  /** The picture takes another size, in CSS pixels. */
  resize(width, height) {
    this.frame = new Frame(SIDES, width, height);
  }

  x(value) {
    return this.frame.left + ((value - this.low) / (this.high - this.low)) * this.frame.wide;
  }
  value(px) {
    return this.low + ((px - this.frame.left) / this.frame.wide) * (this.high - this.low);
  }

  /** How many rows lie in each bar, of each kind that can be told apart: [{name, colour, bars}]. words: see wordsOf. */
  tally(truth, words) {
    if (this.tallied && this.tallied.truth === truth) return this.tallied.kinds;
    const groups = truth
      ? [[words.clean, words.plain ? COLOURS.unknown : COLOURS.clean, (row) => !truth[row]], [words.poison, COLOURS.poison, (row) => truth[row]]]
      : [[words.hidden, COLOURS.unknown, () => true]];
    const kinds = groups.map(([name, colour, is]) => {
      const bars = new Int32Array(BINS);
      for (let row = 0; row < this.n; row++) if (is(row)) bars[this.bins[row]]++;
      return { name, colour, bars };
    });
    this.tallied = { truth, kinds };
    return kinds;
  }

  /** A mask of so many rows of the highest scores, and of what ties with the last of them. */
  highest(number) {
    const cut = number <= 0 ? Infinity : this.order[Math.min(number, this.n) - 1];
    return Uint8Array.from(this.given, (score) => (score >= cut ? 1 : 0));
  }

  /** A mask of the rows at a place of the picture, or to the right of it. */
  rightOf(px) {
    const cut = this.value(px);
    return Uint8Array.from(this.values, (value) => (value >= cut ? 1 : 0));
  }

  /** Where the cut stands that removes these rows: at the lowest of them, behind the last bar if there are none. */
  cutOf(removed) {
    const { left, right, wide } = this.frame;
    let lowest = Infinity;
    if (removed) for (let row = 0; row < this.n; row++) if (removed[row] && this.values[row] < lowest) lowest = this.values[row];
    return Number.isFinite(lowest) ? Math.max(left, Math.min(this.x(lowest), right)) : right + wide / BINS / 2;
  }
}

/** The extremes of a long array without a call of as many arguments. */
function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

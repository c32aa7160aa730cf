// How the scores are spread, and a cut that is dragged: what it removes is ringed in every picture while it moves.

class Histogram {
  constructor(root, send) {
    this.send = send;
    this.scores = new Scores();
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.grip = element("div", { class: "grip", role: "slider", tabindex: "0", "aria-label": "Cut: images removed, highest scores first" });
    this.words = element("p", { class: "note", "aria-live": "polite" });
    this.stage = element("div", { class: "stage" }, this.canvas, this.grip);
    const button = (words, help, act) => element("button", { type: "button", title: help, "aria-label": help, onclick: act }, words);
    this.files = element("div", { class: "files" },
      button("PNG", "Save the histogram as PNG", () => this.png()),
      button("CSV", "Save the scores as CSV", () => this.csv()));
    this.holder = element("div", { class: "histogram" }, this.words, this.stage, this.files);
    root.append(this.holder);
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
    this.onresize = () => this.layout();
    window.addEventListener("resize", this.onresize);
    this.draw = onFrame(() => this.drawNow());
    hearCut(this);
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
    this.scores.take(scores, this.meta);
  }

  heard(changes) {
    if ("truth" in changes || "removed" in changes || "focus" in changes) this.draw();
  }

  get removedCount() {
    return count(this.channel.state.removed);
  }

  layout() {
    if (!this.meta) return;
    const width = Math.floor(this.stage.clientWidth);
    if (!(width > 0)) return;
    this.scores.resize(width, heightFor(this.meta, width));
    this.pen = this.scores.frame.pen(this.canvas);
    this.drawNow();
  }

  drawNow() {
    if (!this.pen) return;
    const { truth, removed } = this.channel.state;
    const { axis, name, log, fixed } = this.meta;
    const cut = this.dragged ?? this.scores.cutOf(removed);
    const title = axis ?? `${name} score${log ? " (log scale)" : ""}`;
    const called = wordsOf(this.meta);
    drawHistogram(this.pen, this.scores, this.theme, { kinds: this.scores.tally(truth, called), cut, title, fixed, items: called.items });
    this.#describe(cut);
  }

  /** The grip at the place of the cut, and in words what it removes. */
  #describe(cut) {
    const { frame, n } = this.scores;
    const number = this.removedCount;
    this.grip.style.left = frame.css(cut);
    this.grip.style.height = frame.css(frame.floor - frame.top + 16);
    this.grip.style.top = frame.css(frame.top - 12);
    const said = { valuemin: 0, valuemax: n, valuenow: number, valuetext: `${number} of ${n} ${wordsOf(this.meta).items} removed` };
    for (const [name, value] of Object.entries(said)) this.grip.setAttribute(`aria-${name}`, String(value));
    this.words.textContent = this.said(number);
  }

  said(number) {
    const { truth, removed } = this.channel.state;
    const { n } = this.scores;
    const text = (amount) => amount.toLocaleString("en-US");
    const called = wordsOf(this.meta);
    const start = `${called.removed}: ${text(number)} of ${text(n)}`;
    if (!truth || !removed) return start;
    let hit = 0;
    for (let row = 0; row < n; row++) if (removed[row] && truth[row]) hit++;
    return `${start} · ${called.poison} ${text(hit)} of ${text(count(truth))} · ${called.clean} ${text(number - hit)} of ${text(n - count(truth))}`;
  }

  /** The cut is held at a place of the picture; the channel hears of it once a frame at most. */
  drag(px) {
    const { left, right } = this.scores.frame;
    this.dragged = Math.max(left, Math.min(px, right + 8));
    this.follow ??= onFrame(() => {
      if (this.dragged !== null) this.#removeFrom(this.dragged);
    });
    this.follow();
  }

  letGo() {
    this.#removeFrom(this.dragged); // where it was let go, also where no frame came since
    this.dragged = null;
    this.draw();
    this.#say(0);
  }

  #removeFrom(px) {
    tell(this.channel, { removed: this.scores.rightOf(px) });
  }

  /** So many of the highest scores. */
  remove(number) {
    tell(this.channel, { removed: this.scores.highest(number) });
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
    const { given, n } = this.scores;
    const called = wordsOf(this.meta);
    const lines = [["id", "score", ...(removed ? [called.removed] : []), ...(truth ? [called.poison] : [])].join(",")];
    for (let row = 0; row < n; row++)
      lines.push([this.ids[row], given[row], ...[removed, truth].filter(Boolean).map((mask) => (mask[row] ? "True" : "False"))].join(","));
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

export default mounting((root, send) => new Histogram(root, send));

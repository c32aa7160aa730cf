// Clouds of points side by side: the same rows in several projections, brushed together. Nothing is redrawn by the server:
// what is removed, selected, looked at or revealed comes over the channel and is drawn on top.

class Cloud {
  constructor(root, send) {
    this.send = send;
    this.holder = element("div", { class: "cloud" });
    root.append(this.holder);
    this.mix = 0;
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.holder);
    this.onresize = () => this.layout();
    window.addEventListener("resize", this.onresize);
    this.tool = window.matchMedia("(pointer: coarse)").matches ? "tap" : "lasso"; // a finger scrolls first
  }

  /** New data: another run. */
  show({ meta, arrays }) {
    if (this.meta?.path) remember(this.channel, this.panels[0].plane.position);
    this.meta = meta;
    this.ids = arrays.ids;
    this.n = this.ids.length;
    this.all = null;
    this.panels?.forEach((panel) => panel.close());
    this.forget?.();
    this.channel = channelOf(meta.channel);
    this.forget = listen(this.channel, (changes) => this.heard(changes));
    this.theme = themeOf(this.holder);
    this.mix = this.channel.state.truth ? 1 : 0;
    this.shown = this.channel.state.truth ?? null;
    if (meta.brush === false) this.tool = "tap"; // nothing to draw around
    const views = meta.views.map((view) => arrays[view.name]);
    this.masks = meta.views.map((view) => arrays[`${view.name} removed`]);
    this.panels = meta.path
      ? [new Panel(this, views, meta.title ?? "", meta.unit)]
      : meta.views.map((view, i) => new Panel(this, [views[i]], view.title, view.unit));
    const row = element("div", { class: meta.path ? "panels one" : "panels" }, ...this.panels.map((p) => p.box));
    this.holder.replaceChildren(...(meta.brush === false ? [] : [this.tools()]), row);
    if (meta.lead !== undefined) this.holder.append(this.#others(row));
    if (meta.path) this.holder.append(this.slider());
    if (!meta.bare) this.holder.append(this.exporter());
    this.layout();
  }

  /** On a narrow screen the leading picture comes first and the others fold. */
  #others(row) {
    row.classList.add("led");
    this.panels[this.meta.lead].box.classList.add("lead");
    const rest = this.panels.filter((_, i) => i !== this.meta.lead).map((panel) => panel.title);
    const button = element("button", { type: "button", class: "unfold", "aria-expanded": "false" }, `Show also: ${rest.join(", ")}`);
    button.addEventListener("click", () => {
      const open = row.classList.toggle("open");
      button.setAttribute("aria-expanded", String(open));
      this.layout();
    });
    return button;
  }

  tools() {
    const kinds = { lasso: ["Lasso", "Draw around points to select them"], box: ["Box", "Drag a box over points (or hold Shift)"],
      move: ["Move", "Drag to move, scroll to zoom, double click to reset"], tap: ["Tap", "Click a point to look at it; the page scrolls freely"] };
    const bar = element("div", { class: "tools", role: "radiogroup", "aria-label": "What dragging does in the pictures" });
    for (const [tool, [words, help]] of Object.entries(kinds)) {
      const button = element("button", { type: "button", role: "radio", title: help, "data-tool": tool }, words);
      button.addEventListener("click", () => this.use(tool));
      bar.append(button);
    }
    const zoom = (words, help, act) => element("button", { type: "button", title: help, "aria-label": help, onclick: act }, words);
    bar.append(
      zoom("+", "Zoom in", () => this.seen.forEach((p) => p.magnify(1 / 1.4))),
      zoom("−", "Zoom out", () => this.seen.forEach((p) => p.magnify(1.4))),
      zoom("Reset", "Reset the zoom", () => this.panels.forEach((p) => p.reset())),
    );
    this.bar = bar;
    this.use(this.tool);
    return bar;
  }

  /** Those that have been laid out: on a phone all but one are folded at first. */
  get seen() {
    return this.panels.filter((panel) => panel.plane.frame);
  }

  #nameOf(panel) {
    const place = this.meta.path ? Math.round(panel.plane.position) : this.panels.indexOf(panel);
    return this.meta.views[place]?.name ?? place;
  }

  use(tool) {
    this.tool = tool;
    for (const button of this.bar.querySelectorAll("[data-tool]"))
      button.setAttribute("aria-checked", String(button.dataset.tool === tool));
    for (const panel of this.panels ?? []) panel.top.style.touchAction = tool === "tap" ? "auto" : "none";
  }

  /** The slider from the first view to the last; it answers in the browser. */
  slider() {
    const stops = this.meta.views;
    const range = element("input", {
      type: "range", min: "0", max: String(stops.length - 1), step: "0.02", value: String(recall(this.channel) ?? this.meta.start ?? 0),
      "aria-label": this.meta.slider ?? "View", class: "path",
    });
    const names = element("div", { class: "stops" });
    stops.forEach((stop, i) => {
      const go = () => this.glide(range, i);
      names.append(element("button", { type: "button", onclick: go }, stop.title));
    });
    const note = element("p", { class: "note", "aria-live": "polite" });
    const move = () => {
      this.panels[0].plane.position = Number(range.value);
      this.panels[0].unit = stops[Math.round(Number(range.value))].unit;
      this.panels[0].draw();
      const near = Math.round(Number(range.value));
      const exact = Math.abs(Number(range.value) - near) < 0.011;
      const from = stops[Math.floor(Number(range.value))];
      const words = exact ? `${stops[near].title}: ${stops[near].note}` : `between ${from.title} and ${stops[Math.ceil(Number(range.value))].title}`;
      note.textContent = words;
      const mask = this.masks[near]; // what the nearest view removes
      if (mask && this.channel.state.removed !== mask) tell(this.channel, { removed: mask });
      range.setAttribute("aria-valuetext", words);
      [...names.children].forEach((b, i) => b.setAttribute("aria-pressed", String(exact && i === near)));
    };
    for (const hand of ["pointerdown", "keydown", "input"]) range.addEventListener(hand, () => this.halt?.()); // it wins over a glide
    range.addEventListener("input", move);
    range.addEventListener("keydown", (event) => {
      // a press of an arrow key is a step that can be seen; Home and End are the browser's own
      const by = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1 }[event.key];
      if (!by) return;
      event.preventDefault();
      range.value = String(Number(range.value) + by);
      move();
    });
    this.panels[0].plane.position = Number(range.value);
    requestAnimationFrame(move);
    this.moved = move;
    return element("div", { class: "slider" }, note, range, names);
  }

  glide(range, to) {
    const from = Number(range.value);
    this.halt?.();
    this.halt = animate(900 * Math.abs(to - from), (t) => {
      range.value = String(from + (to - from) * t);
      this.moved();
    });
  }

  exporter() {
    const name = this.meta.file ?? "points";
    const button = (words, help, act) => element("button", { type: "button", title: help, "aria-label": help, onclick: act }, words);
    return element(
      "div", { class: "files" },
      button("PNG", "Save the pictures as PNG", () => this.png(name)),
      button("SVG", "Save the pictures as SVG", () => this.seen.forEach((p) => save(`${name}-${this.#nameOf(p)}.svg`, p.svg(), "image/svg+xml"))),
      button("CSV", "Save the points as CSV", () => save(`${name}.csv`, this.csv(), "text/csv")),
    );
  }

  png(name) {
    const [gap, head] = [12, 66];
    const [width, height] = [this.seen.reduce((w, p) => w + p.width + gap, -gap), this.seen[0].height];
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = [2 * width, 2 * (height + head)];
    const pen = sheet.getContext("2d");
    pen.scale(2, 2);
    pen.fillStyle = this.theme.ground;
    pen.fillRect(0, 0, width, height + head);
    this.#caption(pen, name);
    let x = 0;
    for (const panel of this.seen) {
      pen.fillStyle = this.theme.ink;
      pen.font = "600 14px sans-serif";
      pen.fillText(panel.title, x + EDGE.left, head - 8);
      for (const layer of [panel.base, panel.middle, panel.top]) pen.drawImage(layer, x, head, panel.width, panel.height);
      x += panel.width + gap;
    }
    sheet.toBlob((blob) => save(`${name}.png`, blob), "image/png");
  }

  /** Above a saved picture: what it is of, and what its marks mean. */
  #caption(pen, name) {
    const { removed, selected, truth } = this.channel.state;
    const number = (value) => value.toLocaleString("en-US");
    const called = wordsOf(this.meta);
    const marks = truth
      ? [["dot", COLOURS.clean, `clean ${number(this.n - count(truth))}`], ["diamond", COLOURS.poison, `poison ${number(count(truth))}`]]
      : [["dot", COLOURS.unknown, `${number(this.n)} ${called.items}, ${called.hidden}`]];
    if (count(removed)) marks.push([this.n > 4000 ? "cross" : "ring", this.theme.ink, `${called.removed} ${number(count(removed))}`]);
    if (count(selected)) marks.push(["ring", COLOURS.selected, `selected ${number(count(selected))}`]);
    pen.fillStyle = this.theme.ink;
    pen.font = "600 14px sans-serif";
    pen.fillText(name, EDGE.left, 16);
    pen.font = "13px sans-serif";
    let x = EDGE.left;
    for (const [kind, colour, words] of marks) {
      const { canvas, half } = stamp(kind, colour, 5);
      pen.drawImage(canvas, x, 30 - half, 2 * half, 2 * half);
      pen.fillStyle = this.theme.ink;
      pen.fillText(words, x + 18, 35);
      x += 36 + pen.measureText(words).width;
    }
  }

  csv() {
    const { removed, selected, truth } = this.channel.state;
    const called = wordsOf(this.meta);
    const names = this.meta.views.flatMap((view) => [`${view.name}_1`, `${view.name}_2`]);
    const marks = [[called.removed, removed], ["selected", selected], [called.poison, truth]];
    if (this.masks.every(Boolean)) marks.splice(0, 1, ...this.masks.map((mask, i) => [`${called.removed} ${this.meta.views[i].name}`, mask]));
    const kept = marks.filter(([, mask]) => mask);
    const lines = [["id", ...names, ...kept.map(([words]) => words)].join(",")];
    const views = this.panels.flatMap((panel) => panel.plane.views);
    for (let row = 0; row < this.n; row++) {
      const cells = [this.ids[row], ...views.flatMap((v) => [v[2 * row], v[2 * row + 1]])];
      for (const [, mask] of kept) cells.push(mask[row] ? "True" : "False");
      lines.push(cells.join(","));
    }
    return lines.join("\n") + "\n";
  }

  layout() {
    for (const panel of this.panels ?? []) panel.resize(Math.floor(panel.stage.clientWidth), heightFor(this.meta, panel.stage.clientWidth));
  }

  /** Rows by colour: grey while the truth is hidden; they turn in place when it is revealed. */
  groups() {
    if (!this.shown) return [{ rows: (this.all ??= range(this.n)), colour: COLOURS.unknown, diamond: false }];
    const poison = rowsOf(this.shown);
    const clean = rowsOf(this.shown.map((is) => 1 - is));
    return [
      { rows: clean, colour: blend(COLOURS.unknown, COLOURS.clean, this.mix), diamond: false },
      { rows: poison, colour: blend(COLOURS.unknown, COLOURS.poison, this.mix), diamond: this.mix > 0.5 },
    ];
  }

  words(row) {
    const { truth, removed } = this.channel.state;
    const called = wordsOf(this.meta);
    return [`example ${this.ids[row]}`, ...(truth ? [truth[row] ? called.poison : called.clean] : []), ...(removed?.[row] ? [called.removed] : [])].join(" · ");
  }

  heard(changes) {
    if ("truth" in changes) {
      if (changes.truth) this.shown = changes.truth;
      const [from, to] = [this.mix, changes.truth ? 1 : 0];
      this.stop?.();
      this.stop = animate(from === to ? 0 : 300, (t) => {
        this.mix = from + (to - from) * t;
        if (t === 1 && !changes.truth) this.shown = null;
        this.panels.forEach((panel) => panel.draw());
      });
    } else if ("removed" in changes || "selected" in changes) this.panels.forEach((panel) => panel.mark());
    else this.panels.forEach((panel) => panel.touch());
  }

  /** The theme has changed. */
  repaint() {
    this.theme = themeOf(this.holder);
    this.panels.forEach((panel) => panel.draw());
  }

  select(mask) {
    const ids = [];
    mask.forEach((on, row) => on && ids.push(this.ids[row]));
    tell(this.channel, { selected: mask });
    this.send("selected", ids);
  }

  look(row) {
    if (row < 0 || this.meta.brush === false) return;
    tell(this.channel, { focus: row });
    this.send("focus", this.ids[row]);
  }

  close() {
    if (this.meta?.path) remember(this.channel, this.panels[0].plane.position);
    this.panels?.forEach((panel) => panel.close());
    this.stop?.();
    this.halt?.();
    this.forget?.();
    this.observer.disconnect();
    window.removeEventListener("resize", this.onresize);
    this.holder.remove();
  }
}

function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}

export default mounting((root, send) => new Cloud(root, send));

// Images to click: the one that is looked at is ringed in every picture at once.

class Tiles {
  constructor(root, send) {
    this.send = send;
    this.holder = element("div", { class: "tiles", role: "list" });
    root.append(this.holder);
    this.holder.addEventListener("keydown", (event) => this.#keys(event));
  }

  /** tiles: [{id, row, src, caption: [lines], kind}], side, channel, label. */
  show({ channel, tiles, side, label }) {
    this.forget?.();
    this.channel = channelOf(channel);
    this.forget = listen(this.channel, (changes) => "focus" in changes && this.#mark());
    this.holder.setAttribute("aria-label", label);
    this.holder.style.setProperty("--side", `${side}px`);
    this.holder.replaceChildren(
      ...tiles.map((tile) => {
        const image = element("img", { src: tile.src, alt: "" });
        const words = element("span", { class: "caption" }, ...tile.caption.flatMap((text, i) => (i ? [element("br"), text] : [text])));
        const button = element("button", { type: "button", "data-row": tile.row, class: tile.kind, "aria-label": tile.caption.join(", ") }, image, words);
        button.addEventListener("click", () => {
          tell(this.channel, { focus: tile.row });
          this.send("focus", tile.id);
        });
        return element("div", { role: "listitem" }, button);
      }),
    );
    this.#mark();
  }

  #mark() {
    for (const button of this.holder.querySelectorAll("button"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.row) === this.channel.state.focus));
  }

  #keys(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const all = [...this.holder.querySelectorAll("button")];
    const next = all[all.indexOf(event.target.closest("button")) + by];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
    next?.click();
  }

  close() {
    this.forget?.();
    this.holder.remove();
  }
}

export default mounting((root, send) => new Tiles(root, send));

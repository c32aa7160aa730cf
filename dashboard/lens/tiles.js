// Images to click: the one that is looked at is ringed in every picture at once, or each is put among the removed.

class Tiles {
  constructor(root, send) {
    this.send = send;
    this.holder = element("div", { class: "tiles", role: "list" });
    root.append(this.holder);
    this.holder.addEventListener("keydown", (event) => this.#keys(event));
  }

  /** tiles: [{id, row, src, caption: [lines], kind}], side, channel, label, members: whether a click puts in and takes out. */
  show({ channel, tiles, side, label, members }) {
    this.forget?.();
    this.members = members === true;
    this.channel = channelOf(channel);
    this.clicked = new Map(); // id -> in or out, until the server says something else
    this.forget = listen(this.channel, (changes) => this.#heard(changes));
    this.holder.classList.toggle("members", this.members);
    this.holder.setAttribute("aria-label", label);
    this.holder.style.setProperty("--side", `${side}px`);
    this.holder.replaceChildren(
      ...tiles.map((tile) => {
        const image = element("img", { src: tile.src, alt: "" });
        const words = element("span", { class: "caption" }, ...tile.caption.flatMap((text, i) => (i ? [element("br"), text] : [text])));
        const button = element("button", { type: "button", "data-row": tile.row, class: tile.kind, "aria-label": tile.caption.join(", ") }, image, words);
        button.addEventListener("click", () => (this.members ? this.#put(tile) : this.#look(tile)));
        return element("div", { role: "listitem" }, button);
      }),
    );
    this.#mark();
  }

  #look(tile) {
    tell(this.channel, { focus: tile.row });
    this.send("focus", tile.id);
  }

  #put(tile) {
    const removed = this.channel.state.removed?.slice();
    if (!removed) return; // the server has not said yet what is removed
    removed[tile.row] = 1 - removed[tile.row];
    this.clicked.set(tile.id, removed[tile.row] === 1);
    this.own = true;
    tell(this.channel, { removed });
    this.own = false;
    const ids = (wanted) => [...this.clicked].filter(([, isIn]) => isIn === wanted).map(([id]) => id);
    this.send("put", { in: ids(true), out: ids(false) });
  }

  #heard(changes) {
    if ("removed" in changes && !this.own) this.clicked.clear();
    if ((this.members ? "removed" : "focus") in changes) this.#mark();
  }

  #mark() {
    const { removed, focus } = this.channel.state;
    for (const button of this.holder.querySelectorAll("button")) {
      const row = Number(button.dataset.row);
      button.setAttribute("aria-pressed", String(this.members ? removed?.[row] === 1 : row === focus));
    }
  }

  #keys(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const all = [...this.holder.querySelectorAll("button")];
    const next = all[all.indexOf(event.target.closest("button")) + by];
    event.preventDefault();
    event.stopPropagation();
    next?.focus();
    if (!this.members) next?.click();
  }

  close() {
    this.forget?.();
    this.holder.remove();
  }
}

export default mounting((root, send) => new Tiles(root, send));

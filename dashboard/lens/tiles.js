// Images to click: the one that is looked at is ringed in every picture at once, or each is put among the removed.

class Tiles {
  constructor(root, send) {
    this.send = send;
    this.holder = element("div", { class: "tiles", role: "list" });
    root.append(this.holder);
    this.holder.addEventListener("keydown", (event) => this.#keys(event));
  }

  /** tiles: [{id, row, src, caption: [lines], kind, title}], side, channel, label, members: whether a click puts in and takes out. */
  show({ channel, tiles, side, label, members }) {
    this.forget?.();
    this.members = members === true;
    this.channel = channelOf(channel);
    this.forget = listen(this.channel, (changes) => this.#heard(changes));
    this.holder.classList.toggle("members", this.members);
    this.holder.setAttribute("aria-label", label);
    this.holder.style.setProperty("--side", `${side}px`);
    const focused = this.#focused();
    this.holder.replaceChildren(
      ...tiles.map((tile) => {
        const image = element("img", { src: tile.src, alt: "" });
        const words = element("span", { class: "caption" }, ...tile.caption.flatMap((text, i) => (i ? [element("br"), text] : [text])));
        const button = element("button", { type: "button", "data-row": tile.row, "data-id": tile.id, class: tile.kind, "aria-label": tile.caption.join(", ") }, image, words);
        if (tile.title) button.title = tile.title;
        button.addEventListener("click", () => (this.members ? this.#put(tile) : this.#look(tile)));
        return element("div", { role: "listitem" }, button);
      }),
    );
    this.#mark();
    if (focused) this.#focus(focused);
  }

  /** Which tile has the keyboard: its id, and its place among the others. */
  #focused() {
    const button = this.holder.getRootNode().activeElement;
    const all = [...this.holder.querySelectorAll("button")];
    return all.includes(button) ? { id: button.dataset.id, place: all.indexOf(button) } : null;
  }

  /** The tile of the same id, or else at the same place, so that other images do not take the keyboard away. */
  #focus({ id, place }) {
    const all = [...this.holder.querySelectorAll("button")];
    (all.find((button) => button.dataset.id === id) ?? all[Math.min(place, all.length - 1)])?.focus({ preventScroll: true });
  }

  #look(tile) {
    this.looked = tile.id;
    if (tile.row >= 0) tell(this.channel, { focus: tile.row });
    else this.#mark();
    this.send("focus", tile.id);
  }

  /** In or out at once; what the server has not heard of yet goes along with every click, so that none is lost in a hurry. */
  #put({ row, id }) {
    const removed = this.channel.state.removed?.slice();
    if (!removed) return; // the server has not said yet what is removed
    removed[row] = 1 - removed[row];
    const waiting = (this.channel.waiting ??= new Map());
    const at = (this.channel.clicked = Math.max(Date.now(), (this.channel.clicked ?? 0) + 1));
    waiting.set(row, { id, isIn: removed[row] === 1, at });
    tell(this.channel, { removed });
    const ids = (wanted) => [...waiting.values()].filter(({ isIn }) => isIn === wanted).map((click) => click.id);
    this.send("put", { in: ids(true), out: ids(false), at });
  }

  #heard(changes) {
    if ((this.members ? "removed" : "focus") in changes) this.#mark();
  }

  #mark() {
    const { removed, focus } = this.channel.state;
    for (const button of this.holder.querySelectorAll("button")) {
      const row = Number(button.dataset.row);
      const isLooked = row < 0 ? button.dataset.id === String(this.looked) : row === focus; // below 0: in no picture of this channel
      button.setAttribute("aria-pressed", String(this.members ? removed?.[row] === 1 : isLooked));
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

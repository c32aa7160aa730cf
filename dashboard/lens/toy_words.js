// What stands around the toy in words: what its marks mean, and what both measures of spread say of the poison.

const legendOf = () => {
  const mark = (shape, words) => element("span", {}, element("i", { class: shape }), words);
  return element("div", { class: "key" }, mark("dot", "clean"), mark("diamond", "poison: drag it"),
    mark("dashes", `${ALARM} σ by all points`), mark("solid", `${ALARM} σ by the trusted points`));
};

class Readout {
  #telling; // the words that are spoken in a while

  constructor() {
    this.table = element("div", { class: "readout" });
    this.spoken = element("p", { class: "unseen", "aria-live": "polite" });
  }

  /** Says it of a world; bare: only the two distances. Returns the same in a sentence. */
  say({ poison, clean, found: { all, robust }, farther }, bare) {
    const [p, c] = [poison.length, clean.length];
    const verdict = (found) => (found.poison === 0 ? "hidden" : found.poison === p ? "stands out" : "partly out");
    const line = (mark, by, found, state) =>
      element("div", { class: "line" }, element("i", { class: mark }), element("span", { class: "by who" }, by),
        element("b", {}, `${found.sigma.toFixed(1)} σ`), element("b", { class: `verdict ${state.replace(" ", "-")}` }, state),
        ...(bare ? [] : [element("span", { class: "by" }, `${found.poison} of ${p} poisons lie outside, ${found.clean} of ${c} clean`)]));
    this.table.replaceChildren(
      line("dashes", "by all points", all, verdict(all)),
      line("solid", "by the trusted points", robust, verdict(robust)),
      ...(bare ? [] : [element("div", { class: "line by" }, element("i", {}), plainly(farther, c, p))]),
    );
    const [byAll, byTrusted] = [all, robust].map((found) => [`${found.sigma.toFixed(1)} sigma`, verdict(found)]);
    const words = `The poison lies ${byAll[0]} from the centre by all points, ${byAll[1]}; ${byTrusted[0]} by the trusted ones, ${byTrusted[1]}.`;
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => (this.spoken.textContent = words), 400); // not at every pixel
    return words;
  }

  close() {
    clearTimeout(this.#telling);
  }
}

/** What plain distance would do: remove half as many points again as there are poisons, those farthest out. */
function plainly(farther, clean, poison) {
  const verdict = farther > 0.5 * poison ? "not enough" : "here that would be enough";
  return `Distance alone, before whitening: ${farther} of ${clean} clean points lie farther out than the poison; ${verdict}.`;
}

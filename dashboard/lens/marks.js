// Images in rows under each other, the last row a difference that a slider amplifies in the browser.

class Marks {
  constructor(root) {
    this.holder = element("div", { class: "marks" });
    root.append(this.holder);
  }

  /** rows: [{title, images: [data URLs]}], side, factor: {label, low, high, value}. */
  show({ rows, side, factor }) {
    const title = (words) => element("p", { class: "rowtitle" }, words);
    const made = rows.map(({ title: words, images }) => {
      const pictures = images.map((src, i) => element("img", { src, alt: `${words}, example ${i + 1}` }));
      return { head: title(words), row: element("div", { class: "row" }, ...pictures) };
    });
    this.holder.style.setProperty("--side", `${side}px`);
    this.holder.style.setProperty("--columns", String(rows[0].images.length));
    const { head, row } = made[made.length - 1];
    const range = element("input", { type: "range", min: factor.low, max: factor.high, step: "1", value: this.range?.value ?? factor.value, "aria-label": factor.label });
    this.range = range;
    const amplify = () => {
      row.style.filter = `brightness(${range.value})`; // multiplies every value, and clips
      head.textContent = `${rows[rows.length - 1].title} × ${range.value}`;
      range.setAttribute("aria-valuetext", `${range.value} times`);
    };
    range.addEventListener("input", amplify);
    const label = element("label", { class: "slider" }, element("span", { class: "note" }, factor.label), range);
    this.holder.replaceChildren(...made.flatMap((part) => [part.head, part.row]), label);
    amplify();
  }

  close() {
    this.holder.remove();
  }
}

export default mounting((root) => new Marks(root));

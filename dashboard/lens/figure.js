// A Plotly figure. Streamlit brings all of Plotly, with maps and WebGL, and a browser needs a second to read it before it
// draws anything; the figures of this program need a third of it or less, which dashboard/static holds.

const BASIC = "plotly-basic.min.js"; // scatter and bars
const CARTESIAN = "plotly-cartesian.min.js"; // heat maps too
const AWAY = "Figures cannot be drawn: the server does not serve its folder “static”. Set server.enableStaticServing = true.";

class Figure {
  constructor(root, send) {
    this.send = send;
    this.drawings = 0;
    this.plot = element("div");
    this.holder = element("div", { class: "sl-plot", role: "figure" }, this.plot);
    root.append(this.holder);
    // Wherever it is unfolded, turned or made larger; a figure that nobody sees is not drawn.
    this.sized = new ResizeObserver(() => this.#fit());
    this.sized.observe(this.holder);
    this.full = () => this.#fit();
    document.addEventListener("fullscreenchange", this.full);
  }

  /** spec: the figure as JSON; alt: what a screen reader says; config: Plotly's; picks: whether points can be chosen. */
  show({ spec, alt, config, picks }) {
    this.holder.setAttribute("aria-label", alt);
    if (this.spec === spec) return;
    Object.assign(this, { spec, config, picks, drawn: undefined });
    this.height = JSON.parse(spec).layout.height ?? 450;
    this.plot.style.minHeight = `${this.height}px`; // what stands below does not jump
    this.#fit();
  }

  async #fit() {
    const { width } = this.holder.getBoundingClientRect();
    if (!(width > 0)) return;
    const height = document.fullscreenElement === this.holder ? this.holder.clientHeight - 32 : this.height;
    const size = `${width} ${height} ${this.spec.length}`;
    if (this.drawn === this.spec && this.size === size) return;
    [this.drawn, this.size] = [this.spec, size];
    const { data, layout } = JSON.parse(this.spec);
    try {
      const plotly = await plotlyFor(data);
      if (this.closed || this.size !== size) return; // overtaken while the script was on its way
      // zoom is kept, but not what was brushed: the next figure says itself what is selected
      this.drawing = true; // Plotly speaks of brushes while it draws, too
      await plotly.react(this.plot, data, { ...layout, width, height, selections: [], selectionrevision: `${++this.drawings}` }, this.config);
      this.plotly = plotly;
      if (this.picks && !this.heard) this.#hear();
    } catch (problem) {
      this.plot.textContent = problem.message;
    } finally {
      this.drawing = false;
    }
  }

  /** A click chooses one point, a box or a lasso those inside: their `customdata`. */
  #hear() {
    this.heard = true;
    const tell = (event) => {
      if (this.drawing || !event?.points?.length) return;
      const values = event.points.map((point) => [point.customdata].flat()[0]).filter((value) => value !== undefined);
      if (values.length) this.send("picked", [...new Set(values)]);
    };
    this.plot.on("plotly_click", tell);
    this.plot.on("plotly_selected", tell);
  }

  close() {
    this.closed = true;
    this.sized.disconnect();
    document.removeEventListener("fullscreenchange", this.full);
    this.plotly?.purge(this.plot);
    this.holder.remove();
  }
}

/** The smaller part of Plotly if it can draw these traces; on its way once in a page, and behind what is drawn already. */
function plotlyFor(traces) {
  const name = traces.every(({ type = "scatter" }) => type === "scatter" || type === "bar") ? BASIC : CARTESIAN;
  const parts = (hub.plotly ??= new Map());
  if (!parts.has(name)) parts.set(name, quiet().then(() => loadScript(name)));
  return parts.get(name);
}

/** The browser has nothing to do: canvases that came along are painted. */
const quiet = () => new Promise((go) => ("requestIdleCallback" in window ? requestIdleCallback(go, { timeout: 400 }) : setTimeout(go, 50)));

function loadScript(name) {
  const streamlit = document.querySelector('script[type="module"][src*="static/js/"]')?.src ?? document.baseURI;
  const address = new URL(`../../app/static/${name}`, streamlit);
  return new Promise((done, fail) => {
    const script = element("script", { src: address.href });
    const miss = () => {
      hub.plotly.delete(name); // another figure may try again
      fail(new Error(AWAY));
    };
    script.addEventListener("load", () => (window.Plotly ? done(window.Plotly) : miss())); // some page instead of the script
    script.addEventListener("error", miss);
    document.head.append(script);
  });
}

export default mounting((root, send) => new Figure(root, send));

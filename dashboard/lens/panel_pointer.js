// The pointer on a panel: it draws around points, moves and zooms the window, and names the point beneath it.

const STILL = 4; // pixels that a click may move

class Hand {
  /** The places that it has drawn around, while it does. */
  trail = null;
  #start = null; // where it was pressed
  #from; // the window at that time

  constructor(panel) {
    this.panel = panel;
    const { top } = panel;
    top.addEventListener("pointerdown", (event) => this.#press(event));
    top.addEventListener("pointermove", (event) => this.#move(event));
    top.addEventListener("pointerup", (event) => this.#release(event));
    top.addEventListener("pointercancel", () => {
      this.#start = this.trail = null;
      panel.touch();
    });
    top.addEventListener("pointerleave", () => (panel.tip.hidden = true));
    top.addEventListener("dblclick", () => panel.reset());
    top.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
  }

  #at(event) {
    return this.panel.plane.frame.at(event, this.panel.top);
  }

  #isStill(here) {
    return Math.hypot(here[0] - this.#start[0], here[1] - this.#start[1]) < STILL;
  }

  #press(event) {
    if (event.button) return;
    const { cloud, plane, top } = this.panel;
    this.#start = this.#at(event);
    this.#from = plane.window.slice();
    this.trail = null;
    if (cloud.tool !== "tap") top.setPointerCapture(event.pointerId);
  }

  #move(event) {
    const { panel } = this;
    const { tool } = panel.cloud;
    const here = this.#at(event);
    if (!this.#start || tool === "tap") return this.#hover(here);
    if (this.#isStill(here) && !this.trail) return;
    panel.tip.hidden = true;
    if (tool === "move") return panel.pan(this.#from, this.#start, here);
    const start = this.#start;
    if (tool === "box" || event.shiftKey) this.trail = [start, [here[0], start[1]], here, [start[0], here[1]]];
    else (this.trail ??= [start]).push(here);
    panel.touch();
  }

  #release(event) {
    if (!this.#start) return;
    const { panel, trail } = this;
    const here = this.#at(event);
    const isClick = this.#isStill(here);
    this.#start = this.trail = null;
    if (trail?.length > 2) panel.cloud.select(panel.plane.inside(trail));
    else if (isClick) panel.cloud.look(panel.plane.nearest(here));
    panel.touch();
  }

  #turn(event) {
    const { panel } = this;
    if (panel.cloud.tool !== "move" && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    panel.magnify(event.deltaY > 0 ? 1.2 : 1 / 1.2, panel.plane.value(this.#at(event)));
  }

  #hover(here) {
    const { cloud, plane, tip, top } = this.panel;
    const row = plane.nearest(here);
    tip.hidden = row < 0;
    top.style.cursor = row < 0 ? (cloud.tool === "tap" ? "default" : "crosshair") : "pointer";
    if (row < 0) return;
    tip.textContent = cloud.words(row);
    tip.style.left = plane.frame.css(Math.min(here[0] + 12, plane.frame.width - 130));
    tip.style.top = plane.frame.css(Math.max(here[1] - 28, 0));
  }
}

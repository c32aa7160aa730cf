// Keys that lead through a story. Page up and down, P and Esc work from anywhere but a text field or an open menu: a slider
// would take the page keys for itself, and Streamlit's own shortcuts rest while a switch has the focus. Arrow keys stay with
// what moves by them: a slider, a movable point, a choice, a table. In a closed menu that was just used, page keys and Esc work too.

const MOVED = 'select, [role="slider"], [role="application"], [role="radiogroup"], [role="combobox"], [role="listbox"], [role="tablist"], [role="dialog"], [role="menu"], [role="grid"], [data-testid="stDataFrame"], .slider';
const APART = '[role="dialog"], [role="listbox"], [role="menu"]'; // what lies over the page has its own keys
const TOGGLES = ["checkbox", "button", "submit", "reset"];
const BAR = ".st-key-story-bar"; // its steps would only pass the focus on
const BUTTONS = { p: ".st-key-enter button", P: ".st-key-enter button", Escape: ".st-key-leave button" };

const PATIENCE = 3000; // ms to wait for the server's answer to a press
const LEAVES_MENUS = ["PageDown", "PageUp", "Escape"]; // a closed menu has no use for them; letters and arrows open it
const isClosed = (node) => node.matches('input[role="combobox"][aria-expanded="false"]');
const isText = (node) => node.matches('textarea, [contenteditable="true"]') || (node.matches("input") && !["range", "radio", ...TOGGLES].includes(node.type));
const isMoved = (node) => node.matches(MOVED) || (node.matches("input") && !TOGGLES.includes(node.type));

class Keys {
  constructor(root, send) {
    this.send = send;
    this.when = -Infinity; // of the last press that the server has not answered
    this.press = (event) => this.#hear(event);
    window.addEventListener("keydown", this.press, true); // before the slider that has the focus
  }

  #hear(event) {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const inside = event.composedPath().filter((node) => node instanceof Element); // into shadow roots too
    const leaves = (node) => LEAVES_MENUS.includes(event.key) && isClosed(node);
    if (inside.some((node) => (isText(node) && !leaves(node)) || node.matches(APART))) return;
    const arrow = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const by = { PageDown: 1, PageUp: -1 }[event.key] ?? arrow;
    const button = BUTTONS[event.key] && document.querySelector(BUTTONS[event.key]);
    if (arrow && inside.some(isMoved) && !inside.some((node) => node.matches(BAR))) return;
    if (!by && !button) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Streamlit would step once more
    if (by) this.#step(by);
    else button.click();
  }

  /** Says where to, not how far: of presses in a hurry the server may hear the last one only. */
  #step(by) {
    const from = performance.now() - this.when < PATIENCE ? this.target : this.here;
    const to = Math.min(Math.max(from + by, 0), this.count - 1);
    if (to === from) return;
    [this.target, this.when] = [to, performance.now()];
    this.send("step", to);
  }

  /** Another step begins at its top, also for whoever has scrolled down to read. */
  show({ here, count }) {
    if (this.here !== undefined && this.here !== here) document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 });
    Object.assign(this, { here, count });
    if (here === this.target) this.when = -Infinity;
  }

  close() {
    window.removeEventListener("keydown", this.press, true);
  }
}

export default mounting((root, send) => new Keys(root, send));

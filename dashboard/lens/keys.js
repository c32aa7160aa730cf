// Arrow keys step through a story, unless they belong to what has the focus: a slider, a field, a movable point.

const OWNERS = 'input, textarea, select, [contenteditable="true"], [role="slider"], [role="application"], [role="radiogroup"], [role="combobox"], [role="listbox"], [role="tablist"], [role="dialog"], [role="menu"], .slider';
const BAR = ".st-key-story-bar"; // its steps would only pass the focus on

class Keys {
  constructor(root, send) {
    this.send = send;
    this.press = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const inside = event.composedPath().filter((node) => node instanceof Element); // into shadow roots too
      if (inside.some((node) => node.matches(OWNERS)) && !inside.some((node) => node.matches(BAR))) return;
      event.preventDefault();
      event.stopPropagation();
      this.send("step", by);
    };
    window.addEventListener("keydown", this.press, true);
  }

  /** Another step begins at its top, also for whoever has scrolled down to read. */
  show({ step }) {
    if (this.step !== undefined && this.step !== step) document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 });
    this.step = step;
  }

  close() {
    window.removeEventListener("keydown", this.press, true);
  }
}

export default mounting((root, send) => new Keys(root, send));

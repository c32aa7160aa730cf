// Arrow keys step through a story, unless they belong to what has the focus: a slider, a field, a movable point.

const OWNERS = 'input, textarea, select, [contenteditable="true"], [role="slider"], [role="application"], [role="radiogroup"], [role="combobox"], [role="listbox"], [role="tablist"], [role="dialog"], [role="menu"], [role="group"]';

class Keys {
  constructor(root, send) {
    this.send = send;
    this.press = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const inside = event.composedPath().filter((node) => node instanceof Element); // into shadow roots too
      if (inside.some((node) => node.matches(OWNERS) && node !== document.body)) return;
      event.preventDefault();
      this.send("step", by);
    };
    window.addEventListener("keydown", this.press);
  }

  show() {}

  close() {
    window.removeEventListener("keydown", this.press);
  }
}

export default mounting((root, send) => new Keys(root, send));

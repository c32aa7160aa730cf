// Lines to copy, as they are: Streamlit's own box brings a grammar of two hundred languages, which takes a third of a second.

class Code {
  constructor(root) {
    this.text = element("code");
    this.button = element("button", { type: "button", onclick: () => this.#copy() }, "Copy");
    this.holder = element("div", { class: "code" }, element("pre", { tabindex: "0" }, this.text), this.button);
    root.append(this.holder);
  }

  /** text: what is shown and copied; label: what it is, for screen readers. */
  show({ text, label }) {
    this.text.textContent = text;
    this.holder.firstChild.setAttribute("aria-label", label);
    this.button.setAttribute("aria-label", `Copy: ${label}`);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.text.textContent);
      this.#say("Copied");
    } catch {
      getSelection().selectAllChildren(this.text); // the browser gives no clipboard to pages that are not of this machine
      this.#say(document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
    }
  }

  #say(word) {
    this.button.textContent = word;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.button.textContent = "Copy"), 2000);
  }

  close() {
    clearTimeout(this.timer);
    this.holder.remove();
  }
}

export default mounting((root) => new Code(root));

// What a visitor has typed and chosen, kept in the tab: a page that is loaded anew, or dropped by a phone, gives it back.

class Keep {
  constructor(root, send) {
    this.send = send;
  }

  /** name: of what is kept; text: as the server has it, empty where it has nothing. */
  show({ name, text }) {
    const isFirst = !this.hasShown;
    this.hasShown = true;
    try {
      const kept = sessionStorage.getItem(`spectre-lens/${name}`);
      if (isFirst && kept && !text) this.send("kept", kept);
      else if (text) sessionStorage.setItem(`spectre-lens/${name}`, text);
      else sessionStorage.removeItem(`spectre-lens/${name}`);
    } catch {
      // a browser that keeps nothing: then a reload forgets, as it always did
    }
  }

  close() {}
}

export default mounting((root, send) => new Keep(root, send));

// Tells the server when the page turns light or dark: what is drawn there, figures and legends, has the ink of the theme.

class Ground {
  constructor(root, send) {
    this.send = send;
  }

  show() {}

  repaint() {
    this.send("turned", Date.now());
  }

  close() {}
}

export default mounting((root, send) => new Ground(root, send));

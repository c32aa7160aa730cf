// Tells the server when the page turns light or dark: what is drawn there, figures and legends, has the ink of the theme.
// On a telephone it also closes the menu once a page is chosen in it, which Streamlit leaves lying on that page.

const PHONE = "(max-width: 767px)";
const LINK = '[data-testid="stSidebarNavLink"]';
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

class Ground {
  constructor(root, send) {
    this.send = send;
    this.left = (event) => {
      if (event.target instanceof Element && event.target.closest(LINK) && matchMedia(PHONE).matches) {
        document.querySelector(CLOSE)?.click();
      }
    };
    document.addEventListener("click", this.left);
  }

  show() {}

  repaint() {
    this.send("turned", Date.now());
  }

  close() {
    document.removeEventListener("click", this.left);
  }
}

export default mounting((root, send) => new Ground(root, send));

// Tells the server when the page turns light or dark: what is drawn there, figures and legends, has the ink of the theme.
// On a telephone it also closes the menu once a page is chosen in it, which Streamlit leaves lying on that page.
// And Back undoes one thing that the visitor did, or leads to the page before. What a page writes into its address by itself,
// to complete it by what it shows at first, or in several pieces, adds nothing to the history: Back would lead to an address that
// never was meant, which the page completes again, and seem dead. And Streamlit writes the address of a page that is opened
// below the path of the one before, then below its own: one of them is enough.

const PHONE = "(max-width: 767px)";
const LINK = '[data-testid="stSidebarNavLink"]';
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

const DONE = ["pointerdown", "keydown", "click"]; // by a visitor

function keepHistoryShort() {
  const push = history.pushState;
  if (push.isShort) return;
  let written = ""; // the address that a page was given last below its own path
  let isDone = false; // something that may yet change the address
  for (const kind of DONE) document.addEventListener(kind, () => (isDone = true), { capture: true, passive: true });
  addEventListener("popstate", () => (isDone = false)); // the keys that led there are of no page
  history.pushState = function (state, title, address) {
    const [now, next] = [new URL(location.href), new URL(address ?? "", location.href)];
    const isSame = now.pathname === next.pathname;
    const way = isDone || (!isSame && now.href !== written) ? push : history.replaceState;
    written = isSame ? next.href : "";
    isDone = false;
    way.call(history, state, title, address);
  };
  history.pushState.isShort = true;
}

class Ground {
  constructor(root, send) {
    this.send = send;
    keepHistoryShort();
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

// Tells the server when the page turns light or dark: what is drawn there, figures and legends, has the ink of the theme.
// On a telephone it also closes the menu once a page is chosen in it, which Streamlit leaves lying on that page.
// And Back leads to the page before. A page that only completes its address, by what it shows at first, adds nothing to the
// history, else Back would lead to the incomplete address, which the page completes again, and seem dead. And Streamlit
// writes the address of a page that is opened below the path of the one before, then below its own: one of them is enough.

const PHONE = "(max-width: 767px)";
const LINK = '[data-testid="stSidebarNavLink"]';
const CLOSE = '[data-testid="stSidebarCollapseButton"] button';

const SOON = 5000; // ms

function completes(now, next) {
  const [has, gets] = [now.searchParams, next.searchParams];
  return now.pathname === next.pathname && [...has].every(([name, value]) => gets.get(name) === value);
}

function keepHistoryShort() {
  const push = history.pushState;
  if (push.isShort) return;
  let written = { address: "", at: 0 };
  history.pushState = function (state, title, address) {
    const [now, next] = [new URL(location.href), new URL(address ?? "", location.href)];
    const strayed = now.href === written.address && Date.now() - written.at < SOON && now.search === next.search;
    if (now.pathname === next.pathname) written = { address: next.href, at: Date.now() };
    (completes(now, next) || strayed ? history.replaceState : push).call(history, state, title, address);
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

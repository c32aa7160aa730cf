// By which the server knows this browser again, where nobody logs in: 128 random bits, made once and kept here.

const NAME = "spectre-lens/visitor";

class Secret {
  constructor(root, send) {
    this.send = send;
  }

  /** known: whether the server has it already. */
  show({ known }) {
    if (!known) this.send("secret", kept() ?? made());
  }

  close() {}
}

function kept() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null; // a browser that keeps nothing: then every visit is somebody else's
  }
}

function made() {
  const secret = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    localStorage.setItem(NAME, secret);
  } catch {
    // as above
  }
  return secret;
}

export default mounting((root, send) => new Secret(root, send));

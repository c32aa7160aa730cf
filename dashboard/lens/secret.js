// By which the server knows this browser again, where nobody logs in: 128 random bits, made once and kept as a cookie.

class Secret {
  constructor(root, send) {
    this.send = send;
  }

  /** name, path: of the cookie. known: whether the server has it already. */
  show({ name, path, known }) {
    if (!known) this.send("secret", kept(name) ?? made(name, path));
  }

  close() {}
}

function kept(name) {
  return document.cookie.split("; ").find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Where the browser takes no cookies, every visit is somebody else's. */
function made(name, path) {
  const secret = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const safe = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${secret}; path=${path}; max-age=31536000; samesite=strict${safe}`;
  return secret;
}

export default mounting((root, send) => new Secret(root, send));

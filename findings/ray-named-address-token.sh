#!/bin/sh
# Ray 2.60.0: after one local ray.init(), a cluster that is started by `ray start --head` refuses the commands that it prints.
#
# In a fresh home `ray start --head` starts a cluster without tokens. A script that once called ray.init() without an address
# leaves ~/.ray/auth_token behind. From then on `ray start --head` asks for that token, and prints the same commands for joining, which
# name its address. One expects a process of the same user on the same machine, whose home holds the token, to get in.
# Seen: ray.init("auto") connects. ray.init("HOST:PORT") with the same home and environment fails after some twenty seconds with
# ConnectionError: where an address is named the token is only looked for if RAY_AUTH_MODE=token is set, which the printed commands
# do not say. With it set, the named address connects at once.
set -eu
folder=$(mktemp -d)
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ray==2.60.0
HOME="$folder/home"
RAY_USAGE_STATS_ENABLED=0
export HOME RAY_USAGE_STATS_ENABLED
unset RAY_AUTH_MODE RAY_AUTH_TOKEN RAY_AUTH_TOKEN_PATH RAY_ADDRESS || true
mkdir "$HOME"
trap '"$folder/venv/bin/ray" stop --force >/dev/null 2>&1; rm -rf "$folder"' EXIT
cat > "$folder/join.py" <<'PYTHON'
import sys

import ray

try:
    ray.init(sys.argv[1], logging_level="CRITICAL", log_to_driver=False)
    print("connected")
except ConnectionError:
    print("ConnectionError")
PYTHON
join() { "$folder/venv/bin/python" "$folder/join.py" "$1" 2>/dev/null; }
start() {
    "$folder/venv/bin/ray" start --head --num-cpus=1 --port=26379 --include-dashboard=false >"$folder/log" 2>&1 ||
        { cat "$folder/log"; exit 1; }
}

start
fresh=$(join 127.0.0.1:26379)
"$folder/venv/bin/ray" stop --force >/dev/null 2>&1
join local >/dev/null
[ -f "$HOME/.ray/auth_token" ] || { echo "changed: no token in the home"; exit 1; }
start
found=$(join auto)
named=$(join 127.0.0.1:26379)
told=$(RAY_AUTH_MODE=token join 127.0.0.1:26379)
echo "fresh home, named address: $fresh"
echo "after a local ray.init(), auto: $found"
echo "after a local ray.init(), named address: $named"
echo "the same with RAY_AUTH_MODE=token: $told"
[ "$fresh $found $named $told" = "connected connected ConnectionError connected" ] || { echo "changed"; exit 1; }

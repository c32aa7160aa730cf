#!/bin/sh
# safetensors 0.8.0 reading bfloat16 into NumPy: whether it works depends on what else the process has imported.
#
# Features of networks trained in bfloat16 are often kept in .safetensors. NumPy has no such type, so one expects
# safetensors.numpy either to refuse it always, or to hand over raw 16-bit numbers.
# Seen: a fresh process gets TypeError: data type 'bfloat16' not understood. The same call in a process that has imported
# ml_dtypes, and never used it, gives an array of dtype bfloat16 with the right values, because ml_dtypes registers the name
# with NumPy. Code that works where JAX or another user of ml_dtypes was imported first fails where it was not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
cat > "$folder/read.py" <<'PYTHON'
import json
import sys

if sys.argv[2] == "with":
    import ml_dtypes  # noqa: F401

from safetensors.numpy import load_file

header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
header += b" " * (-len(header) % 8)
one, two, half = b"\x80\x3f", b"\x00\x40", b"\x00\x3f"  # the upper halves of 1.0, 2.0 and 0.5, little-endian
with open(sys.argv[1], "wb") as file:
    file.write(len(header).to_bytes(8, "little") + header + one + two + half)
try:
    array = load_file(sys.argv[1])["x"]
    print(array.dtype, [float(value) for value in array])
except TypeError as problem:
    print("TypeError:", problem)
PYTHON
alone=$("$folder/venv/bin/python" "$folder/read.py" "$folder/x.safetensors" without)
beside=$("$folder/venv/bin/python" "$folder/read.py" "$folder/x.safetensors" with)
echo "without ml_dtypes: $alone"
echo "ml_dtypes imported: $beside"
[ "$alone" = "TypeError: data type 'bfloat16' not understood" ] || { echo "changed: the plain call"; exit 1; }
[ "$beside" = "bfloat16 [1.0, 2.0, 0.5]" ] || { echo "changed: the call beside ml_dtypes"; exit 1; }

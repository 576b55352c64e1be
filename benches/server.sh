# Sourced by the scripts here: a galerra-server over a folder of its own, and the end of all they started.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
WORK=$(mktemp -d)
declare -A STARTED=()
trap 'leave' EXIT
trap 'exit 130' INT TERM

leave() {
    local pid
    for pid in "${!STARTED[@]}"; do kill "$pid" 2>"$WORK/ended" || true; done
    for pid in "${!STARTED[@]}"; do wait "$pid" 2>"$WORK/ended" || true; done
    rm -rf "$WORK"
}

need() {
    local tool
    for tool in "$@"; do
        type -P "$tool" >"$WORK/found" || { echo "${0##*/}: $tool is not installed" >&2; exit 1; }
    done
}

# Runs a command in the background, to be stopped at the end, and sets LAST to its pid: background LOG COMMAND…
background() {
    local log=$1
    shift
    : >"$log"
    "$@" >"$log" 2>"$log.err" &
    LAST=$!
    STARTED[$LAST]=yes
}

# Waits for the line `listening on ADDRESS` in a log and prints the address.
address() {
    local line
    for _ in {1..200}; do
        if line=$(grep -m1 '^listening on ' "$1"); then
            echo "${line#listening on }"
            return
        fi
        sleep 0.05
    done
    echo "${0##*/}: no server came up:" >&2
    cat "$1" "$1.err" >&2
    exit 1
}

# One value of the JSON on standard input: field EXPRESSION, in which `it` is the document.
field() {
    python3 -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

post() {
    curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "${@:2}" "$GALERRA$1"
}

# Starts the server over the data folder of this run: sets SERVER_PID and GALERRA: start_server [SETTING=VALUE…]
start_server() {
    local binary=${GALERRA_SERVER:-${CARGO_TARGET_DIR:-target}/release/galerra-server}
    [[ -x $binary ]] || cargo build --release -p galerra-server
    # What the caller's environment says of other servers is not for this one.
    local name others=()
    for name in $(compgen -e GALERRA_); do others+=(-u "$name"); done
    background "$WORK/galerra" env "${others[@]}" GALERRA_LISTEN=127.0.0.1:0 GALERRA_DATA="$WORK/data" \
        GALERRA_OPERATOR_TOKEN="an operator for one run" GALERRA_LOG=warn "$@" "$binary" serve
    SERVER_PID=$LAST
    GALERRA=$(address "$WORK/galerra")
}

stop_server() {
    kill "$SERVER_PID"
    wait "$SERVER_PID"
    unset "STARTED[$SERVER_PID]"
}

# Starts the server and makes an account and an open gallery: sets KEY and GALLERY.
start_galerra() {
    local json='Content-Type: application/json'
    start_server
    KEY="an operator for one run"
    KEY=$(post /api/v1/accounts -H "$json" \
        -d '{"username":"bench","email":"bench@example.org","plan":"pro"}' | field 'it["api_key"]')
    GALLERY=$(post /api/v1/galleries -H "$json" -d '{"title":"Bench","visibility":"public"}' | field 'it["id"]')
}

# Makes a PNG of many details, the same at every run: picture WIDTH HEIGHT
picture() {
    python3 - "$@" <<'PYTHON'
import random, struct, sys, zlib

width, height, block = *map(int, sys.argv[1:]), 5
random.seed(100)
rows = []
for _ in range(height // block):
    row = b"".join(bytes(random.randrange(70, 186) for _ in "rgb") * block for _ in range(width // block))
    rows += [b"\0" + row] * block
chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"".join(rows), 6)), chunk(b"IEND", b"")]
sys.stdout.buffer.write(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
PYTHON
}

# Uploads a made picture and prints the address of one of its renditions: rendition EXPRESSION, of which `all` are
# the renditions.
rendition() {
    picture 3000 2000 >"$WORK/picture.png"
    post "/api/v1/galleries/$GALLERY/images" -H 'Content-Type: image/png' -T "$WORK/picture.png" -X POST |
        field "(lambda all: $1)(it['renditions'])['url']"
}

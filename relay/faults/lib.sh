# What the scripts share: they source it. Needs bash, coreutils, procps and the built programs.

set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)

# Nothing here may hang: who is not done by then is ended, with all it started. `bounded SECONDS "$@"` comes first, but for namespaces.
bounded() {
  local limit=$1
  shift
  [ -n "${BOUNDED:-}" ] || BOUNDED=1 exec timeout --kill-after=10 "$limit" "$0" "$@"
  DIR=$(mktemp -d)
  trap clean EXIT
  trap 'exit 143' TERM INT
  printf '$ %srelay/faults/%s\n' "${TLS:+TLS=1 }" "${0##*/}${*:+ $*}"
  # bash says of everything that is killed that it was killed.
  exec 2>"$DIR/script.err"
}

say() { printf '%s\n' "$*"; }

# The last line and the exit code of every script.
JUDGED=
pass() {
  JUDGED=1
  say "PASS ${0##*/}: $*"
  exit 0
}
fail() {
  JUDGED=1
  say "FAIL ${0##*/}: $*"
  for log in "$DIR"/*.log; do
    [ -s "$log" ] && say "-- ${log##*/}, its end" && tail -n 15 "$log"
  done
  exit 1
}

left_out() {
  JUDGED=1
  say "LEFT OUT ${0##*/}: $*"
  exit 77
}

# need PROGRAM PACKAGE: what is missing, and where Debian has it.
need() { command -v "$1" >/dev/null || left_out "there is no $1 (apt-get install $2)"; }

# in_namespaces FLAGS "$@": starts the script anew as root of namespaces of its own, which needs nobody's leave on most systems.
in_namespaces() {
  local flags=$1
  shift
  [ -z "${INSIDE:-}" ] || return 0
  need unshare util-linux
  unshare --user --map-root-user $flags true 2>/dev/null || left_out "it may not make namespaces here"
  INSIDE=1 exec unshare --user --map-root-user $flags "$0" "$@"
}

# The programs: those of a release build, unless RELAY, TRAFFIC and BENCH name others.
RELAY=${RELAY:-$ROOT/target/release/relay}
TRAFFIC=${TRAFFIC:-$ROOT/target/release/examples/traffic}
BENCH=${BENCH:-$ROOT/target/release/bench}
program() {
  [ -x "$1" ] || { JUDGED=1 && say "FAIL ${0##*/}: $1 is not built (cargo build --release --bins && cargo build --release -p relay --example traffic)"; exit 1; }
}
program "$RELAY"
program "$TRAFFIC"

STARTED=()
clean() {
  trap - EXIT
  [ -n "$JUDGED" ] || { say "FAIL ${0##*/}: it ended before it came to a result" && cat "$DIR/script.err"; }
  # Only what was started here, by its number.
  for pid in "${STARTED[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null || true; done
  ! type clean_more >/dev/null 2>&1 || clean_more
  rm -rf "$DIR"
}

# spawn NAME COMMAND...: in the background; PID is its number, NAME.out and NAME.log what it says.
spawn() {
  local name=$1
  shift
  # Made anew behind our back, it would still show what the one before said.
  rm -f "$DIR/$name.out" "$DIR/$name.log"
  "$@" </dev/null >"$DIR/$name.out" 2>"$DIR/$name.log" &
  PID=$!
  STARTED+=("$PID")
}

# until_true SECONDS COMMAND...: waits for it to be true, a while.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}
listens() { grep -q '^listening on ' "$DIR/relay.out" 2>/dev/null; }
ready_or_gone() { listens || ! kill -0 "$RELAY_PID" 2>/dev/null; }

# With TLS=1 in the environment restart and kill-relay speak TLS: each relay draws a certificate of its own, which the clients read anew.
# relay FLAG...: starts one, without a limit for the one address that all traffic comes from, and waits until it listens; the second one of a script takes the address of the first.
relay() {
  spawn relay ${UNDER:-} "$RELAY" --listen "${ADDRESS:-127.0.0.1:0}" --request-rate-per-address 0 ${TLS:+--tls-self-signed --tls-cert-out "$DIR/certificate.pem"} "$@"
  RELAY_PID=$PID
  until_true 20 ready_or_gone || fail "the relay does not start"
  listens || { cat "$DIR/relay.log"; return 1; }
  ADDRESS=$(sed -n '1s,.*//,,p' "$DIR/relay.out")
}

# ended PID: waits for its end; STATUS is how it ended.
ended() {
  STATUS=0
  wait "$1" || STATUS=$?
}

# traffic COMMAND...: in the background, TRAFFIC_PID; `total NAME` reads its result when it has ended.
traffic() {
  spawn traffic "$TRAFFIC" --relay "$ADDRESS" ${TLS:+--tls-ca "$DIR/certificate.pem"} "$@"
  TRAFFIC_PID=$PID
}
total() { sed -n "s/^TOTAL .*\b$1=\([0-9]*\).*/\1/p" "$DIR/traffic.out"; }

# ask PATH: the body of an answer.
ask() {
  [ -z "${TLS:-}" ] || fail "TLS=1 is for restart and kill-relay"
  exec 9<>"/dev/tcp/${ADDRESS%:*}/${ADDRESS##*:}"
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&9
  timeout 5 sed '1,/^\r$/d' <&9
  exec 9>&-
}

# publish CHANNEL JSON: the status of the answer.
publish() {
  exec 9<>"/dev/tcp/${ADDRESS%:*}/${ADDRESS##*:}"
  printf 'POST /channels/%s/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n%s' "$1" \
    "Content-Length: ${#2}"$'\r\n\r\n'"$2" >&9
  timeout 5 sed -n '1s/HTTP\/1.1 \([0-9]*\).*/\1/p' <&9
  exec 9>&-
}

rss() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; } # KiB
descriptors() { ls "/proc/$1/fd" | wc -l; }
# CPU time in hundredths of a second.
cpu() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

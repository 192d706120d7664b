#!/bin/bash
# floor_check.sh WSPUSH FLOOR_SERVER: `wspush bench fan-out` against the floor. It must be content,
# also over several publishes in one write, and must refuse to measure a port that belongs to a
# process other than the one it was given.
set -euo pipefail
wspush=$1
floor_server=$2

log=$(mktemp)
"$floor_server" 127.0.0.1:0 2>"$log" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -f "$log"' EXIT

address=
for _ in $(seq 500); do
  address=$(sed -n 's/^listening on \([^ ]*\) .*/\1/p' "$log")
  [ -n "$address" ] && break
  sleep 0.01
done
[ -n "$address" ] || { echo "the floor did not start"; exit 1; }

fan_out=("$wspush" bench fan-out --url "ws://$address" --dialect floor --connections 200 --check)
"${fan_out[@]}" --server-pid "$server"
"${fan_out[@]}" --window 16 --messages 1000 --payload-bytes 1024
"${fan_out[@]}" --rate 500 --messages 50

if "${fan_out[@]}" --server-pid $$ 2>/dev/null; then
  echo "measured a server that is not the given process"
  exit 1
fi

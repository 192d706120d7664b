#!/bin/sh
# verify_unit.sh SYSTEMD_ANALYZE DIRECTORY BINARY: systemd-analyze verify over the unit in DIRECTORY
# with BINARY in place of the installed one. Whatever it says, but of other units, is a fault.
set -eu
units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
sed "s#^ExecStart=/usr/bin/wspushd#ExecStart=$3#; /^Documentation=/d" \
  "$2/wspushd.service" >"$units/wspushd.service"
faults=$("$1" verify --man=no --recursive-errors=no "$units/wspushd.service" 2>&1 | grep wspushd || true)
if [ -n "$faults" ]; then
  echo "$faults"
  exit 1
fi

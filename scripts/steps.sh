# Long commands in few lines: sourced by the scripts that people call. The caller stands in the root
# of the project and has set `script`, the name that its messages begin with.

logs=build/logs
step_pid=

# say TEXT...: a line with the time since the start.
say() {
  printf '[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

complain() {
  printf '%s: %s\n' "$script" "$*" >&2
}

# step NAME TITLE COMMAND...: runs the command, its output in build/logs/NAME.log. Says what it is
# doing every 15 seconds, and on failure shows the end of the log. Returns the command's exit code.
# It runs as a group of its own, so that `end_step` reaches what it started in turn.
step() {
  local log=$logs/$1.log title=$2 began=$SECONDS said=$SECONDS code=0
  shift 2
  mkdir -p "$logs"
  say "$title ..."
  setsid "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - said >= 15)); then
      said=$SECONDS
      say "  $(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)"
    fi
  done
  wait "$step_pid" || code=$?
  step_pid=
  if ((code != 0)); then
    say "$title: FAILED with $code after $((SECONDS - began)) s; the end of $log:"
    tail -n 60 "$log" >&2
  elif ((SECONDS - began >= 2)); then
    say "  took $((SECONDS - began)) s"
  fi
  return "$code"
}

# end_step: ends the command that `step` is waiting for, if there is one.
end_step() {
  if [ -n "$step_pid" ]; then
    kill -TERM -- "-$step_pid" 2>/dev/null
    wait "$step_pid" 2>/dev/null
    step_pid=
  fi
}

# use_ccache: makes new build trees compile through ccache, where it is installed.
use_ccache() {
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache
    # Without, it compiles anew whatever begins with a precompiled header. None of ours is in one,
    # and no macro of time is asked for.
    export CCACHE_SLOPPINESS=pch_defines,time_macros
  fi
}

# What the long runs share: processes that end with the script, waiting, and what a process holds.
# The script sets $name, $tmp, $master and pids.

die() {
  printf '%s: %s\n' "$name" "$*" >&2
  exit 1
}

cleanup() {
  if [ "${#pids[@]}" -gt 0 ]; then
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  fi
  rm -rf "$tmp"
}

# await FILE PATTERN: prints the first match, once it is there
await() {
  local i
  for ((i = 0; i < 300; i++)); do
    if grep -oE "$2" "$1" | head -n 1 | grep .; then return; fi
    sleep 0.1
  done
  cat "$1" >&2
  die "no '$2' in 30 seconds"
}

# One line a process: pid, name, open files (but pipes, which are kept for reuse), private memory in KiB.
measure() {
  local pid
  for pid in "$master" $(cat "/proc/$master/task/$master/children"); do
    printf '%s %s %s %s\n' "$pid" "$(tr -d " " <"/proc/$pid/comm")" \
      "$(find "/proc/$pid/fd" -mindepth 1 ! -lname 'pipe:*' | wc -l)" \
      "$(awk '/^Private_Dirty:/ { print $2 }' "/proc/$pid/smaps_rollup")"
  done
}

# compare KIB: $tmp/before with $tmp/after; a process may grow by so much
compare() {
  paste -d ' ' "$tmp/before" "$tmp/after" | awk -v most="$1" -v name="$name" '
    { printf "%-12s pid %-8s files %d -> %d   private memory %d -> %d KiB\n", $2, $1, $3, $7, $4, $8 }
    $1 != $5 { print name ": another process than before"; bad = 1 }
    $7 > $3 { print name ": it has more open files"; bad = 1 }
    $8 > $4 + most { print name ": it has grown"; bad = 1 }
    END { exit bad }'
}

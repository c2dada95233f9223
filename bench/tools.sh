# For the scripts beside it: compiles the backend and the load generator into $tools.
compile_tools() {
  local flags=(-std=c11 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla
    -Wstrict-prototypes -Wmissing-prototypes)
  mkdir -p "$tools"
  "${CC:-cc}" "${flags[@]}" bench/{origin,wire}.c -o "$tools/origin" -lssl -lcrypto
  "${CC:-cc}" "${flags[@]}" bench/{load,conn,pace,reader,histogram,cpu,wire}.c -o "$tools/load" \
    -lm -lssl -lcrypto
  "${CC:-cc}" "${flags[@]}" bench/h2_hold.c -o "$tools/h2_hold" -lssl -lcrypto
  "${CC:-cc}" "${flags[@]}" bench/{udp,cpu}.c -o "$tools/udp"
}

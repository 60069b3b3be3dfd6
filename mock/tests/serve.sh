# To be sourced: `serve PROGRAM [OPTIONS]` starts a mock on a free port, sets `url` and stops it when the script ends.
serve() {
  local log
  log=$(mktemp)
  "$1" mock --listen 127.0.0.1:0 "${@:2}" >"$log" 2>&1 &
  mock=$!
  trap 'kill $mock 2>/dev/null || true; rm -f '"$log" EXIT
  for _ in $(seq 200); do
    url=$(sed -n 's#.*\(http://127\.0\.0\.1:[0-9]*\)/v1.*#\1#p' "$log" | head -n 1)
    [ -n "$url" ] && return
    sleep 0.1
  done
  echo "the mock did not start:" >&2
  cat "$log" >&2
  return 1
}

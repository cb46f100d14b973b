#!/usr/bin/env bash
# Opens a report of 'airml report' in a real Chromium, from its file: no error on the console, no request leaves the page, tables sort,
# pictures open large, and it prints. Leaves the screenshots and the print in a folder. Needs the package 'chromium'.
#   ./eng/report-browser.sh report.html [FOLDER]
set -euo pipefail

report=$(realpath "${1:?usage: eng/report-browser.sh report.html [FOLDER]}")
out=${2:-artifacts/report-browser}
mkdir -p "$out"
out=$(realpath "$out")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo "There is no Chromium; on Debian and Ubuntu: apt-get install chromium" >&2; exit 1; }
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
failed=0

chromium_run() {
    timeout 90 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --user-data-dir="$profile" \
        --disable-background-networking --disable-component-update --disable-sync --disable-default-apps --no-pings "$@"
}

check() {
    if [ "$2" = 0 ]; then echo "ok      $1"; else echo "FAILED  $1"; failed=1; fi
}

# A copy with a script of the test's own, which clicks and writes down what it saw.
driven="$profile/driven.html"
sed 's|</body>|<script>addEventListener("load", () => {\
  const said = [];\
  for (const table of document.querySelectorAll("table.sortable")) {\
    const heads = table.tHead.rows[0].cells, last = heads.length - 1;\
    const values = (c) => [...table.tBodies[0].rows].map((r) => r.cells[c].dataset.v === undefined ? r.cells[c].textContent : Number(r.cells[c].dataset.v));\
    const rises = (v) => v.every((x, i) => i === 0 \|\| (typeof x === "number" ? v[i - 1] <= x : v[i - 1].localeCompare(x) <= 0));\
    heads[last].firstElementChild.click();\
    said.push(table.id + "-falls:" + rises(values(last).reverse()));\
    heads[last].firstElementChild.click();\
    said.push(table.id + "-rises:" + rises(values(last)));\
    heads[0].firstElementChild.click();\
    said.push(table.id + "-names:" + rises(values(0)));\
  }\
  const dialog = document.getElementById("large");\
  document.querySelector("button.pic img").click();\
  said.push("large-opens:" + (dialog.open \&\& dialog.querySelector("img").naturalWidth > 0));\
  dialog.click();\
  said.push("large-closes:" + !dialog.open);\
  said.push("pictures-whole:" + [...document.querySelectorAll("button.pic img")].every((i) => i.complete \&\& i.naturalWidth > 0));\
  document.body.dataset.said = said.join(" ");\
});</script></body>|' "$report" > "$driven"
chromium_run --enable-logging=stderr --log-net-log="$out/net.json" --virtual-time-budget=5000 --dump-dom "file://$driven" \
    > "$out/driven.dom" 2> "$out/console.txt"
said=$(grep -o 'data-said="[^"]*"' "$out/driven.dom" | head -1 | cut -d'"' -f2 || true)
[ -n "$said" ] || { echo "FAILED  the page did not run: see $out/console.txt"; exit 1; }
for word in $said; do
    check "${word%%:*}" "$([ "${word##*:}" = true ] && echo 0 || echo 1)"
done
check "no error on the console" "$(grep -qE 'CONSOLE' "$out/console.txt" && echo 1 || echo 0)"
# Chromium asks its maker for updates and the time by itself; a request of the page would be blocked by its policy and be on the console too.
own="https?://([a-z0-9.-]+\.)?(google|googleapis|gvt1)\.com[/:]"
check "no request leaves the page" "$(grep -oE "\"(url|original_url)\":\"(https?|wss?|ftp):[^\"]*" "$out/net.json" | grep -vqE "$own" && echo 1 || echo 0)"
chromium_run --no-pdf-header-footer --print-to-pdf="$out/report.pdf" "file://$report" 2> /dev/null
check "prints" "$([ "$(head -c 5 "$out/report.pdf")" = "%PDF-" ] && [ "$(stat -c %s "$out/report.pdf")" -gt 20000 ] && echo 0 || echo 1)"
chromium_run --window-size=1100,1500 --screenshot="$out/light.png" "file://$report" 2> /dev/null
chromium_run --window-size=1100,1500 --force-dark-mode --blink-settings=preferredColorScheme=0 --screenshot="$out/dark.png" "file://$report" 2> /dev/null
chromium_run --window-size=500,1100 --screenshot="$out/phone.png" "file://$report" 2> /dev/null
echo "screenshots and print: $out"
exit $failed

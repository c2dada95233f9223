#!/bin/sh
# install.sh PACKAGE.deb DOC.deb FOLDER: installs, upgrades and removes the package in a copy of this system
# that lives in FOLDER and is gone with this process (run it in mount and PID namespaces of its
# own). Says what it saw, a line each.
set -e
package=$1
doc=$2
folder=$3
mount -t tmpfs none "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
root=$folder/root
cp "$package" "$root/neap.deb"
cp "$doc" "$root/neap-doc.deb"
mount -t proc proc "$root/proc"
mount -t devtmpfs none "$root/dev" 2>/dev/null || mount --bind /dev "$root/dev"

inside() { chroot "$root" "$@"; }
quietly() { inside "$@" >"$root/output" 2>&1 || { cat "$root/output"; exit 1; }; }
say() { printf '%s: %s\n' "$1" "$2"; }

quietly dpkg --install /neap.deb /neap-doc.deb
say user "$(inside id -un neap)"
say logs "$(inside stat -c '%U:%G %a' /var/log/neap)"
say config "$(inside neap -t -c /etc/neap/config.lua)"
say unit "$(inside systemd-analyze verify --man=no neap.service 2>&1 | grep -F neap.service || echo fine)"
say manual "$(inside dpkg -L neap | grep -c '/man[578]/neap.*gz$')"
say docs "$(inside sh -c 'cd /usr/share/doc/neap && echo README.md docs/operations.md *.gz')"
say examples "$(inside sh -c 'cd /usr/share/doc/neap/examples && ls neap.socket')"
say libraries "$(inside grep -c '"type": "library"' /usr/share/doc/neap/neap.cdx.json)"
say profile "$(inside apparmor_parser -Q -K /etc/apparmor.d/usr.bin.neap 2>/dev/null && echo fine)"
say rotation "$(inside logrotate -d /etc/logrotate.d/neap 2>&1 | grep -ci '^error' || true)"

chroot "$root" neap -c /etc/neap/config.lua &
neap=$!
until grep -q ready "$root/var/log/neap/neap.log" 2>/dev/null; do sleep 0.05; done
say answer "$(inside curl --silent --max-time 5 http://127.0.0.1:8080/)"
kill -QUIT $neap
wait $neap

echo '-- mine' >>"$root/etc/neap/config.lua"
quietly dpkg --install /neap.deb
say kept "$(tail -n 1 "$root/etc/neap/config.lua")"
quietly dpkg --remove neap neap-doc
say removed "$(inside sh -c 'command -v neap || echo gone') $(ls "$root/etc/neap")"
quietly dpkg --purge neap neap-doc
say purged "$(ls -d "$root/etc/neap" "$root/var/log/neap" "$root/var/lib/neap" 2>/dev/null || echo clean) $(
  inside id neap 2>/dev/null || echo nobody)"

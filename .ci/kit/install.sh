#!/bin/sh
# Installs eksa-mirror from this folder: for everybody where root runs it, else for this account.
#   sh install.sh [--prefix FOLDER] [--remove]
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local
[ "$(id -u)" -eq 0 ] || prefix="$HOME/.local"
remove=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
    --remove) remove=yes; shift ;;
    -h | --help) sed -n 's/^# *\(.*\)/\1/p' "$0" | head -n 2; exit 0 ;;
    *) echo "There is no option $1. See: sh install.sh --help" >&2; exit 2 ;;
  esac
done
case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac

place=$prefix/lib/eksa-mirror
link=$prefix/bin/eksa-mirror
man=$prefix/share/man/man1/eksa-mirror.1
bash=$prefix/share/bash-completion/completions/eksa-mirror
zsh=$prefix/share/zsh/site-functions/_eksa-mirror

# A running program loads parts of itself when it needs them, so they must not change below it.
for exe in /proc/[0-9]*/exe; do
  if [ "$(readlink "$exe" 2> /dev/null)" = "$place/eksa-mirror" ]; then
    pid=${exe#/proc/}
    echo "eksa-mirror is running (process ${pid%/exe}). Let it end first, or: eksa-mirror stop" >&2
    exit 1
  fi
done

if [ "$remove" = yes ]; then
  rm -rf "$place"
  rm -f "$link" "$man" "$bash" "$zsh"
  echo "Removed. Imports and answers stay in ${XDG_STATE_HOME:-$HOME/.local/state}/eksa-mirror."
  exit 0
fi

echo "Looking whether the kit is whole"
(cd "$here" && sha256sum --check --quiet SHA256SUMS) || {
  echo "The kit was damaged on the way: copy it again." >&2
  exit 1
}
needed=$(cat "$here/share/glibc")
found=$(getconf GNU_LIBC_VERSION 2> /dev/null | cut -d ' ' -f 2) || found=
oldest=$(printf '%s\n%s\n' "$needed" "${found:-0}" | sort -V | head -n 1)
if [ "$oldest" != "$needed" ]; then
  echo "This kit needs glibc $needed or later; this system has ${found:-another C library}." >&2
  echo "Build the kit on this system, or on an older one, with: make kit" >&2
  exit 1
fi

mkdir -p "$prefix/lib" "$prefix/bin" "$(dirname "$man")" "$(dirname "$bash")" "$(dirname "$zsh")"
rm -rf "$place.new" "$place.old"
cp -R "$here/program" "$place.new"
[ ! -e "$place" ] || mv "$place" "$place.old"
mv "$place.new" "$place"
rm -rf "$place.old"
ln -sfn "$place/eksa-mirror" "$link"
cp "$here/share/eksa-mirror.1" "$man"
cp "$here/share/eksa-mirror.bash" "$bash"
cp "$here/share/_eksa-mirror" "$zsh"
version=$("$link" --version)
echo "Installed: $link ($version)"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) echo "Add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
esac

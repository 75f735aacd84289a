#!/bin/sh
# Installs eksa-mirror from this folder: for everybody where root runs it, else for this account.
#   sh install.sh [--prefix FOLDER] [--remove]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local
[ "$(id -u)" -eq 0 ] || prefix="$HOME/.local"
remove=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
    --remove) remove=yes; shift ;;
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "There is no option $1. See: sh install.sh --help" >&2; exit 2 ;;
  esac
done

place=$prefix/lib/eksa-mirror
link=$prefix/bin/eksa-mirror
man=$prefix/share/man/man1/eksa-mirror.1
bash=$prefix/share/bash-completion/completions/eksa-mirror
zsh=$prefix/share/zsh/site-functions/_eksa-mirror

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
mkdir -p "$prefix/lib" "$prefix/bin" "$(dirname "$man")" "$(dirname "$bash")" "$(dirname "$zsh")"
rm -rf "$place.new"
cp -R "$here/program" "$place.new"
rm -rf "$place"
mv "$place.new" "$place"
ln -sfn "$place/eksa-mirror" "$link"
cp "$here/share/eksa-mirror.1" "$man"
cp "$here/share/eksa-mirror.bash" "$bash"
cp "$here/share/_eksa-mirror" "$zsh"
"$link" --version > /dev/null
echo "Installed: $link ($("$link" --version))"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) echo "Add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
esac

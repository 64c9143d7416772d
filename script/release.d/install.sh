#!/bin/sh
# Installs repro @VERSION@ for this user, after checking it:
#
#	curl -fsSLO URL/install.sh && sh install.sh URL [--key FILE] [--to FOLDER]
#
# The list of the release's files must be signed by the key below, or by the one in
# FILE, which you have from elsewhere; the program must be in the list. Until both are
# so, nothing is where a shell would find it.
set -eu
umask 022
usage() { echo "usage: sh install.sh URL [--key FILE] [--to FOLDER]" >&2; exit 2; }
[ $# -ge 1 ] || usage
url=${1%/}; shift
key= to=${HOME:?}/.local/bin
while [ $# -gt 0 ]; do
	[ $# -ge 2 ] || usage
	case $1 in
	--key) key=$2 ;;
	--to) to=$2 ;;
	*) usage ;;
	esac
	shift 2
done
fail() { echo "install.sh: $*" >&2; exit 1; }
for need in curl openssl uname; do command -v "$need" >/dev/null || fail "needs $need"; done

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) fail "no program for $(uname -s) here" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "no program for $(uname -m) here" ;;
esac
name=repro-@VERSION@-$os-$arch

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
if [ -n "$key" ]; then
	cp "$key" "$work/key"
else
	cat >"$work/key" <<'KEY'
@KEY@
KEY
	[ "$(cat "$work/key")" != none ] || fail "this release is not signed: name a key with --key"
fi
for file in SHA256SUMS SHA256SUMS.sig "$name"; do
	curl -fsSL --max-filesize 200000000 -o "$work/$file" "$url/$file" || fail "$url/$file: not to be had"
done
openssl dgst -sha256 -verify "$work/key" -signature "$work/SHA256SUMS.sig" "$work/SHA256SUMS" >/dev/null 2>&1 ||
	fail "SHA256SUMS: not signed by the key of the releases: nothing was installed"
sum=$(openssl dgst -sha256 -r "$work/$name")
grep -qx "${sum%% *}  $name" "$work/SHA256SUMS" ||
	fail "$name: is not what SHA256SUMS says: nothing was installed"
mkdir -p "$to"
chmod 755 "$work/$name"
cp "$work/$name" "$to/.repro.$$"
mv -f "$to/.repro.$$" "$to/repro"
echo "$to/repro  $("$to/repro" version)"

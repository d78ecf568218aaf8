# shellcheck shell=bash
# What tools/quickstart and tools/test have in common; to be sourced, in bash, from the root.
#
# say MESSAGE, die MESSAGE           lines on standard error
# install_packages GROUP...          the missing ones of tools/packages.txt
# job_count                          how many compilers at once

# Where ccache is: every clone of the same sources finds what another has compiled.
export CCACHE_BASEDIR="${CCACHE_BASEDIR-$PWD}" CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR-1}"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

packages_of() {  # GROUP...
  local group
  for group in "$@"; do
    awk -v group="$group" '$1 == group { print $2 }' tools/packages.txt
  done
}

missing_packages() {  # PACKAGE...
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_packages() {  # GROUP...
  local system missing
  system=$( . /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}" ) || true
  if ! command -v apt-get >/dev/null || [ "${system%% *}" != debian ] || [ "${system##* }" -lt 12 ] 2>/dev/null; then
    die "this is not Debian 12 or later (found: ${system:-no /etc/os-release}); install what" \
        "tools/packages.txt names by your system's means, then run this again with --no-install"
  fi
  # One word each: a list of names.
  # shellcheck disable=SC2046
  missing=$(missing_packages $(packages_of "$@") | tr '\n' ' ')
  if [ -z "$missing" ]; then
    say "all Debian packages are there"
    return
  fi
  say "installing the missing Debian packages: $missing"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die "installing needs root, and there is no sudo; as root, run:" \
        "apt-get update && apt-get install --no-install-recommends $missing"
  fi
  local quiet=(-qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3)
  as_root apt-get "${quiet[@]}" update ||
    die "apt-get update failed (see above); check the network and /etc/apt, then run this again"
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get "${quiet[@]}" install -y --no-install-recommends $missing >/dev/null ||
    die "apt-get install failed (see above); check the network and /etc/apt, then run this again"
}

job_count() {
  # A compiler of this project takes up to 1 GiB.
  local cores gibibytes
  cores=$(nproc)
  gibibytes=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null)
  [ "${gibibytes:-0}" -ge 1 ] || gibibytes=1
  echo $((cores < gibibytes ? cores : gibibytes))
}

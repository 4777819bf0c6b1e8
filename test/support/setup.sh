# SPDX-License-Identifier: BSL-1.0
# What the scripts share: messages, and the packages they need. Sourced from the top of the tree by
# scripts that have set `install` to yes or no.

step() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

fail() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }

# Says what is allowed, and leaves as a wrong command line does.
bad_option() { printf '%s: %s is not an option\n' "$0" "$1" >&2; usage >&2; exit 2; }

# have WHAT: whether this command is there, this file, by its full path, or the library -lNAME, which
# the compiler looks for where it looks when it links.
have() {
  case $1 in
    /*) [ -e "$1" ] ;;
    -l*) [[ $("${CXX:-g++}" -print-file-name="lib${1#-l}.so" 2>/dev/null) == */* ]] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Installers say much: what they say is kept in a file, and shown when they fail.
installer_log=.build/install.log
apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null >>"$installer_log" 2>&1
}

# need WHAT=PACKAGE...: installs the packages of which WHAT (see `have`) is not there; with
# install=no, names them and fails.
need() {
  local pair package missing=()
  for pair; do have "${pair%=*}" || missing+=("${pair##*=}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$install" = yes ] || fail "missing: ${missing[*]} (without --no-install they are installed)"
  have apt-get || fail "missing: ${missing[*]} (there is no apt-get here to install them with)"
  [ "$(id -u)" = 0 ] || have sudo || fail "missing: ${missing[*]} (to install needs root or sudo)"
  step "installing with apt-get: ${missing[*]} (its output: $installer_log)"
  mkdir -p "${installer_log%/*}"
  : >"$installer_log"
  for package in "${missing[@]}"; do
    apt-cache show "$package" >/dev/null 2>&1 || { apt update || true; break; }
  done
  apt install --no-install-recommends "${missing[@]}" && return
  apt update || true  # what was known may name versions that the archive no longer has
  apt install --no-install-recommends "${missing[@]}" && return
  cat "$installer_log"
  fail "cannot install: ${missing[*]}"
}

# configure DIRECTORY OPTION...: sets the build directory up, or anew when it is there.
configure() {
  local directory=$1 again=()
  shift
  [ ! -e "$directory/build.ninja" ] || again=(--reconfigure)
  mkdir -p "$directory"
  meson setup "${again[@]}" "$directory" "$@" >"$directory/setup.log" ||
    { cat "$directory/setup.log"; return 1; }
}

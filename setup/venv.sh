#!/bin/sh
# setup/venv.sh FOLDER [EXTRA ...]
# An environment with the core of pyproject.toml and the extras named, in the versions of constraints.txt:
# by uv if that is on the PATH, else by uv installed into the environment, else by pip, which takes minutes.
# FOLDER/complete is written last: an environment without it was interrupted, and make has it built again.
set -eu

say() { echo "[$folder] $*"; }
refuse() {
    echo "setup/venv.sh: $*" >&2
    exit 2
}

[ $# -gt 0 ] || refuse "name the folder of the environment, then the extras"
folder=$1
shift
# The file itself, not a link in an environment that is active and perhaps the one to be removed.
ask='import os, sys; print(os.path.realpath(sys.executable)); sys.exit(sys.version_info < (3, 11))'
python=$(python3 -c "$ask" 2>/dev/null) ||
    refuse "python3 must be Python 3.11 or newer, but it is $(python3 --version 2>/dev/null || echo absent)"
[ ! -e "$folder" ] || [ -e "$folder/pyvenv.cfg" ] || rmdir "$folder" 2>/dev/null ||
    refuse "$folder exists and is no environment: remove it, or name another folder"

here=$(cd "$(dirname "$0")/.." && pwd)
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
trap 'exit 130' INT TERM HUP # or an interrupted uv would pass for one that failed, and pip would start
"$python" "$here/setup/requirements.py" "$@" >"$lines"

heartbeat() { # pip -q is silent for minutes; the loop ends with this script, however that ends
    seconds=0
    while sleep 5 </dev/null >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 5))
        say "pip at work, $seconds s"
    done
}
pip_install() {
    heartbeat &
    "$folder/bin/python" -m pip install -q --disable-pip-version-check "$@" && status=0 || status=$?
    kill $! && wait $! 2>/dev/null || :
    return $status
}
uv_install() {
    say "uv installs"
    "$uv" pip install --python "$folder/bin/python" -c "$here/constraints.txt" -r "$lines"
}

export UV_PYTHON_DOWNLOADS=never
say "a new environment for $("$python" --version)"
rm -rf "$folder"
uv=$(command -v uv) || uv=
[ -n "$uv" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    refuse "python3 lacks its venv module: install that (on Debian: python3-venv), or uv"
if [ -n "$uv" ]; then
    "$uv" venv -q --python "$python" "$folder" || :
else
    "$python" -m venv "$folder"
    say "pip fetches uv"
    ! pip_install uv || uv=$folder/bin/uv
fi
if [ -z "$uv" ] || ! uv_install; then
    say "no success with uv: pip installs, which takes minutes"
    "$python" -m venv --clear "$folder"
    pip_install -c "$here/constraints.txt" -r "$lines" || refuse "pip failed for the reason above"
fi
date >"$folder/complete"
say "complete"

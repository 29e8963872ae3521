#!/bin/sh
# Gets what `make demo`, `make test` and `make lint` need on a fresh Debian machine.
#
#   sh deploy/setup.sh demo    .venv with the program and the demo's libraries
#   sh deploy/setup.sh lint    .venv with the development tools too
#   sh deploy/setup.sh test    the same, and the servers and the browser that the tests use
#
# Done once: a stamp in .venv holds a checksum of what was asked for. What can not be had
# is said in one line and ends with code 1.
set -eu
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/sbin" # Debian keeps mosquitto there, and a user's PATH does not

fail() {
    echo "setup: $1" >&2
    exit 1
}

# As root; sudo may ask for a password on a terminal, but never waits for one without.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# A service that apt starts would hold ports for nothing: the tests start their own.
install_without_starting() {
    policy=/usr/sbin/policy-rc.d
    ours=no
    if [ ! -e "$policy" ]; then
        ours=yes
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" || true
    fi
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" || status=$?
    if [ -d /run/systemd/system ]; then
        for unit in "$@"; do
            as_root systemctl disable --quiet "$unit" 2>/dev/null || true
        done
    fi
    if [ "$ours" = yes ]; then
        as_root rm -f "$policy"
        trap - EXIT INT TERM
    fi
    return "$status"
}

# debian PACKAGE...: all of them, or one line that names them.
debian() {
    command -v apt-get >/dev/null 2>&1 || fail "install $* with your system's package manager (there is no apt-get here)"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "run this as root: apt-get install $* (there is no sudo here)"
    fi
    echo "setup: installing $*"
    log=$(mktemp)
    # A list that can not be fetched may be of no matter here: the installation decides.
    if { as_root apt-get update -q || true; install_without_starting "$@"; } >"$log" 2>&1; then
        rm -f "$log"
    else
        reason=$(grep '^\(E:\|sudo:\)' "$log" | tail -n 1)
        rm -f "$log"
        fail "apt-get could not install $* (${reason:-no reason given})"
    fi
}

python3_is_new_enough() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

make_venv() {
    command -v python3 >/dev/null 2>&1 || debian python3 python3-venv
    python3_is_new_enough || fail "Python 3.11 or newer is needed; python3 here is $(python3 -V 2>&1)"
    if [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    python3 -c 'import ensurepip' 2>/dev/null || debian python3-venv
    echo "setup: making .venv"
    python3 -m venv --clear .venv || fail "python3 -m venv .venv did not work (see above)"
}

# python_packages EXTRA: the program with EXTRA, as pinned in constraints.txt.
python_packages() {
    wanted=$(cat pyproject.toml constraints.txt | cksum)
    stamp=".venv/.gridwarden-$1"
    if [ -x .venv/bin/gridwarden ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    make_venv
    echo "setup: installing the Python packages (a minute, once)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        -c constraints.txt -e ".[$1]" ||
        fail "pip could not install the packages of constraints.txt (see above; is the network there?)"
    echo "$wanted" >"$stamp"
    [ "$1" != dev ] || echo "$wanted" >.venv/.gridwarden-demo # dev holds all that demo wants
}

# Debian keeps PostgreSQL's server where no PATH finds it.
postgresql() {
    for program in /usr/lib/postgresql/*/bin/postgres; do
        [ ! -x "$program" ] || return 0
    done
    command -v postgres >/dev/null 2>&1
}

servers() {
    missing=""
    command -v mosquitto >/dev/null 2>&1 || missing="$missing mosquitto"
    command -v influxd >/dev/null 2>&1 || missing="$missing influxdb"
    command -v victoria-metrics >/dev/null 2>&1 || missing="$missing victoria-metrics"
    command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
    # npm fetches the schema that the dashboards are checked against.
    command -v npm >/dev/null 2>&1 || missing="$missing npm"
    postgresql || missing="$missing postgresql"
    # The pages are Chinese: without the font the browser tests would look at boxes.
    [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing="$missing fonts-noto-cjk"
    # An RTSP server for the camera's tests; what it needs of Python is the system's own.
    for library in /usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib; do
        [ -e "$library" ] || missing="$missing gir1.2-gst-rtsp-server-1.0"
    done
    [ -e /usr/lib/python3/dist-packages/gi ] || missing="$missing python3-gi"
    for library in /usr/lib/*/gstreamer-1.0/libgstrtp.so; do
        [ -e "$library" ] || missing="$missing gstreamer1.0-plugins-good"
    done
    # What drives the browser is a node program that brings everything but this library.
    for library in /usr/lib/*/libatomic.so.1; do
        [ -e "$library" ] || missing="$missing libatomic1"
    done
    # shellcheck disable=SC2086 # one word per package
    [ -z "$missing" ] || debian $missing
}

case "${1:-}" in
demo) python_packages demo ;;
lint) python_packages dev ;;
test)
    servers
    python_packages dev
    ;;
*)
    echo "usage: sh deploy/setup.sh demo|lint|test" >&2
    exit 2
    ;;
esac

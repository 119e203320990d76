#!/usr/bin/env bash
# Sets xgeom up in ./.venv: system libraries, virtual environment, pinned packages, editable install.
#
#   bash packaging/setup.sh [offscreen|window|system|cluster|programs]
#
# offscreen  what tests and computing nodes need (default)
# window     the same, and what a window on this display needs
# system     only the system packages, including python3 and make
# cluster    only Slurm, for the tests of jobs on a cluster; without it they are skipped
# programs   only DIALS, for the tests that run it; takes some minutes, without it they are skipped
#
# Needs bash and coreutils only. When everything is in place it ends within a fraction of a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv
readonly STAMP=$VENV/.xgeom-installed    # what was installed; written last
readonly MARK=$VENV/.xgeom-installing    # stands while pip works; found at the start, the last set-up broke off
readonly APT_MARK=$VENV/.xgeom-apt-tried # packages that apt could not bring; not tried at every start

# Debian package, then the library that shows that it is there. One list per purpose.
readonly OFFSCREEN_LIBS="libgl1 libGL.so.1
libegl1 libEGL.so.1
libxkbcommon0 libxkbcommon.so.0
libfontconfig1 libfontconfig.so.1
libdbus-1-3 libdbus-1.so.3
libglib2.0-0 libglib-2.0.so.0"
readonly X11_LIBS="libxcb-cursor0 libxcb-cursor.so.0
libxcb-icccm4 libxcb-icccm.so.4
libxcb-keysyms1 libxcb-keysyms.so.1
libxcb-shape0 libxcb-shape.so.0
libxkbcommon-x11-0 libxkbcommon-x11.so.0"
readonly WAYLAND_LIBS="libwayland-cursor0 libwayland-cursor.so.0
libwayland-egl1 libwayland-egl.so.1"

say() { printf 'xgeom: %s\n' "$*"; }
die() {
    printf 'xgeom: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
# Daemons stand where not everybody looks for programs.
have_daemon() { PATH="$PATH:/usr/sbin:/sbin" have "$1"; }

# ------------------------------------------------------------------------------------------- Python

# Prints the first Python that is new enough, one that can make virtual environments if there is any.
find_python() {
    local candidate usable="" candidates=(python3 python3.11 python3.12 python3.13 python3.14)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        have "$candidate" || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        [ -n "$usable" ] || usable=$candidate
        if can_make_venv "$candidate"; then
            usable=$candidate
            break
        fi
    done
    printf '%s' "$usable"
}

# Debian keeps ensurepip, without which a virtual environment has no pip, in a package of its own.
can_make_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

python_packages() {
    local python
    python=$(find_python)
    if [ -z "$python" ]; then
        printf 'python3 python3-venv '
    elif ! can_make_venv "$python"; then
        printf 'python3-venv '
    fi
}

# -------------------------------------------------------------------------------- system libraries

# Prints the packages of a list whose library the dynamic linker does not know.
missing_libs() {
    local known package library
    known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || return 0
    while read -r package library; do
        case "$known" in
        *"$library "*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done <<<"$1"
}

# Without any font Qt runs and draws every letter as an empty box.
have_font() {
    if have fc-list; then
        [ -n "$(fc-list 2>/dev/null)" ]
    else
        (
            shopt -s globstar nullglob
            for _ in /usr/share/fonts/**/*.[to]tf /usr/local/share/fonts/**/*.[to]tf; do exit 0; done
            exit 1
        )
    fi
}

missing_packages() {
    if [ "$1" = cluster ]; then
        have_daemon slurmctld && have_daemon slurmd && have sbatch || printf 'slurm-wlm '
        have_daemon munged || printf 'munge '
        return 0
    fi
    if [ "$1" = programs ]; then
        have dials.import || printf 'dials '
        return 0
    fi
    [ "$1" != system ] || have make || printf 'make '
    [ -x $VENV/bin/python ] || python_packages
    missing_libs "$OFFSCREEN_LIBS"
    have_font || printf 'fonts-dejavu-core '
    if [ "$1" = window ] && [ "${QT_QPA_PLATFORM:-}" != offscreen ]; then
        [ -z "${DISPLAY:-}" ] || missing_libs "$X11_LIBS"
        [ -z "${WAYLAND_DISPLAY:-}" ] || missing_libs "$WAYLAND_LIBS"
    fi
}

# Runs a command as root, if that is allowed without asking for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    as_root true || return 1
    # One unreachable repository fails the update and need not matter for what is wanted here.
    as_root "${apt[@]}" update </dev/null >/dev/null 2>&1 || true
    as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1
}

install_system_packages() {
    [ "$(uname -s)" = Linux ] || return 0
    local missing
    missing=$(missing_packages "$1")
    missing=${missing% }
    [ -n "$missing" ] || return 0
    if have apt-get && [ "$(cat "$APT_MARK" 2>/dev/null)" != "$missing" ]; then
        say "installing system packages: $missing"
        # shellcheck disable=SC2086  # one argument per package
        if apt_install $missing; then return 0; fi
        [ ! -d $VENV ] || printf '%s\n' "$missing" >"$APT_MARK"
    fi
    if have apt-get; then
        say "some system packages are missing and could not be installed from here; please type:" \
            "sudo apt-get install --no-install-recommends $missing"
    else
        say "some system libraries are missing; their Debian packages are $missing, please install the" \
            "same with this system's package manager."
    fi
}

# ------------------------------------------------------------------------------ virtual environment

# Whatever changes what pip would do. The path is part of it, as a moved environment does not work.
wanted() {
    printf '%s\n' "$PWD"
    cat pyproject.toml constraints.txt packaging/setup.sh | cksum
}

installed() {
    [ ! -e $MARK ] && [ "$(cat $STAMP 2>/dev/null)" = "$(wanted)" ] && $VENV/bin/python -c '' 2>/dev/null
}

make_venv() {
    # A .venv in which pip was interrupted may hold half a package that pip believes to be whole.
    if [ ! -e $MARK ] && [ "$(head -n 1 $STAMP 2>/dev/null || pwd)" = "$PWD" ] &&
        $VENV/bin/python -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    local python
    python=$(find_python)
    [ -n "$python" ] ||
        die "Python 3.11 or newer is needed and was not found; install it, or name it: make run PYTHON=/path/to/python3"
    can_make_venv "$python" ||
        die "$python cannot make virtual environments; on Debian and Ubuntu type: sudo apt-get install python3-venv"
    say "making $VENV with $("$python" --version)"
    "$python" -m venv --clear $VENV || die "the virtual environment $PWD/$VENV could not be made; see above."
}

pip_install() {
    # PIP_USER and a PYTHONHOME from outside would lead pip past the virtual environment.
    env -u PIP_USER -u PYTHONHOME $VENV/bin/python -m pip install --disable-pip-version-check --no-input \
        $PIP_QUIET -c constraints.txt "$@" </dev/null ||
        die "the Python packages could not be installed (see above); check the network and the disk space" \
            "(about 3 GB, more with a CUDA build of torch) and try again."
}

install_packages() {
    rm -f $STAMP
    : >$MARK
    say "installing Python packages into $VENV (this takes a few minutes, once)"
    # The build backend first and pinned like everything else; then no isolated build is needed.
    pip_install hatchling
    pip_install --no-build-isolation -e '.[dev]'
    wanted >$STAMP.partial
    mv $STAMP.partial $STAMP
    rm -f $MARK
    say "set-up complete"
}

main() {
    local purpose=${1:-offscreen}
    case $purpose in
    offscreen | window | system | cluster | programs) ;;
    *) die "the set-up knows offscreen, window, system, cluster and programs, not '$purpose'." ;;
    esac
    install_system_packages "$purpose"
    case $purpose in system | cluster | programs) return 0 ;; esac
    if installed; then return 0; fi
    make_venv
    install_packages
}

# pip's progress bars are for people; a log gets silence and errors.
PIP_QUIET=--quiet
[ ! -t 1 ] || PIP_QUIET=--progress-bar=on
main "$@"

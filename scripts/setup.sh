#!/bin/sh
# Makes .venv in this folder, or completes it. Takes an extra of pyproject.toml to install too: handouts, cluster or dev.
# Called by the Makefile. Uses uv if it is installed, and Python's own venv and pip otherwise.

extras=${1:-}
sum=$(cksum <pyproject.toml)
if [ -x .venv/bin/python ] && [ "$(cat ".venv/ready$extras" 2>/dev/null)" = "$sum" ]; then
    touch .venv/ready*
    exit 0
fi

fail() {
    printf '\nmake: %s\n' "$1" >&2
    shift
    printf '      %s\n' "$@" >&2
    exit 1
}

has_uv() {
    command -v uv >/dev/null
}

# Sets $found to the path of a Python that fits, and $version to its version.
find_python() {
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else
        set -- python3 python3.14 python3.13 python3.12 python3.11 python
    fi
    unfit='' bare='' found=''
    for name do
        version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        case $version in
            3.11 | 3.12 | 3.13 | 3.14) ;;
            *) unfit="$unfit${unfit:+, }$name is $version" && continue ;;
        esac
        if has_uv || "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            found=$("$name" -c 'import sys; print(sys._base_executable)') && return
        fi
        bare=${bare:-$version}
    done
    if [ -n "$bare" ]; then
        fail "Python $bare is installed, but not its module venv, which makes .venv." \
            "Debian, Ubuntu:  sudo apt install python3-venv   (or python$bare-venv)" \
            "Then type the same command again. Another Python: make PYTHON=/path/to/python3 ..."
    fi
    fail "this lab needs Python 3.11, 3.12, 3.13 or 3.14; found: ${unfit:-${PYTHON:-no python3 at all}}." \
        "Debian, Ubuntu:  sudo apt install python3 python3-venv" \
        "macOS:           brew install python@3.13" \
        "other systems:   https://www.python.org/downloads/" \
        "If you have one under another name:  make PYTHON=/path/to/python3.13 ..."
}

make_environment() {
    if has_uv; then
        # --seed puts pip into .venv, too: it is needed once uv is gone.
        uv venv --quiet --clear --seed --python "$found" .venv 2>&1
    else
        "$found" -m venv --clear .venv 2>&1
    fi
}

run_installer() {
    [ -w "${HOME:-/nonexistent}" ] || export PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
    if has_uv; then
        uv pip install --no-progress --python .venv/bin/python -e ".${extras:+[$extras]}" 2>&1
    else
        export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_REQUIRE_VIRTUALENV=0
        .venv/bin/python -m pip install --retries 2 --timeout 20 --progress-bar off -e ".${extras:+[$extras]}" 2>&1
    fi
}

# Fails with what to do about it if the installer's output, on standard input, shows that the network was the cause.
fail_if_unreachable() {
    pattern='retrying|connection|resolution|resolve|unreachable|timed out|proxy'
    ! has_uv || pattern='failed to fetch|error sending request|dns error|timed out|connection (refused|reset)'
    ! grep -Eqi "$pattern" || fail "the package index cannot be reached, and the first set-up needs it." \
        "Connect this machine to the network, and type the same command again. Once set up, the lab works offline." \
        "Behind a proxy: set HTTPS_PROXY=http://host:port.${1:-}"
}

install() {
    [ -w .venv ] || fail "$PWD/.venv is not complete, and you may not write there." \
        "Make a copy of this folder that is yours, and type the command there."
    rm -f .venv/ready*
    {
        run_installer
        echo $? >.venv/status
    } | tee .venv/setup.log | awk '
        $1 == "Collecting" { sub(/[^A-Za-z0-9_-].*/, "", $2); print "  " $2; fflush() }
        $1 == "+" { sub(/=.*/, "", $2); print "  " $2; fflush() }
        /Retrying/ && !shown { print "  no answer from the package index, trying again"; shown = 1; fflush() }
    '
    [ "$(cat .venv/status)" = 0 ] && return
    fail_if_unreachable " Details: .venv/setup.log" <.venv/setup.log
    tail -n 15 .venv/setup.log >&2
    fail "what the lab needs could not be installed; the end of the output is above, all of it in .venv/setup.log." \
        "When the cause is fixed, type the same command again."
}

begun=$(date +%s)
if [ ! -x .venv/bin/python ] || [ ! -f .venv/complete ]; then
    find_python
    echo "Setting up Python $version in .venv; this is done once, and takes about half a minute."
    words=$(make_environment) || {
        ! has_uv || echo "$words" | fail_if_unreachable || exit
        fail "could not make .venv in $PWD:" "$(echo "$words" | tail -n 1)" "Is there room, and may you write here?"
    }
else
    echo "Completing .venv."
fi
install
echo "$sum" >.venv/ready
[ -z "$extras" ] || echo "$sum" >".venv/ready$extras"
[ "$extras" != dev ] || echo "$sum" >.venv/readyhandouts
touch .venv/complete
echo "Ready, after $(($(date +%s) - begun)) s."
echo

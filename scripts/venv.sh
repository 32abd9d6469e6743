# Sourced by run and test: makes .venv and installs the project into it, once per state of what the install depends on.
# Python sources are installed in place and need no new install; the front end does.

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$@"
    exit 1
}

find_python() {
    found=
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        found=$candidate
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || continue
        "$candidate" -c 'import venv, ensurepip' 2>/dev/null && { echo "$candidate"; return; }
        version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        die "Python $version is here, but not its venv module. On Debian or Ubuntu: apt install python$version-venv"
    done
    [ -n "$found" ] || die "Python 3.10 or newer is needed, and no Python was found."
    die "Python 3.10 or newer is needed. Found: $("$found" --version 2>&1)"
}

# Everything that an install depends on, in one number. The path counts: an install in place does not survive a move.
install_key() {
    {
        pwd
        find pyproject.toml jupyter-config jupyter_sessions/_version.py labextension \
            \( -name node_modules -o -path labextension/lib -o -path labextension/build -o -path labextension/tests \) -prune \
            -o -type f ! -name '*.tsbuildinfo' -exec cksum {} + | sort
    } | cksum
}

# make_venv EXTRAS: afterwards .venv holds the project with these extras.
make_venv() {
    # The scripts in an environment name its place; one that was moved or copied is of no use.
    if ! { .venv/bin/python -c '' && grep -qF "$PWD/.venv/bin" .venv/bin/pip; } 2>/dev/null; then
        python=$(find_python) || exit 1
        say "Making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv || die "The environment could not be made; the reason is above."
    fi
    key=$(install_key)
    [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$key" ] && [ -d jupyter_sessions/labextension ] && return
    say "Installing jupyter-sessions and what it needs (a few minutes the first time)"
    rm -rf .venv/installed-* jupyter_sessions/labextension labextension/lib labextension/tsconfig.tsbuildinfo
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$1]" ||
        die "The installation failed; the reason is above. Most often the network is missing."
    # Installing changes package-lock.json only if it did not fit package.json, so take the key as it is now.
    install_key >".venv/installed-$1"
    case $1 in *,*) install_key >".venv/installed-${1%%,*}" ;; esac
}

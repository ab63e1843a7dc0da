#!/usr/bin/env bash
# Build CPython 3.13 without the GIL from the sources of Debian's suite trixie, into a folder.
#
#   tools/free_threaded_python.sh FOLDER    then: FOLDER/bin/python3.13t
#
# Needs apt-get, gcc, make and the headers of OpenSSL, zlib and libffi; about five minutes on two
# cores. The suite is read through lists of its own: the machine's sources of packages stay as
# they are. Does nothing if FOLDER holds such an interpreter already.
set -euo pipefail

prefix=$(realpath --canonicalize-missing "${1:?usage: $0 FOLDER}")
python=$prefix/bin/python3.13t
without_gil='import sys, sysconfig
sys.exit(not sysconfig.get_config_var("Py_GIL_DISABLED") or sys._is_gil_enabled())'

if [[ -x $python ]] && "$python" -c "$without_gil"; then
    echo "$python is there already"
    exit
fi

work=$(mktemp --directory)
trap 'rm --recursive --force "$work"' EXIT
mkdir --parents "$work/lists/partial"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# Where the machine gets Debian from; any other mirror can be named.
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' |
    grep --max-count=1 '/debian/\?$')}
echo "deb-src [signed-by=$keyring] $mirror trixie main" >"$work/sources.list"
options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)

cd "$work"
apt-get "${options[@]}" update -qq
# Upstream's archive as it is: Debian's patches move site-packages and take ensurepip away.
apt-get "${options[@]}" source --only-source --download-only -qq python3.13
mkdir source
tar --extract --file python3.13_*.orig.tar.?z --directory source --strip-components 1
cd source
./configure --quiet --disable-gil --prefix="$prefix" --with-ensurepip=install CFLAGS="-g0"
make --silent --jobs="${JOBS:-2}"
make --silent install
"$python" -c "$without_gil"
"$python" --version

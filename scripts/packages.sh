# What wspushd needs of the system, in one place: sourced by scripts that build
# something. Each line: a Debian package, then how to see that it is there: a program on
# the PATH, or a file.

packages_to_build='
g++                /usr/bin/g++
cmake              cmake
ninja-build        ninja
libssl-dev         /usr/include/openssl/ssl.h
zlib1g-dev         /usr/include/zlib.h
libspdlog-dev      /usr/include/spdlog/spdlog.h
libsimdjson-dev    /usr/include/simdjson.h
libyaml-cpp-dev    /usr/include/yaml-cpp/yaml.h
librocksdb-dev     /usr/include/rocksdb/db.h
'

packages_to_test='
mold               mold
libgtest-dev       /usr/include/gtest/gtest.h
libgmock-dev       /usr/include/gmock/gmock.h
libbenchmark-dev   /usr/include/benchmark/benchmark.h
git                git
python3            /usr/bin/python3
python3-pytest     /usr/lib/python3/dist-packages/pytest/__init__.py
systemd            systemd-analyze
ca-certificates    /etc/ssl/certs/ca-certificates.crt
nginx              nginx
libnginx-mod-stream /usr/lib/nginx/modules/ngx_stream_module.so
haproxy            haproxy
openssl            openssl
curl               curl
python3-websockets /usr/lib/python3/dist-packages/websockets/__init__.py
default-jdk-headless javac
golang-go          go
golang-github-gorilla-websocket-dev /usr/share/gocode/src/github.com/gorilla/websocket/client.go
nodejs             node
npm                npm
chromium           chromium
'

packages_to_fuzz='
clang-14           clang++-14
libclang-rt-14-dev /usr/lib/llvm-14/lib/clang/14.0.6/include/fuzzer/FuzzedDataProvider.h
llvm-14            /usr/lib/llvm-14/bin/llvm-symbolizer
'

packages_to_cover='
libgtest-dev       /usr/include/gtest/gtest.h
libgmock-dev       /usr/include/gmock/gmock.h
gcovr              gcovr
'

packages_to_bench='
libbenchmark-dev   /usr/include/benchmark/benchmark.h
python3            /usr/bin/python3
openssl            openssl
git                git
'

# What scripts/bench compares with.
packages_of_peers='
nginx              nginx
libnginx-mod-nchan /usr/lib/nginx/modules/ngx_nchan_module.so
nats-server        nats-server
mosquitto          mosquitto
libboost-dev       /usr/include/boost/beast/websocket.hpp
nodejs             node
npm                npm
'

# package_names LIST: the names alone, in one line.
package_names() {
  awk 'NF { printf "%s%s", sep, $1; sep = " " } END { print "" }' <<<"$1"
}

# missing_packages LIST: prints the packages of LIST that are not there, in one line.
missing_packages() {
  local package sign missing=()
  while read -r package sign; do
    case $sign in
      '') ;;
      /*) [ -e "$sign" ] || missing+=("$package") ;;
      *) command -v "$sign" >/dev/null || missing+=("$package") ;;
    esac
  done <<<"$1"
  echo "${missing[*]}"
}

# install_missing LIST: brings what is missing by apt, or says what to install and returns 1.
# Needs steps.sh.
install_missing() {
  local missing dpkg_options=(-o Dpkg::Use-Pty=0)
  missing=$(missing_packages "$1")
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then
    complain "missing: $missing (names as on Debian 12); install them and run this again"
    return 1
  fi
  if [ "$(id -u)" != 0 ]; then
    complain "missing: $missing; as root: apt-get install --no-install-recommends $missing"
    return 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  step apt-update "look up packages" apt-get update || return 1
  if [ "${CI:-}" = true ]; then  # a machine for one run: nothing has to survive a power cut
    dpkg_options+=(-o Dpkg::Options::=--force-unsafe-io)
  fi
  # shellcheck disable=SC2086  # a list of names
  step apt-install "install $missing" \
    apt-get install --yes --no-install-recommends "${dpkg_options[@]}" $missing || return 1
  hash -r
  missing=$(missing_packages "$1")
  [ -z "$missing" ] || {
    complain "installed, and still not to be seen: $missing"
    return 1
  }
}

// The command line of the floor server; see --help.

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "floor_server.hpp"

namespace wspush::floor {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr std::size_t kThreadsMax = 64;

constexpr const char* kUsage =
    R"(usage: floor_server [HOST:PORT] [--mode fan-out|echo|ping|http] [--threads N]
                    [--tls CERTIFICATE KEY]

What a WebSocket server costs that does nothing but the unavoidable: the ruler of scripts/bench.
HOST is an IPv4 literal; the default is 127.0.0.1:0, a free port, which it prints. Ends on SIGTERM.

  fan-out  text and binary frames of clients that asked for /publish go to all other clients;
           those whose socket is full miss them (the default)
  echo     every frame goes back
  ping     pings each client each second
  http     every request gets the same answer, that to a published message

With --threads each has connections of its own and a CPU of its own (1); what is published goes to
the clients of all.
)";

struct Options {
  sockaddr_in address{};
  Mode mode = Mode::kFanOut;
  std::size_t threads = 1;
  std::string certificate;  // empty: no TLS
  std::string key;
};

std::optional<Mode> mode_of(std::string_view name) {
  constexpr std::pair<std::string_view, Mode> kModes[] = {{"fan-out", Mode::kFanOut},
                                                          {"echo", Mode::kEcho},
                                                          {"ping", Mode::kPing},
                                                          {"http", Mode::kHttp}};
  for (const auto& [known, mode] : kModes) {
    if (known == name) {
      return mode;
    }
  }
  return std::nullopt;
}

bool read_address(std::string_view text, sockaddr_in& address) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) {
    return false;
  }
  const std::string_view port_text = text.substr(colon + 1);
  std::uint16_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [rest, error] = std::from_chars(port_text.data(), end, port);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return error == std::errc{} && rest == end &&
         ::inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr) == 1;
}

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  (void)read_address("127.0.0.1:0", options.address);
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--mode" && i + 1 < argc) {
      const auto mode = mode_of(argv[++i]);
      if (!mode) {
        return std::nullopt;
      }
      options.mode = *mode;
    } else if (argument == "--threads" && i + 1 < argc) {
      const std::string_view text = argv[++i];
      const auto [rest, error] =
          std::from_chars(text.data(), text.data() + text.size(), options.threads);
      if (error != std::errc{} || rest != text.data() + text.size() || options.threads < 1 ||
          options.threads > kThreadsMax) {
        return std::nullopt;
      }
    } else if (argument == "--tls" && i + 2 < argc) {
      options.certificate = argv[++i];
      options.key = argv[++i];
    } else if (!read_address(argument, options.address)) {
      return std::nullopt;
    }
  }
  return options;
}

// As many connections as the system allows to this process.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// The `number`th of the CPUs that we may use, if there are so many.
void pin_to(std::size_t number) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  (void)::sched_getaffinity(0, sizeof usable, &usable);
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &usable) && number-- == 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      (void)::sched_setaffinity(0, sizeof one, &one);  // of the calling thread
      return;
    }
  }
}

// Several may listen on one address; the kernel spreads connections over them.
UniqueFd listen_on(sockaddr_in& address) {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  socklen_t size = sizeof address;
  // reinterpret_cast: the socket calls take every family through sockaddr.
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener || ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
      ::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.get(), generic, &size) != 0) {
    return UniqueFd();
  }
  return listener;
}

int main_of(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  auto options = read_options(argc, argv);
  if (!options) {
    std::fputs(kUsage, stderr);
    return kExitUsage;
  }
  raise_descriptor_limit();
  std::vector<UniqueFd> listeners;
  for (std::size_t i = 0; i < options->threads; ++i) {
    listeners.push_back(listen_on(options->address));
    if (!listeners.back()) {
      std::fprintf(stderr, "floor_server: cannot listen: %s\n", std::strerror(errno));
      return kExitFailure;
    }
  }
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  (void)::sigprocmask(SIG_BLOCK, &ends, nullptr);
  // Nobody reads the signal, so that it ends all threads.
  const UniqueFd signals(::signalfd(-1, &ends, SFD_NONBLOCK | SFD_CLOEXEC));
  std::vector<std::unique_ptr<FloorServer>> servers;
  for (UniqueFd& listener : listeners) {
    TlsContext tls;
    if (!options->certificate.empty()) {
      tls = make_tls_context(options->certificate, options->key);
      if (tls == nullptr) {
        return kExitFailure;
      }
    }
    servers.push_back(std::make_unique<FloorServer>(
        options->mode, std::move(listener), UniqueFd(::dup(signals.get())), std::move(tls)));
  }
  for (const auto& server : servers) {
    std::vector<FloorServer*> others;
    for (const auto& other : servers) {
      if (other != server) {
        others.push_back(other.get());
      }
    }
    server->share_with(std::move(others));
  }
  char host[INET_ADDRSTRLEN] = "";
  (void)::inet_ntop(AF_INET, &options->address.sin_addr, host, sizeof host);
  std::fprintf(stderr, "listening on %s:%d (public)\n", host, ntohs(options->address.sin_port));
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < servers.size(); ++i) {
    threads.emplace_back([&servers, i] {
      pin_to(i);
      servers[i]->run();
    });
  }
  if (servers.size() > 1) {
    pin_to(0);
  }
  servers.front()->run();
  for (std::thread& thread : threads) {
    thread.join();
  }
  return 0;
}

}  // namespace
}  // namespace wspush::floor

int main(int argc, char** argv) {
  return wspush::floor::main_of(argc, argv);
}

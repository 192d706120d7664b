#include "server/daemon.hpp"

#include <cstdio>
#include <poll.h>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/logging.hpp"
#include "config/reload_diff.hpp"
#include "config/yaml_loader.hpp"
#include "net/signal_fd.hpp"
#include "server/process_limits.hpp"
#include "server/reactor_set.hpp"
#include "server/service_manager.hpp"
#include "server/tls_setup.hpp"
#include "server/token_keys.hpp"
#include "version.hpp"

namespace wspush::server {
namespace {

using std::chrono::milliseconds;

/// How often the main thread looks at memory, the watchdog and the drain when no signal comes.
constexpr milliseconds kLook{1000};
constexpr milliseconds kLookWhileDraining{20};
/// Past `drain.period`: connections whose peer neither reads nor closes are given up.
constexpr milliseconds kDrainGrace{6000};
/// And then for the last answers of the internal listener.
constexpr milliseconds kAnswerTime{2000};

config::LoadRequest request_of(const CommandLine& line) {
  config::LoadRequest request{.path = line.config_file, .text = {}, .set = line.set};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      request.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return request;
}

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kTrace:
      return log::Level::kTrace;
    case config::LogLevel::kDebug:
      return log::Level::kDebug;
    case config::LogLevel::kInfo:
      return log::Level::kInfo;
    case config::LogLevel::kWarning:
      return log::Level::kWarning;
    case config::LogLevel::kError:
      return log::Level::kError;
  }
  return log::Level::kInfo;
}

std::vector<config::Fault> faults_of(const config::LoadResult& loaded,
                                     const std::vector<TlsFault>& in_tls,
                                     const std::vector<TokenKeyFault>& in_keys) {
  std::vector<config::Fault> faults;
  for (const TlsFault& fault : in_tls) {
    faults.push_back(loaded.fault_of(fault.key, fault.message));
  }
  for (const TokenKeyFault& fault : in_keys) {
    faults.push_back(loaded.fault_of(fault.key, fault.message));
  }
  return faults;
}

/// The files that a configuration names, opened.
struct OpenedFiles {
  ListenerTls tls;
  std::shared_ptr<const auth::JwtVerifier> tokens;
};

/// All faults at once: those of certificates and those of token keys.
Result<OpenedFiles, std::vector<config::Fault>> open_files(const config::LoadResult& loaded,
                                                           net::TlsTicketKeys& tickets) {
  auto tls = open_listener_tls(*loaded.config, tickets);
  auto tokens = open_token_keys(loaded.config->auth);
  if (!tls || !tokens) {
    return Unexpected(faults_of(loaded, tls ? std::vector<TlsFault>() : tls.error(),
                                tokens ? std::vector<TokenKeyFault>() : tokens.error()));
  }
  return OpenedFiles{std::move(*tls), std::move(*tokens)};
}

/// The part of the daemon that lives as long as the reactors do.
class Daemon {
 public:
  Daemon(config::LoadRequest request, std::shared_ptr<const config::Config> config,
         net::TlsTicketKeys& tickets, ListenerTls tls, net::SignalFd signals,
         ServiceManager& manager, std::unique_ptr<ReactorSet> reactors)
      : request_(std::move(request)),
        config_(std::move(config)),
        tickets_(tickets),
        tls_(std::move(tls)),
        signals_(std::move(signals)),
        manager_(manager),
        reactors_(std::move(reactors)) {}

  void run();

 private:
  void on_signal(int signal);
  void reload();
  void refuse_reload(const std::vector<config::Fault>& faults);
  void begin_drain();
  void look();

  config::LoadRequest request_;
  std::shared_ptr<const config::Config> config_;
  net::TlsTicketKeys& tickets_;
  ListenerTls tls_;
  net::SignalFd signals_;
  ServiceManager& manager_;
  std::unique_ptr<ReactorSet> reactors_;
  bool wants_reload_ = false;
  bool is_draining_ = false;
  bool is_drained_ = false;
  bool is_done_ = false;
  TimePoint drained_by_ = TimePoint::max();
  TimePoint answered_by_ = TimePoint::max();
  TimePoint next_look_{};
};

void Daemon::run() {
  reactors_->start();
  manager_.notify("READY=1");
  log::info("ready");
  while (!is_done_) {
    milliseconds wait = is_draining_ ? kLookWhileDraining : kLook;
    if (manager_.watchdog_interval().count() > 0) {
      wait = std::min(wait,
                      std::chrono::duration_cast<milliseconds>(manager_.watchdog_interval() / 4));
    }
    pollfd waiting{.fd = signals_.fd(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, static_cast<int>(wait.count()));
    // A storm of SIGHUPs is one reload.
    while (const auto signal = signals_.take()) {
      on_signal(*signal);
    }
    if (wants_reload_ && !is_draining_) {
      reload();
    }
    wants_reload_ = false;
    look();
  }
  reactors_->stop();
  log::info("stopped");
}

void Daemon::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      wants_reload_ = true;
      break;
    case SIGUSR1:
      log::reopen();
      log::info("log reopened");
      break;
    default:
      if (is_draining_) {
        log::info("second signal: ending at once");
        is_done_ = true;
      } else {
        begin_drain();
      }
      break;
  }
}

void Daemon::begin_drain() {
  log::info("draining: connections are closed over {} ms", config_->drain.period.count());
  manager_.notify("STOPPING=1");
  is_draining_ = true;
  drained_by_ = MonotonicClock::now() + config_->drain.period + kDrainGrace;
  reactors_->begin_drain();
}

void Daemon::look() {
  const TimePoint now = MonotonicClock::now();
  const auto watchdog = manager_.watchdog_interval();
  if (watchdog.count() > 0 && reactors_->has_turned_within(watchdog / 2)) {
    manager_.notify("WATCHDOG=1");
  }
  if (now >= next_look_) {
    reactors_->guard_memory(now);
    reactors_->tell_limit_hits(now);
    next_look_ = now + kLook;
  }
  if (is_draining_ && !is_drained_ && (reactors_->is_drained() || now >= drained_by_)) {
    is_drained_ = true;
    answered_by_ = now + kAnswerTime;
    reactors_->end_internal_requests();
  }
  if (is_drained_ && (reactors_->has_answered_all() || now >= answered_by_)) {
    is_done_ = true;
  }
}

void Daemon::reload() {
  manager_.notify("RELOADING=1\nMONOTONIC_USEC=" +
                  std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(
                                     MonotonicClock::now().time_since_epoch())
                                     .count()));
  const config::LoadResult loaded = config::load_config(request_);
  if (loaded.config == nullptr) {
    refuse_reload(loaded.faults);
    return;
  }
  const auto opened = open_files(loaded, tickets_);
  if (!opened) {
    refuse_reload(opened.error());
    return;
  }
  for (const std::string& notice : loaded.notices) {
    log::warning("{}", notice);
  }
  for (const std::string& warning : tls_warnings(*loaded.config, opened->tls)) {
    log::warning("{}", warning);
  }
  tls_ = reloaded_tls(*config_, tls_, *loaded.config, opened->tls);
  config::ReloadDiff diff = config::compare_for_reload(*config_, *loaded.config);
  for (const std::string& key : diff.applied) {
    log::info("reload: {} changed", key);
  }
  for (const std::string& key : diff.needs_restart) {
    log::warning("reload: {} changed, which takes effect only with a restart", key);
  }
  config_ = std::make_shared<const config::Config>(std::move(diff.merged));
  reactors_->apply(config_, opened->tokens, tls_);
  log::info("reloaded");
  manager_.notify("READY=1");
}

void Daemon::refuse_reload(const std::vector<config::Fault>& faults) {
  for (const config::Fault& fault : faults) {
    log::error("{}", config::to_string(fault));
  }
  log::error("reload: nothing was changed, the running configuration stays");
  reactors_->count_refused_reload();
  manager_.notify("READY=1");
}

}  // namespace

int run_daemon(const CommandLine& line) {
  ServiceManager manager;
  config::LoadRequest request = request_of(line);
  const config::LoadResult loaded = config::load_config(request);
  if (loaded.config == nullptr) {
    std::fprintf(stderr, "%s\n", config::to_string(loaded.faults).c_str());
    return 1;
  }
  net::TlsTicketKeys tickets;
  auto opened = open_files(loaded, tickets);
  if (!opened) {
    std::fprintf(stderr, "%s\n", config::to_string(opened.error()).c_str());
    return 1;
  }
  if (line.action == CommandLine::Action::kCheck) {
    std::printf("%s: OK\n", line.config_file.value_or("built-in default").c_str());
    return 0;
  }
  const config::Config& config = *loaded.config;
  auto signals = net::SignalFd::open();  // Before any thread: they inherit the mask.
  if (!signals) {
    std::fprintf(stderr, "wspushd: %s\n", signals.error().text().c_str());
    return 1;
  }
  const std::string log_error =
      log::start({.level = level_of(config.log.level),
                  .format = config.log.format == config::LogFormat::kJson ? log::Format::kJson
                                                                          : log::Format::kText,
                  .file = config.log.file});
  if (!log_error.empty()) {
    std::fprintf(stderr, "wspushd: log.file: %s\n", log_error.c_str());
    return 1;
  }
  for (const std::string& notice : loaded.notices) {
    log::warning("{}", notice);
  }
  for (const std::string& warning : tls_warnings(config, opened->tls)) {
    log::warning("{}", warning);
  }
  keep_large_blocks_apart();
  auto reactors = ReactorSet::open(loaded.config, opened->tokens, opened->tls);
  if (!reactors) {
    log::error("{}: {}", reactors.error().key, reactors.error().message);
    log::stop();
    return 1;
  }
  log::info("wspushd {}, {} reactors, pid {}", kVersion, (*reactors)->size(), ::getpid());
  for (const auto& listener : (*reactors)->listeners()) {
    log::info("listening on {} ({})", listener.address, listener.is_public ? "public" : "internal");
  }
  Daemon(std::move(request), loaded.config, tickets, std::move(opened->tls), std::move(*signals),
         manager, std::move(*reactors))
      .run();
  log::stop();
  return 0;
}

}  // namespace wspush::server

#include "server/tls_setup.hpp"

#include <algorithm>

namespace wspush::server {
namespace {

struct Section {
  std::string key;  ///< "listen[0].tls"
  const config::Tls* tls;
};

std::vector<Section> tls_sections(const config::Config& config) {
  std::vector<Section> sections;
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    sections.push_back({"listen[" + std::to_string(i) + "].tls", &config.listen[i].tls});
  }
  sections.push_back({"internal.tls", &config.internal.tls});
  return sections;
}

net::TlsServerOptions options_of(const config::Tls& tls) {
  net::TlsServerOptions options{.pairs = {{tls.certificate, tls.key}},
                                .refuses_tls_1_2 = tls.min_version == "1.3"};
  for (const config::CertificatePair& pair : tls.also) {
    options.pairs.push_back({pair.certificate, pair.key});
  }
  return options;
}

TlsFault fault_in(const std::string& section, const net::TlsFileFault& fault) {
  const std::string pair =
      fault.pair == 0 ? section : section + ".also[" + std::to_string(fault.pair - 1) + "]";
  return {pair + (fault.is_key ? ".key" : ".certificate"), fault.message};
}

}  // namespace

Result<ListenerTls, std::vector<TlsFault>> open_listener_tls(const config::Config& config,
                                                             net::TlsTicketKeys& tickets) {
  ListenerTls opened;
  std::vector<TlsFault> faults;
  for (const Section& section : tls_sections(config)) {
    opened.emplace_back();
    if (!section.tls->enabled) {
      continue;
    }
    if (auto context = net::TlsContext::open(options_of(*section.tls), tickets)) {
      opened.back() = std::move(*context);
    } else {
      faults.push_back(fault_in(section.key, context.error()));
    }
  }
  if (!faults.empty()) {
    return Unexpected(std::move(faults));
  }
  return opened;
}

std::vector<std::string> tls_warnings(const config::Config& config, const ListenerTls& tls) {
  std::vector<std::string> warnings;
  const std::vector<Section> sections = tls_sections(config);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (tls[i] != nullptr) {
      for (const std::string& warning : tls[i]->warnings()) {
        warnings.push_back(sections[i].key + ": " + warning);
      }
    }
  }
  return warnings;
}

ListenerTls reloaded_tls(const config::Config& running, const ListenerTls& now,
                         const config::Config& loaded, const ListenerTls& opened) {
  ListenerTls next = now;
  const auto take = [&next](std::size_t at, const std::shared_ptr<const net::TlsContext>& context) {
    // Whether it speaks TLS at all does not change under a listener.
    if (next[at] != nullptr && context != nullptr) {
      next[at] = context;
    }
  };
  for (std::size_t i = 0; i < running.listen.size(); ++i) {
    const auto found =
        std::ranges::find(loaded.listen, running.listen[i].address, &config::Listener::address);
    if (found != loaded.listen.end()) {
      take(i, opened[static_cast<std::size_t>(found - loaded.listen.begin())]);
    }
  }
  take(running.listen.size(), opened.back());
  return next;
}

}  // namespace wspush::server

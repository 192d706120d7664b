#include "metrics/metric_catalog.hpp"

namespace wspush::metrics {
namespace {

using enum Metric;
using enum MetricType;

// id, type, name, unit, help, label
constexpr std::array<MetricRow, kMetricCount> kCatalog = {{
    {kMessagesPublished, kCounter, "wspushd_messages_published_total", "",
     "Messages that were given an id.", ""},
    {kDeliveries, kCounter, "wspushd_deliveries_total", "",
     "Messages handed to the kernel, once for each subscription.", ""},
    {kDeliveredBytes, kCounter, "wspushd_delivered_bytes_total", "bytes",
     "Bytes handed to the kernel on public connections, framing included.", ""},
    {kReceivedMessages, kCounter, "wspushd_received_messages_total", "",
     "Messages received from clients, control frames not included.", ""},
    {kReceivedBytes, kCounter, "wspushd_received_bytes_total", "bytes",
     "Bytes received on public connections, framing included.", ""},
    {kDeflateInputBytes, kCounter, "wspushd_deflate_input_bytes_total", "bytes",
     "Bytes of messages before they were compressed, once for each time that they were.", ""},
    {kDeflateOutputBytes, kCounter, "wspushd_deflate_output_bytes_total", "bytes",
     "Bytes that these were compressed to.", ""},
    {kInflateInputBytes, kCounter, "wspushd_inflate_input_bytes_total", "bytes",
     "Bytes of compressed messages received.", ""},
    {kInflateOutputBytes, kCounter, "wspushd_inflate_output_bytes_total", "bytes",
     "Bytes that these were decompressed to.", ""},
    {kGaps, kCounter, "wspushd_gaps_total", "",
     "Times that a subscriber was told of lost messages.", ""},
    {kPingsSent, kCounter, "wspushd_pings_sent_total", "", "WebSocket pings sent.", ""},
    {kLoopStalls, kCounter, "wspushd_loop_stalls_total", "",
     "Turns of an event loop that took more than a second.", ""},
    {kProxyHeadersRefused, kCounter, "wspushd_proxy_headers_refused_total", "",
     "Connections closed because their PROXY header was malformed or not to be believed.", ""},
    {kPublishesRefused, kCounter, "wspushd_publishes_refused_total", "",
     "Messages and new epochs that the engine could not keep and therefore refused.", ""},
    {kSlowSubscribers, kGauge, "wspushd_slow_subscribers", "",
     "Subscriptions that wait for their socket to take more.", ""},
    {kSubscriptions, kGauge, "wspushd_subscriptions", "", "Subscriptions.", ""},
    {kTopics, kGauge, "wspushd_topics", "", "Topics whose log is in memory.", ""},
    {kMembers, kGauge, "wspushd_members", "", "Members of all topics whose rules keep presence.",
     ""},
    {kConnections, kGauge, "wspushd_connections", "", "Public connections that are open.", "door"},
    {kConnectionsOpened, kCounter, "wspushd_connections_opened_total", "",
     "Public connections that came to a door; all of them come to http first.", "door"},
    {kHandshakesRefused, kCounter, "wspushd_handshakes_refused_total", "",
     "Public requests answered with an error.", "status"},
    {kCloses, kCounter, "wspushd_closes_total", "",
     "WebSocket connections that ended, by close code.", "code"},
    {kLimitHits, kCounter, "wspushd_limit_hits_total", "", "Times that a limit was hit.", "limit"},
    {kReloads, kCounter, "wspushd_reload_total", "", "Reloads of the configuration.", "result"},
    {kTlsHandshakes, kCounter, "wspushd_tls_handshakes_total", "",
     "TLS handshakes that ended, those that were refused or given up among them.", "result"},
    {kLoopTurnSeconds, kHistogram, "wspushd_loop_turn_seconds", "seconds",
     "Time that turns of the event loops took, waiting not included.", ""},
    {kLogDropped, kCounter, "wspushd_log_dropped_total", "",
     "Log lines dropped because the target did not take them.", ""},
    {kBrokerUp, kGauge, "wspushd_broker_up", "", "Whether the broker answers.", "broker"},
    {kBuildInfo, kInfo, "wspushd_build_info", "", "What is running.", "version"},
    {kStartTime, kGauge, "wspushd_start_time_seconds", "seconds",
     "When the process started, Unix time.", ""},
    {kOpenFds, kGauge, "process_open_fds", "", "Open file descriptors.", ""},
    {kMaxFds, kGauge, "process_max_fds", "", "Limit of open file descriptors.", ""},
    {kResidentMemory, kGauge, "process_resident_memory_bytes", "bytes", "Resident memory.", ""},
    {kCpuSeconds, kCounter, "process_cpu_seconds_total", "seconds",
     "CPU time of the process, user and system.", ""},
}};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kCatalog.size(); ++i) {
    if (static_cast<std::size_t>(kCatalog[i].id) != i) {
      return false;
    }
  }
  return true;
}
static_assert(is_in_order(), "a row stands in the place of its enumerator");

}  // namespace

const std::array<MetricRow, kMetricCount>& metric_catalog() {
  return kCatalog;
}

}  // namespace wspush::metrics

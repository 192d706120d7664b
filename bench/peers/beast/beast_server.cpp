// Boost.Beast as a peer of scripts/bench, with the protocol of the floor: what a client of /publish
// sends goes to all other clients, or, with --mode echo, every message goes back. Written as its
// users write servers: one asynchronous write for each message, a queue for each connection.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr std::size_t kMessageBytesMax = std::size_t{16} << 20;

struct Message {
  std::string payload;
  bool is_text;
};
using SharedMessage = std::shared_ptr<const Message>;

class Session;

struct Server {
  bool is_echo = false;
  std::set<Session*> subscribers;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Server& server) : socket_(std::move(socket)), server_(server) {}
  ~Session() { server_.subscribers.erase(this); }

  void start() {
    beast::http::async_read(
        socket_.next_layer(), input_, request_,
        [self = shared_from_this()](beast::error_code error, std::size_t /*bytes*/) {
          if (!error && beast::websocket::is_upgrade(self->request_)) {
            self->accept();
          }
        });
  }

  void send(SharedMessage message) {
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) {
      write_next();
    }
  }

 private:
  void accept() {
    socket_.auto_fragment(false);
    socket_.read_message_max(kMessageBytesMax);
    socket_.async_accept(request_, [self = shared_from_this()](beast::error_code error) {
      if (error) {
        return;
      }
      self->is_publisher_ = self->request_.target() == "/publish";
      self->request_ = {};
      self->input_.clear();
      if (!self->server_.is_echo && !self->is_publisher_) {
        self->server_.subscribers.insert(self.get());
      }
      self->read();
    });
  }

  void read() {
    socket_.async_read(input_,
                       [self = shared_from_this()](beast::error_code error, std::size_t /*bytes*/) {
                         if (!error) {
                           self->on_message();
                         }
                       });
  }

  void on_message() {
    if (server_.is_echo) {
      socket_.text(socket_.got_text());
      socket_.async_write(input_.data(),
                          [self = shared_from_this()](beast::error_code error, std::size_t bytes) {
                            if (!error) {
                              self->input_.consume(bytes);
                              self->read();
                            }
                          });
      return;
    }
    if (is_publisher_) {
      const auto message = std::make_shared<const Message>(
          Message{beast::buffers_to_string(input_.data()), socket_.got_text()});
      for (Session* const subscriber : server_.subscribers) {
        subscriber->send(message);
      }
    }
    input_.consume(input_.size());
    read();
  }

  void write_next() {
    socket_.text(queue_.front()->is_text);
    socket_.async_write(
        asio::buffer(queue_.front()->payload),
        [self = shared_from_this()](beast::error_code error, std::size_t /*bytes*/) {
          if (error) {
            return;
          }
          self->queue_.pop_front();
          if (!self->queue_.empty()) {
            self->write_next();
          }
        });
  }

  beast::websocket::stream<tcp::socket> socket_;
  Server& server_;
  beast::flat_buffer input_;
  beast::http::request<beast::http::empty_body> request_;
  bool is_publisher_ = false;
  std::deque<SharedMessage> queue_;
};

void accept_next(tcp::acceptor& acceptor, Server& server) {
  acceptor.async_accept([&acceptor, &server](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true), error);
      std::make_shared<Session>(std::move(socket), server)->start();
    }
    accept_next(acceptor, server);
  });
}

}  // namespace

int main(int argc, char** argv) {
  Server server;
  if (argc == 3 && std::string_view(argv[1]) == "--mode") {
    server.is_echo = std::string_view(argv[2]) == "echo";
  } else if (argc != 1) {
    std::fputs("usage: beast_server [--mode fan-out|echo]\n", stderr);
    return 2;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::fprintf(stderr, "listening on 127.0.0.1:%d (public)\n", acceptor.local_endpoint().port());
  asio::signal_set signals(context, SIGINT, SIGTERM);
  // Sessions that are still there refer to the server: nothing is taken down in order.
  signals.async_wait([](beast::error_code, int) { std::_Exit(0); });
  accept_next(acceptor, server);
  context.run();
}

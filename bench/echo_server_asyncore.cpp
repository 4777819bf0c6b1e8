// SPDX-License-Identifier: BSL-1.0
// The echo server that a user of asyncore writes; echo_server_hand.cpp is its twin.
#include <signal.h>
#include <sys/signalfd.h>

#include <asyncore.hpp>

#include "support/echo_server.hpp"

namespace {

std::uint64_t messages;

template <class Poller>
struct echo_handler;
template <class Poller>
struct echo_server;
template <class Poller>
struct farewell;

template <class Poller>
using loop_of = asyncore::basic_loop<
    Poller, asyncore::fd_table<echo_handler<Poller>, echo_server<Poller>, farewell<Poller>>>;

template <class Poller>
struct echo_handler : asyncore::dispatcher_with_send<echo_handler<Poller>, loop_of<Poller>> {
  using asyncore::dispatcher_with_send<echo_handler, loop_of<Poller>>::dispatcher_with_send;

  void handle_data(std::span<const std::byte> data) {
    ++messages;
    this->send(data);
  }
};

template <class Poller>
struct echo_server : asyncore::dispatcher<echo_server<Poller>, loop_of<Poller>> {
  echo_server(loop_of<Poller>& loop, const asyncore::endpoint& where)
      : asyncore::dispatcher<echo_server, loop_of<Poller>>(loop) {
    this->create_socket(where.family());
    this->set_reuse_addr();
    this->bind(where);
    this->listen(1024);
  }

  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    this->loop().template emplace<echo_handler<Poller>>(std::move(peer));
  }
};

/// Ends the loop on SIGTERM.
template <class Poller>
struct farewell : asyncore::file_dispatcher<farewell<Poller>, loop_of<Poller>> {
  using asyncore::file_dispatcher<farewell, loop_of<Poller>>::file_dispatcher;
  void handle_read() { this->loop().stop(); }
};

template <class Poller>
void serve(const bench::echo_server_options& options) {
  sigset_t leaving;
  sigemptyset(&leaving);
  sigaddset(&leaving, SIGTERM);
  sigprocmask(SIG_BLOCK, &leaving, nullptr);

  loop_of<Poller> loop;
  loop.template emplace<farewell<Poller>>(::signalfd(-1, &leaving, SFD_NONBLOCK | SFD_CLOEXEC));
  auto& server = loop.template emplace<echo_server<Poller>>(
      asyncore::endpoint::ip(options.host(), options.port()));
  bench::announce(server.native_handle());
  loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  bench::echo_server_options options("Echoes over TCP, by asyncore.");
  std::string poller = "best";
  options.app().add_option("--poller", poller, "select, poll, epoll or best")
      ->capture_default_str();
  options.parse(argc, argv);
  try {
    asyncore::with_poller(poller, [&](auto chosen) {
      serve<typename decltype(chosen)::type>(options);
    });
  } catch (const std::invalid_argument& mistake) {
    std::fprintf(stderr, "%s\n", mistake.what());
    return 2;
  } catch (const std::exception& mistake) {
    std::fprintf(stderr, "error: %s\n", mistake.what());
    return 1;
  }
  bench::report(messages);
}

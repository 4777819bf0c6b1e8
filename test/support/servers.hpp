// SPDX-License-Identifier: BSL-1.0
/// Servers that echo, and write down what they did.
#pragma once

#include <asyncore/dispatcher_with_send.hpp>

#include <functional>
#include <string>
#include <vector>

#include "descriptors.hpp"
#include "matrix.hpp"

namespace test {

template <class Place>
struct server;
template <class Place>
struct server_of_three;
template <class Place>
struct python_server;
template <class Place>
struct echo;
template <class Place>
using server_loop = typename Place::template loop<server<Place>, server_of_three<Place>,
                                                  python_server<Place>, echo<Place>>;

/// What a server did.
template <class Place>
struct served {
  std::vector<endpoint> peers;
  std::vector<echo<Place>*> accepted;  // the loop's: some may be gone
  std::vector<std::string> logged;
  int errors = 0;
  bool stays_open = false;             // handle_error does not close
  std::function<void()> on_accepted;
};

template <class Place>
struct echo : asyncore::dispatcher_with_send<echo<Place>, server_loop<Place>> {
  using asyncore::dispatcher_with_send<echo, server_loop<Place>>::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { this->send(data); }
};

/// What the servers have in common.
template <template <class> class Self, class Place>
struct serving : asyncore::dispatcher<Self<Place>, server_loop<Place>> {
  static constexpr std::string_view ignore_log_types[] = {"nothing"};

  serving(server_loop<Place>& loop, served<Place>& what,
          const endpoint& where = endpoint::parse("127.0.0.1:0"))
      : asyncore::dispatcher<Self<Place>, server_loop<Place>>(loop), what_(what) {
    this->create_socket(where.family());
    this->bind(where);
    this->listen();
  }
  void log(std::string_view message) { what_.logged.emplace_back(message); }
  void handle_error() {
    ++what_.errors;
    if (!what_.stays_open) this->close();
  }

 protected:
  void serve(asyncore::socket peer, const endpoint& from) {
    what_.peers.push_back(from);
    what_.accepted.push_back(&this->loop().template emplace<echo<Place>>(std::move(peer)));
    if (const auto act = what_.on_accepted) act();  // this may be gone afterwards
  }

 private:
  served<Place>& what_;
};

template <class Place>
struct server : serving<server, Place> {
  using server::serving::serving;
  bool readable() const { return !paused; }
  void handle_accepted(asyncore::socket peer, endpoint from) {
    this->serve(std::move(peer), from);
  }
  bool paused = false;
};

/// With a batch of its own.
template <class Place>
struct server_of_three : serving<server_of_three, Place> {
  using server_of_three::serving::serving;
  static constexpr int accept_batch = 3;
  void handle_accepted(asyncore::socket peer, endpoint from) {
    this->serve(std::move(peer), from);
  }
};

/// Calls accept itself, as Python's handle_accept does: one each turn.
template <class Place>
struct python_server : serving<python_server, Place> {
  using python_server::serving::serving;
  void handle_accept() {
    if (auto peer = this->accept()) this->serve(std::move(peer->first), peer->second);
  }
};

/// Connections that wait to be accepted.
inline std::vector<unique_fd> clients(const endpoint& to, std::size_t count) {
  std::vector<unique_fd> all;
  while (all.size() < count) all.push_back(connected_to(to));
  return all;
}

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
/// Channels of every kind, with every hook that it has and with the least that is allowed, for a
/// place of the matrix.
#pragma once

#include <asyncore.hpp>

#include <span>

namespace archetype {

using bytes = std::span<const std::byte>;

template <class Place>
struct channels;

/// What the kinds are given: `Place::loop<Channels...>` is the loop for a list of channels.
template <class Place>
using loop_of = typename channels<Place>::loop;

/// Every hook of every channel.
struct common_hooks {
  void handle_write() {}
  void handle_expt() {}
  bool readable() const { return true; }
  bool writable() const { return false; }
};

template <class Place>
struct watcher : asyncore::channel<watcher<Place>, loop_of<Place>>, common_hooks {
  using watcher::channel::channel;
  void handle_read() {}
  void handle_close() { this->close(); }
  void handle_error() { this->close(); }
};
template <class Place>
struct bare_watcher : asyncore::channel<bare_watcher<Place>, loop_of<Place>> {
  using bare_watcher::channel::channel;
  void handle_close() {}
};

template <class Place>
struct file : asyncore::file_dispatcher<file<Place>, loop_of<Place>>, common_hooks {
  using file::file_dispatcher::file_dispatcher;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  void handle_data(bytes) {}
  void handle_close() { this->close(); }
  void handle_error() { this->close(); }
  void log(std::string_view) {}
};
template <class Place>
struct bare_file : asyncore::file_dispatcher<bare_file<Place>, loop_of<Place>> {
  using bare_file::file_dispatcher::file_dispatcher;
};

template <class Place>
struct server : asyncore::dispatcher<server<Place>, loop_of<Place>>, common_hooks {
  using server::dispatcher::dispatcher;
  void handle_data(bytes) {}
  void handle_close() { this->close(); }
  void handle_error() { this->close(); }
  void handle_connect() {}
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
};
/// The other way to read, and to accept.
template <class Place>
struct reader : asyncore::dispatcher<reader<Place>, loop_of<Place>> {
  using reader::dispatcher::dispatcher;
  static constexpr bool readable = true;
  static constexpr bool writable = false;
  static constexpr int accept_batch = 1;
  void handle_read() {}
  void handle_accept() { this->accept(); }
};
template <class Place>
struct bare_dispatcher : asyncore::dispatcher<bare_dispatcher<Place>, loop_of<Place>> {
  using bare_dispatcher::dispatcher::dispatcher;
  void handle_accept() {}
};

template <class Place>
struct sender : asyncore::dispatcher_with_send<sender<Place>, loop_of<Place>>, common_hooks {
  using sender::dispatcher_with_send::dispatcher_with_send;
  static constexpr std::size_t out_queue_limit = 1;
  void handle_data(bytes) {}
  void handle_close() { this->close(); }
  void handle_error() { this->close(); }
  void handle_connect() {}
  void handle_accepted(asyncore::socket, asyncore::endpoint) {}
  void handle_out_queue_limit() {}
};
template <class Place>
struct bare_sender : asyncore::dispatcher_with_send<bare_sender<Place>, loop_of<Place>> {
  using bare_sender::dispatcher_with_send::dispatcher_with_send;
};

template <class Place>
struct chat : asyncore::async_chat<chat<Place>, loop_of<Place>>, common_hooks {
  using chat::async_chat::async_chat;
  void collect_incoming_data(bytes) {}
  void found_terminator() {}
  void handle_close() { this->close(); }
  void handle_error() { this->close(); }
  void handle_connect() {}
  void handle_incoming_limit() {}
  void handle_out_queue_limit() {}
};
/// The least that an async_chat defines.
template <class Place>
struct bare_chat : asyncore::async_chat<bare_chat<Place>, loop_of<Place>> {
  using bare_chat::async_chat::async_chat;
  void collect_incoming_data(bytes) {}
  void found_terminator() {}
};

template <class Place>
struct channels {
  using loop = typename Place::template loop<
      watcher<Place>, bare_watcher<Place>, file<Place>, bare_file<Place>, server<Place>,
      reader<Place>, bare_dispatcher<Place>, sender<Place>, bare_sender<Place>, chat<Place>,
      bare_chat<Place>>;
};

}  // namespace archetype

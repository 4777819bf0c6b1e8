// SPDX-License-Identifier: BSL-1.0
// expect: use of deleted function|call to deleted function 'detach'
#include <asyncore.hpp>
#include <asyncore/detached_channel.hpp>

struct session : asyncore::async_chat<session>, asyncore::deadline<session> {
  using async_chat::async_chat;
  void collect_incoming_data(std::span<const std::byte>) {}
  void found_terminator() {}
  void handle_timeout() {}
};

void move(session& moved, asyncore::default_loop& to) { asyncore::move_channel(moved, to); }

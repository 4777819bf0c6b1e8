// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: an argument cannot be copied into the channel.s constructor: move it
#include <asyncore.hpp>

struct session : asyncore::dispatcher_with_send<session> {
  using dispatcher_with_send::dispatcher_with_send;
};

void take(asyncore::default_loop& loop, asyncore::socket peer) {
  loop.emplace<session>(peer);
}

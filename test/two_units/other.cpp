// SPDX-License-Identifier: BSL-1.0
#include "shared.hpp"

namespace two_units {

void answerer::handle_data(std::span<const std::byte> data) {
  send("got " + std::string(asyncore::as_text(data)));
}

void counter::handle_read() {
  char byte;
  if (::read(native_handle(), &byte, 1) == 1) ++count_;
}

asyncore::default_loop& default_loop_of_the_other_unit() { return asyncore::this_thread_loop(); }

void run_in_the_other_unit(loop_type& loop) { loop.run(); }

answerer& emplace_in_the_other_unit(loop_type& loop, asyncore::socket peer) {
  return loop.emplace<answerer>(std::move(peer));
}

asyncore::default_loop::type_ref type_in_the_other_unit() {
  return asyncore::channel_access::core_of<asyncore::default_loop>::type_of<counter>();
}

}  // namespace two_units

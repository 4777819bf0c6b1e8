// SPDX-License-Identifier: BSL-1.0
/// A closed loop whose list names a class of each of two units, as far as both know it, and a
/// channel of the default loop.
#pragma once

#include <asyncore.hpp>

#include <string>

namespace two_units {

struct asker;
struct answerer;
using loop_type = asyncore::basic_loop<asyncore::default_poller,
                                       asyncore::fd_table<asker, answerer>>;

/// Both classes are defined here, because a closed loop is compiled with all of them; the bodies
/// of their hooks are in one unit each.
struct asker : asyncore::dispatcher_with_send<asker, loop_type> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data);
  std::string answer;
};
struct answerer : asyncore::dispatcher_with_send<answerer, loop_type> {
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data);
};

/// A channel of the default loop.
struct counter : asyncore::file_dispatcher<counter> {
  counter(int fd, int& count) : file_dispatcher(fd), count_(count) {}
  void handle_read();

 private:
  int& count_;
};

// In the other unit.
asyncore::default_loop& default_loop_of_the_other_unit();
void run_in_the_other_unit(loop_type& loop);
answerer& emplace_in_the_other_unit(loop_type& loop, asyncore::socket peer);
asyncore::default_loop::type_ref type_in_the_other_unit();

}  // namespace two_units

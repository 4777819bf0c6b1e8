// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Poller has no `int wait\(timeout_type, sink\)`
#include <asyncore.hpp>

struct inert {
  static constexpr std::string_view name = "inert";
  using system = asyncore::posix_system;
  std::error_code add(asyncore::token, asyncore::interest) { return {}; }
  std::error_code modify(asyncore::token, asyncore::interest) { return {}; }
  void remove(asyncore::token) noexcept {}
};

int main() { asyncore::basic_loop<inert, asyncore::fd_table<>>().run(); }

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Poller has no `std::error_code add\(token, interest\)`
#include <asyncore.hpp>

struct inert {
  static constexpr std::string_view name = "inert";
  using system = asyncore::posix_system;
  std::error_code modify(asyncore::token, asyncore::interest) { return {}; }
  void remove(asyncore::token) noexcept {}
  template <class Sink>
  int wait(asyncore::timeout_type, Sink) {
    return 0;
  }
};

int main() { asyncore::basic_loop<inert, asyncore::fd_table<>>().run(); }

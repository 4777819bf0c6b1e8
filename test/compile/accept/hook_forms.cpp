// SPDX-License-Identifier: BSL-1.0
// What else a hook may look like.
#include <asyncore.hpp>

#include <string>
#include <string_view>

struct closing {
  void handle_close() {}
};

struct client final : asyncore::dispatcher<client>, private closing {
  using dispatcher::dispatcher;
  using closing::handle_close;                                          // from a mixin
  int handle_data(std::span<const std::byte>) { return 0; }             // returns something
  void handle_data(std::string_view) {}                                 // has an overload
  static void handle_connect() {}                                       // is static
  void handle_expt() const noexcept {}                                  // is constant
  template <class Endpoint>
  void handle_accepted(asyncore::socket&&, const Endpoint&) {}          // is a template
  virtual void handle_error() { close(); }                              // is virtual
  void handle_write(int times = 1) { left -= times; }                   // has a default argument
  int left = 1;
};

// A hook that a base provides between the kind and the class.
template <class Derived>
struct logged : asyncore::file_dispatcher<Derived> {
  using asyncore::file_dispatcher<Derived>::file_dispatcher;
  void handle_read() { ++reads; }
  int reads = 0;
};
struct reader : logged<reader> {
  using logged::logged;
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<client>();
  loop.emplace<reader>(0);
  loop.run();
}

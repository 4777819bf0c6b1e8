// SPDX-License-Identifier: BSL-1.0
/// A descriptor that is kept for the moment in which no other is free.
#ifndef ASYNCORE_CHANNEL_RESERVE_DESCRIPTOR_HPP
#define ASYNCORE_CHANNEL_RESERVE_DESCRIPTOR_HPP

#include <asyncore/concept/loop_service.hpp>

#include <utility>

#include <sys/socket.h>

namespace asyncore {

namespace detail {
/// One for each loop that has a listener which turns away (see `dispatcher`).
template <class Loop>
class reserve_descriptor : public loop_service<Loop> {
 public:
  explicit reserve_descriptor(Loop& loop)
      : loop_service<Loop>(service_operations<Loop, reserve_descriptor>), loop_(loop) {}
  ~reserve_descriptor() { give(loop_.system()); }

  /// Makes sure that there is one, if it can.
  template <class System>
  void take(System&& system) noexcept {
    if (fd_ < 0) fd_ = system.socket(AF_UNIX, SOCK_DGRAM);
  }
  /// Frees it; false when there was none.
  template <class System>
  bool give(System&& system) noexcept {
    return fd_ >= 0 && (system.close(std::exchange(fd_, -1)), true);
  }

  bool may_wait(Loop&) const noexcept { return true; }
  void after_wait(Loop&) const noexcept {}
  wake_time next() const noexcept { return wake_time::never(); }
  bool busy() const noexcept { return false; }

 private:
  Loop& loop_;
  int fd_ = -1;
};
}  // namespace detail

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// The order in which a channel's hooks may be called.
#ifndef ASYNCORE_SIM_HOOK_ORDER_HPP
#define ASYNCORE_SIM_HOOK_ORDER_HPP

#include <asyncore/sim/kernel.hpp>

#include <string>
#include <string_view>

namespace asyncore {

/// A channel under test has one and tells it of each hook; what is out of order is a violation:
/// a hook after `handle_close`, a second `handle_close`, bytes before the connection, any hook after
/// `handle_closed`.
class hook_order {
 public:
  /// `name`: what a violation calls the channel. `connected`: it begins with a connection.
  hook_order(sim_kernel& kernel, std::string_view name, bool connected)
      : kernel_(kernel), name_(name), connected_(connected) {}

  void on_connect() {
    check("handle_connect");
    if (connected_) object("handle_connect of what is connected");
    connected_ = true;
  }
  void on_data() {
    check("a reading hook");
    if (!connected_) object("a reading hook before handle_connect");
  }
  void on_write() {
    check("handle_write");
    on_write_even_after_close();
  }
  /// For a class that goes on sending after the end of what it receives.
  void on_write_even_after_close() {
    if (ended_) object("handle_write after handle_closed");
    if (!connected_) object("handle_write before handle_connect");
  }
  void on_close() {
    check("handle_close");
    closed_ = true;
  }
  /// `fd`: the channel's descriptor.
  void on_closed(int fd) {
    if (ended_) object("handle_closed twice");
    if (fd >= 0) object("handle_closed of what is open");
    ended_ = true;
  }
  bool ended() const noexcept { return ended_; }
  /// The channel is given another socket.
  void restart(bool connected) noexcept {
    connected_ = connected;
    closed_ = ended_ = false;
  }
  bool closed() const noexcept { return closed_; }

 private:
  void check(std::string_view hook) {
    if (closed_) object(detail::joined({hook, " after handle_close"}));
    if (ended_) object(detail::joined({hook, " after handle_closed"}));
  }
  void object(std::string_view what) { kernel_.object(detail::joined({name_, ": ", what})); }

  sim_kernel& kernel_;
  std::string name_;
  bool connected_;
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace asyncore

#endif

// SPDX-License-Identifier: BSL-1.0
/// A connection of a server that peers cannot wear out.
#pragma once

#include <asyncore.hpp>
#include <asyncore/deadline.hpp>
#include <asyncore/timers.hpp>
#include <cstddef>
#include <utility>

#include "limits.hpp"

/// Who does not read is not read from, and who does neither for as long as `limits.patience` is
/// given up. `Derived` sets the deadline anew at what it takes for progress.
template <class Derived, class Loop>
class patient_connection : public asyncore::dispatcher_with_send<Derived, Loop>,
                           public asyncore::deadline<Derived, Loop> {
 public:
  patient_connection(Loop& loop, asyncore::socket peer)
      : asyncore::dispatcher_with_send<Derived, Loop>(loop, std::move(peer)) {
    this->set_deadline(limits.patience);
  }

  static constexpr auto predicates = asyncore::ask_on_rearm;
  bool readable() const { return this->queued() < limits.waiting; }

  /// Who still reads has time; the others are not waited for, nor what the kernel has for them.
  void handle_timeout() {
    const std::size_t waits = this->queued();
    if (waits == 0) return leave();
    if (waits == waited_) return this->abort();
    waited_ = waits;
    this->set_deadline(limits.patience);
  }

  /// The server leaves: what has come is answered.
  void handle_drain() {
    this->handle_read_event();
    leave();
  }

 protected:
  /// Who has nothing to read and has said nothing is not waited for: what is said from now on finds
  /// the end, and no reset comes before it.
  void leave() {
    std::byte more;
    std::error_code failed;
    if (this->native_handle() < 0) return;
    if (this->queued() == 0) {
      this->shutdown(SHUT_WR, failed);
      if (this->recv({&more, 1}).would_block()) return this->close();
    }
    this->close_when_done();
  }

 private:
  std::size_t waited_ = 0;  // at the last deadline
};

// SPDX-License-Identifier: BSL-1.0
/// What an adaptor of a poller puts between the poller and the loop's sink.
#ifndef ASYNCORE_POLLER_SINK_TAP_HPP
#define ASYNCORE_POLLER_SINK_TAP_HPP

#include <asyncore/concept/poller.hpp>

namespace asyncore::detail {

/// A sink that calls `before()` before each report to `Sink`, and looks ahead if that does.
template <class Sink, class Before>
class preceded {
 public:
  preceded(Sink sink, Before before) : sink_(sink), before_(before) {}

  void operator()(token t, readiness ready) {
    before_();
    sink_(t, ready);
  }
  bool looks_ahead() const noexcept
    requires requires(const Sink& s) { s.looks_ahead(); }
  {
    return sink_.looks_ahead();
  }
  [[gnu::always_inline]] void expect(token t) const noexcept { sink_.expect(t); }

 private:
  Sink sink_;
  Before before_;
};

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// A poller around a poller, as a user may write one: it counts what goes through it.
#pragma once

#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

#include <cstddef>
#include <vector>

#include "matrix.hpp"

namespace test {

/// What a poller did.
struct poller_counts {
  std::size_t waits = 0;
  std::size_t reports = 0;  // calls of the sink
  std::size_t changes = 0;  // calls of add, modify and remove
  std::vector<asyncore::timeout_type> timeouts;
};

template <class Poller>
class counting_poller : public Poller {
 public:
  explicit counting_poller(poller_counts& counts) : counts_(&counts) {}

  std::error_code add(asyncore::token t, asyncore::interest wanted) {
    ++counts_->changes;
    return Poller::add(t, wanted);
  }
  std::error_code modify(asyncore::token t, asyncore::interest wanted) {
    ++counts_->changes;
    return Poller::modify(t, wanted);
  }
  void remove(asyncore::token t) noexcept {
    ++counts_->changes;
    Poller::remove(t);
  }
  template <class Sink>
  int wait(asyncore::timeout_type timeout, Sink sink) {
    ++counts_->waits;
    counts_->timeouts.push_back(timeout);
    return Poller::wait(timeout, [&](asyncore::token t, asyncore::readiness ready) {
      ++counts_->reports;
      sink(t, ready);
    });
  }

 private:
  poller_counts* counts_;
};

/// The place with its poller counted; its loops are constructed from a `poller_counts&`.
template <class Place>
using counted = place<counting_poller<typename Place::poller>, typename Place::map_kind,
                      Place::closed>;

}  // namespace test

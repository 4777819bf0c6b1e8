// SPDX-License-Identifier: BSL-1.0
/// A poller that reports what a test tells it to: a user's own poller from scratch.
#pragma once

#include <asyncore/sys/posix_system.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>
#include <asyncore/word/token.hpp>

#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "matrix.hpp"

namespace test {

/// What a `scripted_poller` was told and what it will report.
struct poller_script {
  struct watched {
    asyncore::token id;
    asyncore::interest wanted;
  };
  std::vector<watched> known;
  std::vector<std::pair<asyncore::token, asyncore::readiness>> reports;  // at the next wait
  std::vector<asyncore::timeout_type> timeouts;                          // of the waits so far
  int result = 0;  // a negative errno: what the next wait returns instead
  int again = 0;   // and so many after it

  asyncore::interest wanted(int fd) const {
    for (const watched& w : known)
      if (w.id.fd == fd) return w.wanted;
    return asyncore::interest::none;
  }
};

class scripted_poller {
 public:
  static constexpr std::string_view name = "scripted";
  using system = asyncore::posix_system;

  explicit scripted_poller(poller_script& script) : script_(&script) {}

  std::error_code add(asyncore::token t, asyncore::interest wanted) {
    script_->known.push_back({t, wanted});
    return {};
  }
  std::error_code modify(asyncore::token t, asyncore::interest wanted) {
    for (auto& w : script_->known)
      if (w.id == t) w.wanted = wanted;
    return {};
  }
  void remove(asyncore::token t) noexcept {
    std::erase_if(script_->known, [&](const auto& w) { return w.id == t; });
  }
  template <class Sink>
  int wait(asyncore::timeout_type timeout, Sink sink) {
    script_->timeouts.push_back(timeout);
    if (const int failed = script_->result; failed < 0) {
      if (script_->again-- == 0) script_->result = script_->again = 0;
      return failed;
    }
    const auto reports = std::exchange(script_->reports, {});
    for (const auto& [id, ready] : reports) sink(id, ready);
    return static_cast<int>(reports.size());
  }

 private:
  poller_script* script_;
};

/// Every map under the scripted poller: the places for tests that need one exact report.
template <class Kind, bool Closed>
using scripted_place = place<scripted_poller, Kind, Closed>;
using scripted_matrix =
    std::tuple<scripted_place<dense, true>, scripted_place<dense, false>,
               scripted_place<fixed, true>, scripted_place<fixed, false>,
               scripted_place<hashed, true>, scripted_place<hashed, false>>;

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
/// How long a loop runs.
#ifndef ASYNCORE_WORD_RUN_OPTIONS_HPP
#define ASYNCORE_WORD_RUN_OPTIONS_HPP

#include <asyncore/word/timeout.hpp>

#include <cstdint>
#include <optional>

namespace asyncore {

/// How `run` runs; the parameters of Python's `asyncore.loop`.
struct run_options {
  /// The longest that one turn waits; nothing: for ever, which spares the kernel a timer and a turn
  /// with few events a tenth of its time.
  timeout_type timeout = std::chrono::seconds(30);
  /// Turns to do; nothing: until the loop is empty.
  std::optional<std::uint64_t> count = {};
};

}  // namespace asyncore

#endif

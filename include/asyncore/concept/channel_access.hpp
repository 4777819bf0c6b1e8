// SPDX-License-Identifier: BSL-1.0
/// The second face of a loop: what channel kinds and services ask of it.
#ifndef ASYNCORE_CONCEPT_CHANNEL_ACCESS_HPP
#define ASYNCORE_CONCEPT_CHANNEL_ACCESS_HPP

#include <type_traits>
#include <utility>

namespace asyncore {

/// For who writes a channel kind: `core(loop)` gives what loop/core.hpp documents. A loop shows
/// users only their own verbs.
struct channel_access {
  template <class Loop>
  [[gnu::always_inline]] static auto& core(Loop& loop) noexcept {
    return static_cast<typename Loop::core_type&>(loop);
  }

  template <class Loop>
  using core_of = std::remove_reference_t<decltype(core(std::declval<Loop&>()))>;
};

}  // namespace asyncore

#endif

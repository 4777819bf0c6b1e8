// SPDX-License-Identifier: BSL-1.0
/// The name of a type, for messages; works with -fno-rtti.
#ifndef ASYNCORE_TYPE_NAME_HPP
#define ASYNCORE_TYPE_NAME_HPP

#include <string_view>

namespace asyncore {

/// The name of `T` as the compiler spells it.
template <class T>
constexpr std::string_view type_name() noexcept {
  // Both compilers end the text with "T = NAME]", g++ with "; ..." behind NAME when there is more.
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t first = text.find("T = ") + 4;
  const std::size_t last = text.find_first_of(";]", first);
  return text.substr(first, last - first);
}

}  // namespace asyncore

#endif

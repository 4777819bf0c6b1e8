// SPDX-License-Identifier: BSL-1.0
/// The name of a type, for messages; works with -fno-rtti.
#ifndef ASYNCORE_WORD_TYPE_NAME_HPP
#define ASYNCORE_WORD_TYPE_NAME_HPP

#include <string_view>

namespace asyncore {

/// The name of `T` as the compiler spells it.
template <class T>
constexpr std::string_view type_name() noexcept {
  // Both compilers end the text with "T = NAME]", g++ with "; std::string_view = ..." behind NAME.
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t first = text.find("T = ") + 4;
  const std::size_t alias = text.rfind("; std::string_view = ");
  const std::size_t last = alias == text.npos ? text.size() - 1 : alias;
  return text.substr(first, last - first);
}

}  // namespace asyncore

#endif

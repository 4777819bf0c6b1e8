// SPDX-License-Identifier: BSL-1.0
/// Refuses calls of Python's that a class of an async_chat replaces in vain.
#ifndef ASYNCORE_CONCEPT_CHAT_SEAMS_HPP
#define ASYNCORE_CONCEPT_CHAT_SEAMS_HPP

#include <asyncore/concept/kind.hpp>
#include <asyncore/concept/kind_hooks.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/io_result.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace asyncore::detail {

/// A `send` or `recv` of the class's own that looks like the library's: a seam in Python, where
/// async_chat calls it.
template <class T>
concept hides_send = requires(T& self, bytes_view bytes) {
  { self.send(bytes) } -> std::same_as<io_result>;
  requires !std::is_same_v<decltype(&T::send), decltype(&kind_of<T>::send)>;
};
template <class T>
concept hides_recv = requires(T& self, std::span<std::byte> into) {
  { self.recv(into) } -> std::same_as<io_result>;
  requires !std::is_same_v<decltype(&T::recv), decltype(&kind_of<T>::recv)>;
};

/// True unless the class `T` replaces a call of Python's that its async_chat does not make.
template <class T>
consteval bool check_chat_seams() {
  static_assert(!hides_send<T>,
                "asyncore: async_chat never calls a `send` of the class: give yours another name "
                "and call it instead of push, or see all bytes in a transport, the third template "
                "argument of async_chat");
  static_assert(!hides_recv<T> || hides_kind_read<T>,
                "asyncore: async_chat never calls a `recv` of the class: define handle_read and "
                "call yours there, or see all bytes in a transport, the third template argument of "
                "async_chat");
  return true;
}

}  // namespace asyncore::detail

#endif

// SPDX-License-Identifier: BSL-1.0
/// Which hooks and predicates a channel defines, found out by the compiler.
#ifndef ASYNCORE_CONCEPT_HOOKS_HPP
#define ASYNCORE_CONCEPT_HOOKS_HPP

#include <asyncore/concept/fwd.hpp>

#include <cstddef>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

namespace asyncore::detail {

/// A class in which the name may be looked up beside `T`: if `T` has a member of that name, of
/// whatever signature and access, the lookup is ambiguous.
template <class T, class Named>
struct name_probe : T, Named {};

// For each hook NAME, called with ARGUMENTS:
//   calls_NAME<T>    `T` has a member NAME that can be called with them
//   names_NAME<T>    `T` has any member NAME (unknown for a final class: then as calls_NAME)
//   defines_NAME<T>  calls_NAME<T>; when a hook is there but cannot be called it stops the
//                    compilation, because it would never be called
#define ASYNCORE_HOOK(NAME, SIGNATURE, ...)                                                     \
  template <class T>                                                                            \
  concept calls_##NAME = requires(T& self) { self.NAME(__VA_ARGS__); };                         \
  ASYNCORE_NAMED_HOOK(NAME, SIGNATURE)
// The rest, for a hook whose `calls_NAME` stands before it because it has two signatures.
#define ASYNCORE_NAMED_HOOK(NAME, SIGNATURE)                                                    \
  struct named_##NAME {                                                                         \
    int NAME;                                                                                   \
  };                                                                                            \
  template <class T>                                                                            \
  consteval bool names_##NAME() {                                                               \
    if constexpr (std::is_final_v<T>) {                                                         \
      return calls_##NAME<T>;                                                                   \
    } else {                                                                                    \
      return !requires { &name_probe<T, named_##NAME>::NAME; };                                 \
    }                                                                                           \
  }                                                                                             \
  template <class T>                                                                            \
  consteval bool defines_##NAME() {                                                             \
    static_assert(calls_##NAME<T> || !names_##NAME<T>(),                                        \
                  "asyncore: the channel's hook " #NAME                                         \
                  " cannot be called by the loop: make it public and give it the signature "    \
                  SIGNATURE);                                                                   \
    return calls_##NAME<T>;                                                                     \
  }

ASYNCORE_HOOK(handle_read, "void handle_read()")
ASYNCORE_HOOK(handle_data, "void handle_data(std::span<const std::byte>)",
              std::declval<std::span<const std::byte>>())
ASYNCORE_HOOK(handle_write, "void handle_write()")
ASYNCORE_HOOK(handle_expt, "void handle_expt()")
template <class T>
concept told_why_it_closes = requires(T& self) { self.handle_close(std::error_code()); };
template <class T>
concept calls_handle_close = told_why_it_closes<T> || requires(T& self) { self.handle_close(); };
ASYNCORE_NAMED_HOOK(handle_close,
                    "void handle_close() or void handle_close(std::error_code)")
ASYNCORE_HOOK(handle_closed, "void handle_closed(const asyncore::close_info&)",
              std::declval<const asyncore::close_info&>())
ASYNCORE_HOOK(handle_error, "void handle_error()")
ASYNCORE_HOOK(handle_connect, "void handle_connect()")
ASYNCORE_HOOK(handle_timeout, "void handle_timeout()")
ASYNCORE_HOOK(handle_high_water, "void handle_high_water()")
ASYNCORE_HOOK(handle_low_water, "void handle_low_water()")
ASYNCORE_HOOK(handle_drain, "void handle_drain()")
ASYNCORE_HOOK(handle_signal, "void handle_signal(int)", std::declval<int>())
ASYNCORE_HOOK(handle_exit, "void handle_exit(asyncore::exit_status)",
              std::declval<asyncore::exit_status>())
ASYNCORE_HOOK(handle_accept, "void handle_accept()")
ASYNCORE_HOOK(handle_accepted, "void handle_accepted(asyncore::socket, asyncore::endpoint)",
              std::declval<asyncore::socket>(), std::declval<asyncore::endpoint>())
#undef ASYNCORE_HOOK
#undef ASYNCORE_NAMED_HOOK

/// Calls the hook in the form that the class gave it.
template <class T>
void call_handle_close(T& channel, [[maybe_unused]] std::error_code reason) {
  if constexpr (told_why_it_closes<T>) {
    channel.handle_close(reason);
  } else {
    channel.handle_close();
  }
}

/// True when the class is told why it ends, by either hook.
template <class T>
consteval bool asks_why_it_ends() {
  return told_why_it_closes<T> || defines_handle_closed<T>();
}

}  // namespace asyncore::detail

#endif

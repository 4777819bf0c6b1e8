// SPDX-License-Identifier: BSL-1.0
/// Refuses hooks that the kind of a channel never calls.
#ifndef ASYNCORE_CONCEPT_KIND_HOOKS_HPP
#define ASYNCORE_CONCEPT_KIND_HOOKS_HPP

#include <asyncore/concept/fwd.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/concept/kind.hpp>
#include <asyncore/concept/predicates.hpp>

#include <type_traits>

namespace asyncore::detail {

// Names that hooks.hpp does not list, because the kinds that call them define them, too.
#define ASYNCORE_NAMED(NAME)                                         \
  struct named_##NAME {                                              \
    int NAME;                                                        \
  };                                                                 \
  template <class T>                                                 \
  consteval bool names_##NAME() {                                    \
    if constexpr (std::is_final_v<T>) {                              \
      return requires { &T::NAME; };                                 \
    } else {                                                         \
      return !requires { &name_probe<T, named_##NAME>::NAME; };      \
    }                                                                \
  }

ASYNCORE_NAMED(handle_out_queue_limit)
ASYNCORE_NAMED(handle_incoming_limit)
ASYNCORE_NAMED(collect_incoming_data)
ASYNCORE_NAMED(found_terminator)
ASYNCORE_NAMED(ac_in_buffer_size)
ASYNCORE_NAMED(ac_out_buffer_size)
#undef ASYNCORE_NAMED

/// True when `T` has a `handle_read` of its own beside that of its kind.
template <class T>
concept hides_handle_read = !requires {
  requires std::is_same_v<decltype(&T::handle_read), decltype(&kind_of<T>::handle_read)>;
};

/// True when the kind of `T` has a `handle_data` and a `handle_read`, as async_chat does: a class
/// may have either of its own.
template <class T>
concept kind_receives = requires {
  &kind_of<T>::handle_data;
  &kind_of<T>::handle_read;
};

/// True when `T` reads by itself what its kind would have received.
template <class T>
concept hides_kind_read = kind_receives<T> && hides_handle_read<T>;

template <class T>
consteval void check_io_hooks() {
  constexpr unsigned called = kind_calls<T>;
  static_assert((called & calls_connect) != 0 || !names_handle_connect<T>(),
                "asyncore: handle_connect is called of a kind with a socket, such as dispatcher; "
                "this one has nothing to connect");
  static_assert((called & calls_connect) != 0 ||
                    !names_handle_accepted<T>(),
                "asyncore: handle_accepted is called of a kind with a socket, "
                "such as dispatcher; this one accepts nothing");
  static_assert((called & calls_watermarks) != 0 ||
                    (!names_handle_high_water<T>() && !names_handle_low_water<T>() &&
                     !names_handle_out_queue_limit<T>()),
                "asyncore: the hooks of the out-queue (handle_high_water, handle_low_water, "
                "handle_out_queue_limit) are called of a kind that has one: derive from "
                "dispatcher_with_send or async_chat");
  static_assert((called & calls_terminator) != 0 ||
                    (!names_collect_incoming_data<T>() && !names_found_terminator<T>() &&
                     !names_handle_incoming_limit<T>()),
                "asyncore: collect_incoming_data, found_terminator and handle_incoming_limit are "
                "called of an async_chat: derive from it, or define handle_data");
  static_assert((called & calls_terminator) != 0 ||
                    (!names_ac_in_buffer_size<T>() && !names_ac_out_buffer_size<T>()),
                "asyncore: ac_in_buffer_size and ac_out_buffer_size are constants of async_chat, "
                "which this kind does not read");
}

/// True for a constant that is no number of bytes, channels or the like.
template <class Number>
consteval bool counts_nothing(Number value) {
  if constexpr (!std::is_integral_v<Number> || std::is_same_v<Number, bool>) {
    return true;
  } else if constexpr (std::is_signed_v<Number>) {
    return value < 0;
  } else {
    return false;
  }
}

// Of the constant NAME of `T`, where the compiler knows it: whether it is no number at all, or none
// above zero.
#define ASYNCORE_CONSTANT(NAME)                                       \
  template <class T>                                                  \
  concept nothing_##NAME = requires {                                 \
    typename std::bool_constant<!(T::NAME > 0)>;                      \
    requires std::bool_constant<!(T::NAME > 0)>::value;               \
  };                                                                  \
  template <class T>                                                  \
  concept no_number_##NAME = requires {                               \
    typename std::bool_constant<counts_nothing(T::NAME)>;             \
    requires std::bool_constant<counts_nothing(T::NAME)>::value;      \
  };

ASYNCORE_CONSTANT(accept_batch)
ASYNCORE_CONSTANT(send_budget)
ASYNCORE_CONSTANT(ac_in_buffer_size)
ASYNCORE_CONSTANT(ac_out_buffer_size)
ASYNCORE_CONSTANT(connection_limit)
ASYNCORE_CONSTANT(out_queue_limit)
ASYNCORE_CONSTANT(incoming_limit)
ASYNCORE_CONSTANT(producer_limit)
ASYNCORE_CONSTANT(high_watermark)
ASYNCORE_CONSTANT(low_watermark)
#undef ASYNCORE_CONSTANT

/// True when the compiler knows that low water lies above high water.
template <class T>
concept crossed_watermarks = requires {
  typename std::bool_constant<(T::low_watermark > T::high_watermark)>;
  requires std::bool_constant<(T::low_watermark > T::high_watermark)>::value;
};

/// A channel that does nothing at a time would be reported as ready for ever.
template <class T>
consteval void check_constants() {
  static_assert(!nothing_accept_batch<T>, "asyncore: accept_batch is at least 1");
  static_assert(!nothing_send_budget<T>, "asyncore: send_budget is at least 1");
  static_assert(!nothing_ac_in_buffer_size<T>, "asyncore: ac_in_buffer_size is at least 1");
  static_assert(!nothing_ac_out_buffer_size<T>, "asyncore: ac_out_buffer_size is at least 1");
  static_assert(!no_number_accept_batch<T> && !no_number_send_budget<T> &&
                    !no_number_ac_in_buffer_size<T> && !no_number_ac_out_buffer_size<T> &&
                    !no_number_connection_limit<T> && !no_number_out_queue_limit<T> &&
                    !no_number_incoming_limit<T> && !no_number_producer_limit<T> &&
                    !no_number_high_watermark<T> && !no_number_low_watermark<T>,
                "asyncore: limits, buffer sizes, watermarks, accept_batch and send_budget are "
                "integers, and none is negative: for no limit, use the greatest std::size_t");
  static_assert(!names_handle_low_water<T>() || !crossed_watermarks<T>,
                "asyncore: low_watermark is at most high_watermark: define both");
}

/// Stops the compilation when `T`, a channel of `Loop`, has a hook that nobody would ever call.
template <class T, class Loop>
consteval void check_kind_hooks() {
  constexpr unsigned called = kind_calls<T>;
  check_io_hooks<T>();
  check_constants<T>();
  static_assert(std::is_base_of_v<deadline<T, Loop>, T> || !names_handle_timeout<T>(),
                "asyncore: handle_timeout is called of a channel with a deadline: derive from "
                "asyncore::deadline, too, as in `struct session : asyncore::dispatcher<session>, "
                "asyncore::deadline<session>`");
  static_assert((called & calls_signal) != 0 || !names_handle_signal<T>(),
                "asyncore: handle_signal is called of a signal_channel: derive from it, or give "
                "the function another name");
  static_assert((called & calls_exit) != 0 || !names_handle_exit<T>(),
                "asyncore: handle_exit is called of a child_process: derive from it, or give the "
                "function another name");
  if constexpr ((called & (calls_signal | calls_exit)) != 0) {
    static_assert(!hides_handle_read<T>,
                  "asyncore: a signal_channel and a child_process read for themselves: define "
                  "handle_signal or handle_exit, and no handle_read");
  } else if constexpr ((called & calls_watermarks) != 0) {
    static_assert(!asks_writable<T> || names_handle_write<T>(),
                  "asyncore: what is sent or pushed leaves whatever writable answers, which is "
                  "asked for handle_write alone: to hold output back, keep it and push it later");
  } else {
    static_assert(!asks_writable<T> || names_handle_write<T>(),
                  "asyncore: writable is asked only of a class that defines handle_write");
  }
  static_assert((called & calls_nothing_else) == 0 || names_handle_read<T>() ||
                    names_handle_write<T>() || names_handle_expt<T>() || names_handle_close<T>() ||
                    names_handle_data<T>() || names_handle_closed<T>() || names_handle_timeout<T>(),
                "asyncore: the class has none of the hooks that a channel calls, handle_read, "
                "handle_write, handle_expt and handle_close: is one misspelt?");
}

}  // namespace asyncore::detail

#endif

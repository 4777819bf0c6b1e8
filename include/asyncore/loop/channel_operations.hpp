// SPDX-License-Identifier: BSL-1.0
/// What a loop does with a channel, in one place for closed and open sets.
#ifndef ASYNCORE_LOOP_CHANNEL_OPERATIONS_HPP
#define ASYNCORE_LOOP_CHANNEL_OPERATIONS_HPP

#include <asyncore/concept/channel_access.hpp>
#include <asyncore/concept/hooks.hpp>
#include <asyncore/concept/kind.hpp>
#include <asyncore/concept/observer.hpp>
#include <asyncore/concept/predicates.hpp>
#include <asyncore/concept/registration.hpp>
#include <asyncore/word/config.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/type_name.hpp>

#include <string_view>
#include <type_traits>

namespace asyncore::detail {

struct operations;

/// The registration of a channel in an open set.
using open_record = registration<const operations*>;

/// The functions of one channel type, as an open set calls them. One constant table for each type.
struct operations {
  void (*read)(open_record&);
  void (*write)(open_record&);
  void (*expt)(open_record&);
  void (*hangup)(open_record&);
  bool (*has_unread)(open_record&);
  bool (*is_connectionless)(open_record&);
  interest (*before_wait)(open_record&);
  interest (*ask)(open_record&);
  void (*error)(open_record&);
  void (*give_up)(open_record&);
  void (*resume)(open_record&);
  void (*drain)(open_record&);
  void (*close)(open_record&);
  void (*abandon)(open_record&);
  bool (*is_told)(open_record&);
  void (*last_hook)(open_record&);
  void (*destroy)(open_record&);
  predicate_mode (*mode)(open_record&);
  std::string_view (*name)(open_record&);
};

/// True when `T` is a channel whose registration is a `Record`; otherwise stops the compilation.
template <class T, class Record>
consteval bool check_registered() {
  static_assert(requires { sizeof(T); },
                "asyncore: the closed list of a map names a class that is only declared: define it "
                "in every file that uses the loop");
  static_assert(std::is_base_of_v<Record, T>,
                "asyncore: the closed list of a map names a class that is no channel of its loop");
  static_assert(std::is_convertible_v<T*, Record*>,
                "asyncore: derive publicly from the channel kind");
  return true;
}

/// The inside of the channel's loop.
template <class T>
[[gnu::always_inline]] inline auto& core_of(T& channel) noexcept {
  return channel_access::core(as_kind(channel).loop());
}

/// Calls `event` on the channel if it still wants what it stands for: since the wait another hook
/// may have paused it. Asks it again afterwards when that is its mode.
template <class T, class Event>
[[gnu::always_inline]] inline void deliver(T& channel, interest wanted, Event event) {
  [[maybe_unused]] auto& loop = core_of(channel);
  [[maybe_unused]] const token id = as_kind(channel).id();
  if constexpr (mode_of<T>() != predicate_mode::constant) {
    if (!any(as_kind(channel).wanted_interest(), wanted)) return loop.interests().ignore_report(loop, id);
    if (!loop.alive(id)) return;
  }
  if constexpr (mode_of<T>() == predicate_mode::on_rearm) {
    cleaning_up(event, [&] { loop.update_interest(id); });
    loop.interests().template ask_after_hook<T>(loop, id);
  } else {
    event();
  }
}

/// What an observer is told that a read event of `T` was: the hook that it is for.
template <class T>
constexpr const char* reading_hook() {
  if constexpr (requires(T& c) { c.found_terminator(); }) {
    return "found_terminator";
  } else if constexpr (calls_handle_signal<T>) {
    return "handle_signal";
  } else if constexpr (calls_handle_data<T>) {
    return "handle_data";
  } else if constexpr (calls_handle_accepted<T> && !calls_handle_read<T>) {
    return "handle_accepted";
  } else {
    return "handle_read";
  }
}

/// The same of a write event.
template <class T>
const char* writing_hook([[maybe_unused]] T& channel) {
  if constexpr (requires { as_kind(channel).connecting(); })
    if (as_kind(channel).connecting()) return "handle_connect";
  return "handle_write";
}

/// Each operation: `on` for a channel whose type is known, `entry` where an open set finds it.
namespace op {
struct read {
  static constexpr auto entry = &operations::read;
  template <class T>
  [[gnu::always_inline]] static void on(T& channel) {
    deliver(channel, interest::read, [&]() ASYNCORE_INLINE {
      observe<T>(as_kind(channel).loop(), reading_hook<T>(),
                 [&]() ASYNCORE_INLINE { channel.handle_read_event(); });
    });
  }
};
struct write {
  static constexpr auto entry = &operations::write;
  template <class T>
  static void on(T& channel) {
    deliver(channel, interest::write, [&] {
      observe<T>(as_kind(channel).loop(), writing_hook(channel), [&] { channel.handle_write_event(); });
    });
  }
};
struct expt {
  static constexpr auto entry = &operations::expt;
  template <class T>
  static void on(T& channel) {
    deliver(channel, interest::expt, [&] {
      observe<T>(as_kind(channel).loop(), "handle_expt", [&] { channel.handle_expt_event(); });
    });
  }
};
struct hangup {
  static constexpr auto entry = &operations::hangup;
  template <class T>
  static void on(T& channel) {
    channel.handle_hangup_event();
  }
};
/// True when there is more to read, now or when the channel is no longer paused.
struct has_unread {
  static constexpr auto entry = &operations::has_unread;
  template <class T>
  static bool on(T& channel) {
    return as_kind(channel).has_unread();
  }
};
/// True when an error of a message is not the end.
struct is_connectionless {
  static constexpr auto entry = &operations::is_connectionless;
  template <class T>
  static bool on(T& channel) {
    return as_kind(channel).is_connectionless();
  }
};
/// Finishes what the channel put off to the end of the turn; returns what it is interested in.
struct before_wait {
  static constexpr auto entry = &operations::before_wait;
  template <class T>
  static interest on(T& channel) {
    return as_kind(channel).before_wait();
  }
};
struct ask {
  static constexpr auto entry = &operations::ask;
  template <class T>
  static interest on(T& channel) {
    return as_kind(channel).wanted_interest();
  }
};
struct error {
  static constexpr auto entry = &operations::error;
  template <class T>
  static void on(T& channel) {
    static_assert(defines_handle_error<T>());
    observe<T>(as_kind(channel).loop(), "handle_error", [&] { channel.handle_error(); });
  }
};
struct give_up {
  static constexpr auto entry = &operations::give_up;
  template <class T>
  static void on(T& channel) {
    as_kind(channel).give_up();
  }
};
struct resume {
  static constexpr auto entry = &operations::resume;
  template <class T>
  static void on(T& channel) {
    as_kind(channel).resume_accepting();
  }
};
struct drain {
  static constexpr auto entry = &operations::drain;
  template <class T>
  static void on(T& channel) {
    channel.handle_drain_event();
  }
};
struct close {
  static constexpr auto entry = &operations::close;
  template <class T>
  static void on(T& channel) {
    channel.close();
  }
};
/// The loop ends before the channel.
struct abandon {
  static constexpr auto entry = &operations::abandon;
  template <class T>
  static void on(T& channel) {
    as_kind(channel).abandon();
  }
};
/// True when the class has a last hook.
struct is_told {
  static constexpr auto entry = &operations::is_told;
  template <class T>
  static bool on(T&) {
    return defines_handle_closed<T>();
  }
};
/// Calls it; the hook may destroy a channel that the loop does not own.
struct last_hook {
  static constexpr auto entry = &operations::last_hook;
  template <class T>
  static void on([[maybe_unused]] T& channel) {
    if constexpr (defines_handle_closed<T>()) core_of(channel).call_last_hook(channel);
  }
};
struct destroy {
  static constexpr auto entry = &operations::destroy;
  template <class T>
  static void on(T& channel) {
    delete &channel;
  }
};
struct mode {
  static constexpr auto entry = &operations::mode;
  template <class T>
  static predicate_mode on(T&) {
    return mode_of<T>();
  }
};
struct name {
  static constexpr auto entry = &operations::name;
  template <class T>
  static std::string_view on(T&) {
    return type_name<T>();
  }
};
}  // namespace op

template <class Op, class T>
auto perform_on(open_record& r) {
  static_assert(check_registered<T, open_record>());
  return Op::on(static_cast<T&>(r));
}

template <class T>
inline constexpr operations operations_of = {
    perform_on<op::read, T>,       perform_on<op::write, T>,      perform_on<op::expt, T>,
    perform_on<op::hangup, T>,     perform_on<op::has_unread, T>, perform_on<op::is_connectionless, T>,
    perform_on<op::before_wait, T>, perform_on<op::ask, T>,       perform_on<op::error, T>,
    perform_on<op::give_up, T>,    perform_on<op::resume, T>,     perform_on<op::drain, T>,
    perform_on<op::close, T>,      perform_on<op::abandon, T>,    perform_on<op::is_told, T>,
    perform_on<op::last_hook, T>,  perform_on<op::destroy, T>,    perform_on<op::mode, T>,
    perform_on<op::name, T>};

}  // namespace asyncore::detail

#endif

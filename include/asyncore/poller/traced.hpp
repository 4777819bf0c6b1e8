// SPDX-License-Identifier: BSL-1.0
/// An adaptor that says what goes through a poller.
#ifndef ASYNCORE_POLLER_TRACED_HPP
#define ASYNCORE_POLLER_TRACED_HPP

#include <asyncore/concept/poller.hpp>
#include <asyncore/word/log.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace asyncore {

/// Writes the lines of a `traced` poller to the log.
struct trace_to_log {
  void operator()(std::string_view line) const noexcept { log(line); }
};

/// Has `traced<Poller, no_trace>` be `Poller`.
struct no_trace {};

namespace detail {

/// A line in the making; what has no room is left out.
class trace_line {
 public:
  explicit trace_line(std::string_view what) noexcept { add(what); }
  trace_line(std::string_view what, token t) noexcept : trace_line(what) {
    add(" ");
    add(t.fd);
    add("#");
    add(t.generation);
  }

  void add(std::string_view text) noexcept {
    size_ += text.copy(text_ + size_, sizeof text_ - size_);
  }
  template <std::integral Number>
  void add(Number number) noexcept {
    const auto [end, error] = std::to_chars(text_ + size_, text_ + sizeof text_, number);
    if (error == std::errc()) size_ = static_cast<std::size_t>(end - text_);
  }
  void add_bits(unsigned bits) noexcept {
    if (bits == 0) add(" none");
    for (const char* name : {" read", " expt", " write", " error", " hangup"}) {
      if ((bits & 1) != 0) add(name);
      bits >>= 1;
    }
  }
  void add_error(std::error_code failed) noexcept {
    if (!failed) return;
    add(": ");
    add(failed.category().name());
    add(" ");
    add(failed.value());
  }
  operator std::string_view() const noexcept { return {text_, size_}; }

 private:
  char text_[160];
  std::size_t size_ = 0;
};

}  // namespace detail

/// `Poller`, of which each wait, each change of an interest and each report is a line that
/// `Trace{}(std::string_view)`, noexcept, is given in the thread of the loop:
///
///     add 7#12 read               fd 7 in its 12th registration of the loop is watched from now on
///     modify 7#12 read write      what it is watched for has changed
///     remove 7#12
///     add 8#13 read: system 1     it was refused: the category and the value of the error
///     wait                        for ever, or as in "wait 20000000 ns"
///     ready 7#12 read hangup
///     woke: system 4              what ended the wait (here EINTR)
///
/// A removal and a wait are told before they happen, a report before its hooks are called.
template <class Poller, class Trace = trace_to_log>
class traced : public Poller {
 public:
  using Poller::Poller;

  std::error_code add(token t, interest wanted) {
    return told("add", t, wanted, Poller::add(t, wanted));
  }
  std::error_code add_exclusive(token t, interest wanted)
    requires requires(Poller& p) { p.add_exclusive(t, wanted); }
  {
    return told("add exclusive", t, wanted, Poller::add_exclusive(t, wanted));
  }
  std::error_code modify(token t, interest wanted) {
    return told("modify", t, wanted, Poller::modify(t, wanted));
  }
  void remove(token t) noexcept {
    Trace{}(detail::trace_line("remove", t));
    Poller::remove(t);
  }

  template <class Sink>
  int wait(timeout_type timeout, Sink sink) {
    detail::trace_line begin("wait");
    if (timeout) {
      begin.add(" ");
      begin.add(timeout->count());
      begin.add(" ns");
    }
    Trace{}(begin);
    const int n = Poller::wait(timeout, [sink](token t, readiness ready) {
      detail::trace_line report("ready", t);
      report.add_bits(static_cast<unsigned>(ready));
      Trace{}(report);
      sink(t, ready);
    });
    if (n < 0) {
      detail::trace_line end("woke");
      end.add_error(errno_code(-n));
      Trace{}(end);
    }
    return n;
  }

 private:
  static std::error_code told(std::string_view what, token t, interest wanted,
                              std::error_code failed) noexcept {
    detail::trace_line line(what, t);
    line.add_bits(static_cast<unsigned>(wanted));
    line.add_error(failed);
    Trace{}(line);
    return failed;
  }
};

template <class Poller>
class traced<Poller, no_trace> : public Poller {
 public:
  using Poller::Poller;
};

}  // namespace asyncore

#endif

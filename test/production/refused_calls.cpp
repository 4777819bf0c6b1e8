// SPDX-License-Identifier: BSL-1.0
// What comes of system calls that the kernel refuses: for want of descriptors, in a sandbox, or by
// an old one.
#include <asyncore.hpp>
#include <asyncore/child_process.hpp>
#include <asyncore/loop_group.hpp>
#include <asyncore/signal_channel.hpp>

#include "../support/child.hpp"
#include "../support/descriptor_limit.hpp"
#include "../support/descriptors.hpp"
#include "../support/refused_call.hpp"

#include <boost/test/unit_test.hpp>

#include <signal.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asyncore::stdio;

/// A limit that leaves `room` descriptors free.
struct few_descriptors {
  explicit few_descriptors(int room)
      : limit(test::unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get() + room) {}
  test::descriptor_limit limit;
};

/// Checks that `f` gives `expected` where `call` fails with `error`; says so if it cannot be.
template <class F>
void check_refused(long call, int error, int expected, F f, std::int64_t second = -1) {
  const int got = test::where_refused(call, error, f, second);
  if (got == -1) {
    BOOST_TEST_MESSAGE("no system call can be refused here");
  } else {
    BOOST_TEST(got == expected);
  }
}

struct program : asyncore::child_process<program> {
  explicit program(asyncore::default_loop& loop) : child_process(loop) {}
  program() = default;
  void handle_exit(asyncore::exit_status status) { code = status.code(); }
  int code = -1;
};
struct signalled_program : asyncore::child_process<signalled_program> {
  using child_process::child_process;
  static constexpr bool by_pidfd = false;
  void handle_exit(asyncore::exit_status) {}
};
struct signals : asyncore::signal_channel<signals> {
  using signal_channel::signal_channel;
  void handle_signal(int) {}
};
const asyncore::command quiet{"true", {}, {}, stdio::inherit, stdio::inherit, stdio::inherit};

}  // namespace

BOOST_AUTO_TEST_SUITE(refused_calls, *boost::unit_test::label("native"))

// No pidfd in a sandbox that does not know it, or before Linux 5.3: then by SIGCHLD.
BOOST_AUTO_TEST_CASE(without_pidfds_children_are_watched_all_the_same) {
  for (const int error : {ENOSYS, EPERM})
    check_refused(SYS_pidfd_open, error, 7, [] {
      asyncore::default_loop loop;
      program child(loop);
      child.start({"sh", {"-c", "exit 7"}, {}, stdio::null, stdio::null, stdio::null});
      loop.run({.timeout = 10s, .count = 100});
      return child.code;
    });
}

BOOST_AUTO_TEST_CASE(a_child_that_cannot_be_watched_is_not_run) {
  program child;
  BOOST_TEST(&child.loop() == &asyncore::this_thread_loop());
  child.loop().poll(0ns);  // it has all that it needs
  {
    const few_descriptors few(0);
    BOOST_REQUIRE(few.limit);
    std::error_code failed;
    child.start(quiet, failed);
    BOOST_TEST((failed == std::errc::too_many_files_open));
    BOOST_TEST(child.pid() == -1);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
  }
  // By a pipe.
  check_refused(SYS_pidfd_open, ENOSYS, EMFILE, [] {
    asyncore::child_watch watch;
    const few_descriptors few(1);
    return -watch.open(::getpid(), true);
  });
  check_refused(SYS_pidfd_open, EINVAL, EINVAL, [] {
    asyncore::child_watch watch;
    return -watch.open(::getpid(), true);
  });
  check_refused(SYS_rt_sigaction, EPERM, EPERM, [] {
    asyncore::child_watch watch, another;
    const int failed = watch.open(::getpid(), false);
    if (watch.native_handle() >= 0) return 2;
    return failed == another.open(::getpid(), false) ? -failed : 3;
  });
}

// As a setuid program's: closing it does not wait for its end, a later call does.
BOOST_AUTO_TEST_CASE(a_child_that_may_not_be_killed_runs_on) {
  const auto run_on = [](bool by_pidfd) {
    return [by_pidfd] {
      ::alarm(10);
      asyncore::default_loop loop;
      program one(loop);
      signalled_program other(loop);
      const auto start = [&](const asyncore::command& what) {
        return by_pidfd ? one.start(what) : other.start(what);
      };
      const auto close = [&] { by_pidfd ? one.close() : other.close(); };
      auto pipes = start({"cat", {}, {}, stdio::pipe, stdio::null, stdio::null});
      const pid_t number = by_pidfd ? one.pid() : other.pid();
      close();
      if (one.pid() != -1 || other.pid() != -1 || !loop.empty()) return 2;
      siginfo_t info{};
      if (::waitid(P_PID, static_cast<id_t>(number), &info, WEXITED | WNOWAIT | WNOHANG) != 0)
        return 3;
      if (info.si_pid != 0) return 4;  // it was killed
      pipes = {};
      if (::waitid(P_PID, static_cast<id_t>(number), &info, WEXITED | WNOWAIT) != 0) return 5;
      start(quiet);
      return ::waitpid(number, nullptr, 0) == -1 && errno == ECHILD ? 1 : 6;
    };
  };
  check_refused(SYS_pidfd_send_signal, EPERM, 1, run_on(true), SIGKILL);
  check_refused(SYS_kill, EPERM, 1, run_on(false), SIGKILL);
}

// A table of 64, and no number for the pidfd of the next.
BOOST_AUTO_TEST_CASE(a_child_for_which_there_is_no_room_is_not_run) {
  struct own;
  using loop_type = asyncore::basic_loop<asyncore::poll_poller, asyncore::fixed_fd_table<4, own>>;
  struct own : asyncore::child_process<own, loop_type> {
    using child_process::child_process;
    void handle_exit(asyncore::exit_status) {}
  };
  loop_type loop;
  std::vector<std::unique_ptr<own>> children;
  std::error_code failed;
  for (int i = 0; i < 100 && !failed; ++i) {
    children.push_back(std::make_unique<own>(loop));
    asyncore::child_pipes pipes =
        children.back()->start({"cat", {}, {}, stdio::pipe, stdio::null, stdio::null}, failed);
    BOOST_TEST((pipes.input.get() >= 0) == !failed);
    BOOST_TEST((children.back()->pid() >= 0) == !failed);
  }
  BOOST_TEST(!!failed);
  children.clear();
  BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1);
}

BOOST_AUTO_TEST_CASE(more_children_than_can_be_watched_by_signal) {
  const int room = asyncore::detail::child_signals::limit;
  for (int fd = 1; fd <= room; ++fd)
    BOOST_TEST(asyncore::detail::child_signals::add(100'000 + fd) == 0);
  asyncore::child_watch watch;
  BOOST_TEST(watch.open(::getpid(), false) == -EAGAIN);
  BOOST_TEST(watch.native_handle() == -1);
  asyncore::detail::child_signals::remove(1);  // which nobody added
  BOOST_TEST(watch.open(::getpid(), false) == -EAGAIN);
  for (int fd = 1; fd <= room; ++fd) asyncore::detail::child_signals::remove(100'000 + fd);
  BOOST_TEST(watch.open(::getpid(), false) == 0);
}

// The pipes of a program need descriptors, which must not be the three that it is to have.
BOOST_AUTO_TEST_CASE(a_program_without_its_pipes_is_not_run) {
  program child;
  child.loop().poll(0ns);
  for (int room = 0; room < 6; ++room) {
    const few_descriptors few(room);
    BOOST_REQUIRE(few.limit);
    std::error_code failed;
    const asyncore::child_pipes pipes = child.start({"true"}, failed);
    BOOST_TEST((failed == std::errc::too_many_files_open));
    BOOST_TEST(pipes.input.get() == -1);
    BOOST_TEST(pipes.errors.get() == -1);
  }
  check_refused(
      SYS_fcntl, EPERM, EPERM,
      [] {
        asyncore::child_pipes pipes;
        return -asyncore::spawn({"true"}, pipes);
      },
      F_SETFL);
  check_refused(
      SYS_fcntl, EMFILE, EMFILE,
      [] {
        ::close(0);
        ::close(1);
        asyncore::child_pipes pipes;
        return -asyncore::spawn({"true"}, pipes);
      },
      F_DUPFD_CLOEXEC);
  check_refused(
      SYS_fcntl, EMFILE, EMFILE,
      [] {  // the other end of the pipe
        ::close(0);
        while (::dup(1) < 5) continue;
        ::close(3);
        ::close(2);
        asyncore::child_pipes pipes;
        return -asyncore::spawn({"true"}, pipes);
      },
      F_DUPFD_CLOEXEC);
}

BOOST_AUTO_TEST_CASE(signals_that_cannot_be_watched) {
  asyncore::default_loop loop;
  loop.poll(0ns);
  {
    const few_descriptors few(1);
    std::error_code failed;
    signals channel(loop, {});
    channel.watch(SIGUSR1, failed);
    BOOST_TEST((failed == std::errc::too_many_files_open));
    BOOST_TEST(loop.empty());
  }
  using small_loop = asyncore::basic_loop<asyncore::poll_poller, asyncore::fixed_fd_table<1>>;
  struct small_signals : asyncore::signal_channel<small_signals, small_loop> {
    using signal_channel::signal_channel;
    void handle_signal(int) {}
  };
  small_loop small;
  small_signals first(small, {SIGUSR1}), second(small);
  std::error_code failed;
  second.watch(SIGUSR2, failed);
  BOOST_TEST(!!failed);
  BOOST_TEST(second.native_handle() == -1);
}

BOOST_AUTO_TEST_CASE(processors_that_are_not_told) {
  check_refused(SYS_sched_getaffinity, EPERM, 1, [] {
    const std::vector<int> all = asyncore::usable_processors();
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i] != static_cast<int>(i)) return 2;
    return all.empty() ? 3 : 1;
  });
  check_refused(SYS_sched_setaffinity, EPERM, EPERM,
                [] { return asyncore::stay_on_processor(0).value(); });
  BOOST_TEST((asyncore::stay_on_processor(-1) == std::errc::invalid_argument));
  BOOST_TEST((asyncore::stay_on_processor(100'000) == std::errc::invalid_argument));
}

// A loop without a waker hears of others in the turn after the next event, and tries again.
BOOST_AUTO_TEST_CASE(a_loop_without_a_waker_runs) {
  check_refused(SYS_eventfd2, EMFILE, 3, [] {
    asyncore::basic_loop<asyncore::poll_poller, asyncore::fd_table<>> loop;
    int called = 0;
    loop.post([&] { ++called; });
    loop.call_later(0ns, [&] { ++called; });
    loop.run();
    loop.post([&] { ++called; });
    loop.run();
    return called;
  });
}

BOOST_AUTO_TEST_CASE(epoll_that_cannot_be_made_says_so) {
  const few_descriptors few(0);
  BOOST_CHECK_EXCEPTION(asyncore::epoll_poller(), std::system_error, [](const auto& e) {
    return e.code() == std::errc::too_many_files_open;
  });
}

BOOST_AUTO_TEST_SUITE_END()

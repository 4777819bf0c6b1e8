// SPDX-License-Identifier: BSL-1.0
// Programs that are run, their pipes as channels, and their end as a hook.
#include <asyncore.hpp>
#include <asyncore/child_process.hpp>
#include <asyncore/signal_channel.hpp>

#include "../support/child.hpp"
#include "../support/matrix.hpp"
#include "../support/open_descriptors.hpp"
#include "../support/outcome.hpp"
#include "../support/signals.hpp"
#include "../support/turns.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asyncore::command;
using asyncore::stdio;

template <class Place, bool ByPidfd>
struct program;
template <class Place, bool ByPidfd>
struct reader;
template <class Place, bool ByPidfd>
struct writer;
template <class Place, bool ByPidfd>
struct lines;
template <class Place, bool ByPidfd>
using loop_of = typename Place::template loop<program<Place, ByPidfd>, reader<Place, ByPidfd>,
                                              writer<Place, ByPidfd>, lines<Place, ByPidfd>>;

template <class Place, bool ByPidfd>
struct program : asyncore::child_process<program<Place, ByPidfd>, loop_of<Place, ByPidfd>> {
  using program::child_process::child_process;
  static constexpr bool by_pidfd = ByPidfd;
  void handle_exit(asyncore::exit_status status) {
    ended.push_back(status);
    if (act) act();
  }
  void handle_error() {
    got.catch_current();
    if (!stays) this->close();
  }
  std::vector<asyncore::exit_status> ended;
  std::function<void()> act;
  test::outcome got;
  bool stays = false;
};

template <class Place, bool ByPidfd>
struct reader : asyncore::file_dispatcher<reader<Place, ByPidfd>, loop_of<Place, ByPidfd>> {
  reader(loop_of<Place, ByPidfd>& loop, asyncore::unique_fd fd, std::string& all)
      : reader::file_dispatcher(loop, std::move(fd)), text(all) {}
  void handle_data(std::span<const std::byte> data) { text += asyncore::as_text(data); }
  void handle_close() {
    text += ".";
    this->close();
  }
  std::string& text;
};

template <class Place, bool ByPidfd>
struct writer : asyncore::dispatcher_with_send<writer<Place, ByPidfd>, loop_of<Place, ByPidfd>,
                                               asyncore::file_transport> {
  writer(loop_of<Place, ByPidfd>& loop, asyncore::unique_fd fd)
      : writer::dispatcher_with_send(loop, asyncore::socket(std::move(fd))) {}
  void handle_close() { this->close(); }
};

template <class Place, bool ByPidfd>
struct lines : asyncore::async_chat<lines<Place, ByPidfd>, loop_of<Place, ByPidfd>,
                                    asyncore::file_transport> {
  lines(loop_of<Place, ByPidfd>& loop, asyncore::unique_fd fd, std::vector<std::string>& all)
      : lines::async_chat(loop, asyncore::socket(std::move(fd))), found(all) {
    this->set_terminator("\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) { one += asyncore::as_text(data); }
  void found_terminator() { found.push_back(std::exchange(one, "")); }
  std::string one;
  std::vector<std::string>& found;
};

/// Every poller, by pidfd and by SIGCHLD.
template <class P, bool By>
struct at {
  using place = P;
  static constexpr bool by_pidfd = By;
  using loop = loop_of<P, By>;
  using program = ::program<P, By>;
  using reader = ::reader<P, By>;
  using writer = ::writer<P, By>;
  using lines = ::lines<P, By>;
};
using dense_epoll = test::place<asyncore::default_poller, test::dense, true>;
using hashed_poll = test::place<asyncore::poll_poller, test::hashed, false>;
using fixed_select = test::place<asyncore::select_poller, test::fixed, true>;
using places = std::tuple<at<dense_epoll, true>, at<dense_epoll, false>, at<hashed_poll, true>,
                          at<fixed_select, false>>;

struct signals : asyncore::signal_channel<signals> {
  using signal_channel::signal_channel;
  void handle_signal(int) { ++count; }
  int heard() {
    loop().poll(0ns);
    return std::exchange(count, 0);
  }
  int count = 0;
};

command shell(const std::string& script) { return {"sh", {"-c", script}}; }

bool no_children() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

BOOST_AUTO_TEST_SUITE(child_processes, *boost::unit_test::label("native"))

BOOST_AUTO_TEST_CASE_TEMPLATE(its_pipes_are_channels, At, places) {
  const auto before = test::open_descriptors();
  {
    typename At::loop loop;
    auto& child = loop.template emplace<typename At::program>();
    std::vector<asyncore::exit_status> ended;
    child.act = [&] { ended = child.ended; };
    auto pipes = child.start(shell("cat; echo done; echo wrong >&2; exit 7"));
    BOOST_TEST(child.pid() > 0);
    const std::string much(1'000'000, 'x');
    std::string output, errors;
    loop.template emplace<typename At::reader>(std::move(pipes.output), output);
    loop.template emplace<typename At::reader>(std::move(pipes.errors), errors);
    auto& input = loop.template emplace<typename At::writer>(std::move(pipes.input));
    input.send(much);
    input.close_when_done();
    loop.run({.timeout = 10s, .count = 10'000});
    BOOST_TEST(loop.empty());
    BOOST_TEST((output == much + "done\n."));
    BOOST_TEST(errors == "wrong\n.");
    BOOST_TEST_REQUIRE(ended.size() == 1u);
    BOOST_TEST(ended[0].code() == 7);
    BOOST_TEST(!ended[0].killed());
    BOOST_TEST(no_children());
  }
  BOOST_TEST(test::open_descriptors() == before, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_output_may_be_split_into_lines, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  auto pipes = child.start({"printf", {"%s\\n", "one", "two words", "$three"}, {}, stdio::null,
                            stdio::pipe, stdio::inherit});
  BOOST_TEST(!pipes.input);
  BOOST_TEST(!pipes.errors);
  std::vector<std::string> found;
  loop.template emplace<typename At::lines>(std::move(pipes.output), found);
  loop.run({.timeout = 10s, .count = 10'000});
  BOOST_TEST((found == std::vector<std::string>{"one", "two words", "$three"}));
  BOOST_TEST(child.ended.size() == 1u);
  BOOST_TEST(child.ended.at(0).code() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(how_it_ended, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  child.start(shell("kill -9 $$"));
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 1u);
  BOOST_TEST(child.ended[0].signal() == SIGKILL);
  BOOST_TEST(child.ended[0].code() == -1);
  BOOST_TEST(child.pid() == -1);
  // Another one, and a signal of ours.
  child.start(shell("exec sleep 1000"));
  child.send_signal(SIGTERM);
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 2u);
  BOOST_TEST(child.ended[1].signal() == SIGTERM);
  BOOST_CHECK_THROW(child.send_signal(SIGTERM), std::system_error);
  // Somebody else has waited for it.
  child.start(shell("exit 3"));
  BOOST_TEST(::waitpid(child.pid(), nullptr, 0) == child.pid());
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 3u);
  BOOST_TEST(!child.ended[2].exited());
  BOOST_TEST(!child.ended[2].killed());
}

BOOST_AUTO_TEST_CASE(an_end_that_nobody_knows) {
  const asyncore::exit_status unknown;
  BOOST_TEST(!unknown.exited());
  BOOST_TEST(!unknown.killed());
  BOOST_TEST(unknown.code() == -1);
  BOOST_TEST(unknown.signal() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_cannot_be_run, At, places) {
  const auto before = test::open_descriptors();
  typename At::loop loop;
  typename At::program child(loop);
  const test::temporary_directory folder;
  const std::string text = folder.file("text");
  ::close(::open(text.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  std::error_code failed;
  child.start({"no-such-program-anywhere"}, failed);
  BOOST_TEST((failed == std::errc::no_such_file_or_directory));
  child.start({text}, failed);
  BOOST_TEST((failed == std::errc::permission_denied));
  child.start({"sh", {std::string(1 << 20, 'x')}}, failed);
  BOOST_TEST((failed == std::errc::argument_list_too_long));
  BOOST_CHECK_EXCEPTION(child.start({"/no/program"}), std::system_error, [](const auto& e) {
    return test::contains(e.what(), "run /no/program");
  });
  BOOST_TEST(child.pid() == -1);
  BOOST_TEST(loop.empty());
  BOOST_TEST(no_children());
  child.start({"cat"});
  child.start({"cat"}, failed);
  BOOST_TEST((failed == std::errc::device_or_resource_busy));
  child.close();
  BOOST_TEST(no_children());
  const auto after = test::open_descriptors();
  BOOST_TEST(after.size() <= before.size() + 1);  // a poller's own
}

// Killed and waited for; never a zombie.
BOOST_AUTO_TEST_CASE_TEMPLATE(may_be_destroyed_at_any_time, At, places) {
  auto loop = std::make_unique<typename At::loop>();
  {
    typename At::program child(*loop);
    child.start({"cat"});
    BOOST_TEST(!no_children());
  }
  BOOST_TEST(no_children());
  BOOST_TEST(loop->empty());
  // In its own hook.
  auto own = std::make_unique<typename At::program>(*loop);
  bool called = false;
  own->act = [&] {
    called = true;
    const auto gone = std::move(own);
  };
  own->start(shell("exit 0"));
  loop->run({.timeout = 10s, .count = 100});
  BOOST_TEST(called);
  // With its loop, owned and not.
  typename At::program outlives(*loop);
  outlives.start({"cat"});
  loop->template emplace<typename At::program>().start({"cat"});
  loop.reset();
  BOOST_TEST(outlives.pid() == -1);
  BOOST_TEST(no_children());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_hook_may_run_another_or_throw, At, places) {
  typename At::loop loop;
  auto& child = loop.template emplace<typename At::program>();
  int left = 3;
  std::vector<asyncore::exit_status> ended;
  child.act = [&] {
    ended = child.ended;
    if (--left > 0) child.start(shell("exit " + std::to_string(left)));
  };
  child.start(shell("exit 9"));
  loop.run({.timeout = 10s, .count = 1000});
  BOOST_TEST(loop.empty());
  BOOST_TEST_REQUIRE(ended.size() == 3u);
  BOOST_TEST(ended[0].code() == 9);
  BOOST_TEST(ended[2].code() == 1);
  for (const bool stays : {false, true}) {
    typename At::program throwing(loop);
    throwing.act = [] { throw std::runtime_error("not now"); };
    throwing.stays = stays;
    throwing.start(shell("exit 0"));
    loop.run({.timeout = 10s, .count = 1000});
    BOOST_TEST(throwing.got.what == "not now");
    BOOST_TEST(loop.empty());
  }
}

// Each hears of its own; and a pipe of one is not held open by the others.
BOOST_AUTO_TEST_CASE_TEMPLATE(many_at_a_time, At, places) {
  typename At::loop loop;
  std::vector<std::unique_ptr<typename At::program>> all;
  std::vector<asyncore::unique_fd> inputs;
  std::size_t ended = 0;
  for (int i = 0; i < 15; ++i) {
    all.push_back(std::make_unique<typename At::program>(loop));
    all.back()->act = [&] { ++ended; };
    command what = shell("read line; exit " + std::to_string(i));
    what.output = what.errors = stdio::null;
    inputs.push_back(all.back()->start(what).input);
  }
  for (auto& each : inputs) {  // the last began last, and has what it inherited
    const std::size_t before = ended;
    each.reset();
    BOOST_TEST(test::turn_until(loop, [&] { return ended == before + 1; }));
  }
  for (int i = 0; i < 15; ++i) BOOST_TEST(all[static_cast<std::size_t>(i)]->ended.at(0).code() == i);
  BOOST_TEST(no_children());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_signals_and_environment, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  sigset_t set, before;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  const auto ignored = ::signal(SIGPIPE, SIG_IGN);
  child.start(shell("kill -PIPE $$; exit 1"));
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 1u);
  BOOST_TEST(child.ended[0].signal() == SIGPIPE);
  child.start(shell("kill -TERM $$; exit 1"));
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 2u);
  BOOST_TEST(child.ended[1].signal() == SIGTERM);
  ::signal(SIGPIPE, ignored);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  child.start({"sh", {"-c", "test \"$A\" = 'b c' && test -z \"$HOME\""}, {"A=b c"}});
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 3u);
  BOOST_TEST(child.ended[2].code() == 0);
}

// As a program may be started: then nobody has to wait for its children, and nobody can.
BOOST_AUTO_TEST_CASE_TEMPLATE(where_sigchld_is_ignored, At, places) {
  if (!At::program::by_pidfd) return;  // that needs SIGCHLD
  const test::child_end end = test::in_child([] {
    ::signal(SIGCHLD, SIG_IGN);
    typename At::loop loop;
    typename At::program child(loop);
    std::error_code failed;
    for (std::size_t i = 1; i <= 50; ++i) {  // some have ended before they are watched
      child.start({"true"}, failed);
      if (failed) return 1;
      loop.run({.timeout = 10s, .count = 100});
      if (child.ended.size() != i || child.ended.back().code() > 0) return 2;
    }
    child.start({"sleep", {"100"}}, failed);
    child.close();
    return no_children() ? 0 : 3;
  });
  BOOST_TEST(end.status == 0);
}

// A channel of SIGCHLD, and handlers of others, before, while and after programs are watched.
BOOST_AUTO_TEST_CASE_TEMPLATE(others_may_handle_sigchld, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  const auto hears = [&] {
    const std::size_t before = child.ended.size();
    auto pipes = child.start(shell("read line; exit 3"));
    test::turn(loop);
    pipes.input.reset();
    return test::turn_until(loop, [&] { return child.ended.size() > before; }) &&
           child.ended.back().code() == 3;
  };
  test::signal_watch handler(SIGCHLD);
  BOOST_TEST(hears());
  BOOST_TEST(handler.count() == 1);
  {
    signals channel({SIGCHLD});
    BOOST_TEST(hears());
    BOOST_TEST(channel.heard() == 1);
    auto running = child.start(shell("read line; exit 4"));  // still runs when the channel closes
    channel.close();
    running.input.reset();
    BOOST_TEST(test::turn_until(loop, [&] { return child.ended.back().code() == 4; }));
    BOOST_TEST(hears());
  }
  BOOST_TEST(handler.count() >= 2);
  for (const int flags : {0, SA_SIGINFO}) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    action.sa_flags = flags;
    ::sigaction(SIGCHLD, &action, nullptr);
    BOOST_TEST(hears());
    struct sigaction now {};
    ::sigaction(SIGCHLD, nullptr, &now);
    BOOST_TEST((now.sa_handler == SIG_DFL));  // as it was
  }
  {
    signals channel({SIGCHLD});
    BOOST_TEST(hears());
    BOOST_TEST(channel.heard() == 1);
  }
  BOOST_TEST(hears());
}

// A process that was forked has the channel, but not the program: its end does not kill that.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_of_the_process_that_started_it, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  auto pipes = child.start(shell("read line; exit 5"));
  const test::child_end end = test::in_child([&] {
    child.close();
    return 0;
  });
  BOOST_TEST(end.status == 0);
  pipes.input.reset();
  BOOST_TEST(test::turn_until(loop, [&] { return !child.ended.empty(); }));
  BOOST_TEST(child.ended.at(0).code() == 5);
}

// It has been waited for by somebody else: nothing is sent to its number any more.
BOOST_AUTO_TEST_CASE_TEMPLATE(that_somebody_else_has_waited_for, At, places) {
  typename At::loop loop;
  typename At::program child(loop);
  auto pipes = child.start(shell("read line"));
  const pid_t number = child.pid();
  pipes = {};
  BOOST_TEST(::waitpid(number, nullptr, 0) == number);
  std::error_code failed;
  child.send_signal(SIGTERM, failed);
  BOOST_TEST((failed == std::errc::no_such_process));
  loop.run({.timeout = 10s, .count = 100});
  BOOST_TEST_REQUIRE(child.ended.size() == 1u);
  BOOST_TEST(child.ended[0].raw == -1);
}

// A daemon has no standard streams; the pipes are not to be mixed up.
BOOST_AUTO_TEST_CASE_TEMPLATE(where_the_three_are_closed, At, places) {
  const test::child_end end = test::in_child([] {
    typename At::loop loop;
    for (const int fd : {0, 1, 2}) ::close(fd);
    typename At::program child(loop);
    std::string lonely;
    loop.template emplace<typename At::reader>(
        child.start({"sh", {"-c", "echo x >&2"}, {}, stdio::null, stdio::null, stdio::pipe}).errors,
        lonely);
    loop.run({.timeout = 10s, .count = 1000});
    if (lonely != "x\n." || child.ended.size() != 1) return 2;
    auto pipes = child.start(shell("read line; echo out $line; echo err $line >&2"));
    std::string output, errors;
    loop.template emplace<typename At::reader>(std::move(pipes.output), output);
    loop.template emplace<typename At::reader>(std::move(pipes.errors), errors);
    test::put(pipes.input, "x\n");
    loop.run({.timeout = 10s, .count = 1000});
    return output == "out x\n." && errors == "err x\n." && child.ended.size() == 2 ? 0 : 1;
  });
  BOOST_TEST(end.status == 0);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
/// One run of the simulation: servers and clients, and a kernel that does its worst.
#pragma once

#include "client.hpp"
#include "connector.hpp"
#include "errands.hpp"
#include "files.hpp"
#include "listener.hpp"
#include "seeds.hpp"

#include <array>
#include <cstdio>
#include <deque>

namespace test::sim {

/// What is to fail instead of what the seed says.
struct failure_plan {
  bool faults = true;      // those of the seed, and its mischief
  std::uint64_t call = 0;  // the call to fail; 0: none
  std::size_t choice = 0;  // with the errno of this number
  // Set while the program under test runs, to the kernel: its allocations may fail.
  const sim_kernel** running = nullptr;
};

/// What came of the plan.
struct failure_outcome {
  seed_result result;
  sim_kernel::failure failed;
  std::uint64_t calls = 0;    // that were made
  std::vector<int> reported;  // errors that came to light; 0: without a number
  bool lingered = false;      // what fails then only ends the wait for the other side
};

template <class Place>
class workload final : director {
 public:
  using loop_type = loop_of<Place>;

  explicit workload(std::uint64_t seed, std::FILE* trace = nullptr,
                    const failure_plan& plan = failure_plan())
      : chance_(sim_random::mixed(seed)), kernel_(seed, options()), stage_(kernel_, seed, *this),
        errands_(stage_, Place::closed), plan_(plan) {
    stage_.sees_hangups = !requires { Place::poller::hides_errors; };
    kernel_.trace().print_to(trace);
    kernel_.faults().choose(kernel_.random());
    if (!plan.faults) {
      kernel_.faults().stop();
      stage_.mischief = 0;
    }
    if (plan.call != 0) kernel_.fail_call(plan.call, plan.choice);
  }

  failure_outcome run_plan() {
    failure_outcome o;
    o.result = run();
    o.failed = kernel_.failed_call();
    o.calls = kernel_.calls_made();
    o.reported = stage_.reported;
    o.lingered = stage_.lingered || stage_.draining;
    return o;
  }

  /// Has the kernel's chance come of these bytes first.
  void script(std::span<const std::uint8_t> bytes) { kernel_.random().script(bytes); }

  seed_result run() {
    make_loop();
    prepare();
    live();
    if (stage_.with.abandons) {
      abandon();
    } else {
      finish();
      end_loop();
    }
    errands_.expect_all_destroyed();
    if (stage_.reminders.alive != 0) kernel_.object("a timer of a channel lasts longer than its loop");
    if (kernel_.violations().count() == 0)
      for (client& c : clients_) c.judge();
    kernel_.expect_all_closed();
    return result();
  }

 private:
  static constexpr int most_steps = 20000;

  void cue() override { errands_.cue(); }
  void spawn() override { connect(); }
  void stop_loop() override { errands_.stop(); }

  asyncore::sim_options options() {
    asyncore::sim_options o;
    o.buffer = std::size_t{1} << chance_.between(3, 14);
    o.descriptor_limit = chance_.chance(8192) ? static_cast<int>(chance_.between(20, 30)) : 1000;
    o.latency = std::chrono::microseconds(chance_.chance(32768) ? 0 : chance_.below(2000));
    return o;
  }

  /// While it lasts the program under test runs, and not this harness.
  class program_runs {
   public:
    explicit program_runs(const workload& w) : running_(w.plan_.running) {
      if (running_ != nullptr) before_ = std::exchange(*running_, &w.kernel_);
    }
    program_runs(const program_runs&) = delete;
    program_runs& operator=(const program_runs&) = delete;
    ~program_runs() {
      if (running_ != nullptr) *running_ = before_;
    }

   private:
    const sim_kernel** running_;
    const sim_kernel* before_ = nullptr;
  };

  /// What fails here has failed because of a fault.
  template <class F>
  bool tried(F f) {
    try {
      const program_runs scope(*this);
      f();
      return true;
    } catch (const std::system_error& e) {
      kernel_.trace().remark(e.what());
      stage_.report(e.code());
    } catch (const std::bad_alloc&) {
      stage_.report({});
    }
    return false;
  }
  /// Until it succeeds; in the end without faults.
  template <class F>
  void made(F f) {
    for (int i = 0; !tried(f); ++i)
      if (i == 100) kernel_.faults().stop();
  }

  void make_loop() {
    made([&] { loop_.emplace(kernel_); });
    errands_.start(*loop_);
  }

  void prepare() {
    address_ = endpoint::parse(chance_.chance(16384) ? "unix:@server" : "127.0.0.1:80");
    made([&] { listener_ = std::make_unique<listener<Place>>(*loop_, address_, stage_); });
    const std::uint64_t count = chance_.between(1, 20);
    for (std::uint64_t i = 0; i < count; ++i) {
      client& c = clients_.emplace_back(stage_, stage_.new_conversation());
      kernel_.after(std::chrono::microseconds(chance_.below(10000)), [&] { c.start(address_); });
    }
    for (std::uint64_t i = chance_.below(4); i > 0; --i) connect();
    if (chance_.chance(16384)) make_pipe();
    if (chance_.chance(8192)) make_file();
    if (chance_.chance(8192)) make_datagrams();
    if (stage_.with.calls)
      tried([&] { caller_ = std::make_unique<caller<Place>>(*loop_, stage_); });
  }

  void connect() {
    if (stage_.full() || address_.family() == AF_UNIX) return;
    const std::size_t id = stage_.new_conversation();
    if (!tried([&] { loop_->template emplace<connector<Place>>(address_, stage_, id); }))
      --stage_.clients_left;
  }

  void make_pipe() {
    if (stage_.full()) return;
    const auto [out, in] = kernel_.pipe();
    if (in >= 0) {
      conversation& c = stage_.new_talk();
      c.server_ends = false;
      if (!tried([&, to = in] { loop_->template emplace<pipe_writer<Place>>(to, stage_, c); }))
        c.spoiled = true;
      kernel_.close(in);
      if (chance_.chance(32768)) {
        if (tried([&, from = out] {
              stage_.owned.push_back(std::make_unique<watcher<Place>>(*loop_, from, stage_, c));
            }))
          return;
      } else {
        tried([&, from = out] { loop_->template emplace<pipe_reader<Place>>(from, stage_, c); });
      }
    }
    if (out >= 0) kernel_.close(out);
  }

  void make_file() {
    if (stage_.full()) return;
    conversation& c = stage_.new_talk();
    const std::string bytes = asyncore::keyed_stream(c.key).bytes(0, c.length);
    const int fd = kernel_.file(asyncore::bytes_view(bytes));
    if (fd < 0) return;
    tried([&] { loop_->template emplace<pipe_reader<Place>>(fd, stage_, c); });
    kernel_.close(fd);
  }

  void make_datagrams() {
    const std::uint64_t key = chance_.next();
    tried([&] {
      for (auto& each : pair_) each = std::make_unique<datagrams<Place>>(*loop_, stage_, key);
      pair_[0]->peer = pair_[1]->local_addr();
      pair_[1]->peer = pair_[0]->local_addr();
    });
  }

  /// Until every client has what it wants, or the loop is to be abandoned.
  void live() {
    const auto calm_at = kernel_.now() + std::chrono::microseconds(chance_.between(1, 300'000));
    const auto end_at = stage_.with.abandons
                            ? kernel_.now() + std::chrono::microseconds(chance_.below(50'000))
                            : asyncore::never;
    const auto over = [&] { return stage_.clients_left == 0 && !errands_.draining(); };
    for (int step = 0; !over() && step < most_steps; ++step) {
      if (!calm_ && kernel_.now() >= calm_at) calm();
      if (kernel_.violations().count() > 0 || kernel_.now() >= end_at) return;
      tried([&] { cue(); });
      if (loop_->empty() && !errands_.waiting()) {
        kernel_.settle(std::chrono::milliseconds(10));
      } else if (chance_.chance(4096)) {
        wait_for_a_time();
      } else if (stage_.mischief == 0 && chance_.chance(4096)) {
        expect_progress();
      } else {
        run_loop({.timeout = std::chrono::microseconds(chance_.between(1, 20000)),
                  .count = chance_.between(1, 50)});
      }
      if (chance_.chance(4096)) wake_all();
    }
    calm();
  }

  /// While nobody is paused, some client gets on without the help of a timeout.
  void expect_progress() {
    constexpr auto long_time = std::chrono::minutes(2);  // an attempt to connect may take one
    const auto before = kernel_.now();
    const int left = stage_.clients_left;
    run_loop({.timeout = long_time, .count = 1});
    if (kernel_.now() - before >= long_time && stage_.clients_left == left)
      kernel_.object("nobody gets on");
  }

  void calm() {
    calm_ = true;
    kernel_.faults().stop();
    stage_.mischief = 0;
    wake_all();
  }
  void wake_all() {
    for (seat* s : stage_.seats) s->pause(false);
  }

  /// The listener closes; what is left closes by itself, and the loop ends.
  void finish() {
    calm();
    errands_.wind_up();
    {
      const program_runs scope(*this);
      listener_.reset();
      reset_datagrams();
    }
    const auto over = [&] { return loop_->empty() && !errands_.waiting(); };
    const auto begin = kernel_.now();
    for (int i = 0; i < 100 && !over() && kernel_.violations().count() == 0; ++i)
      run_loop({.timeout = {}});
    if (!over() && kernel_.violations().count() == 0) kernel_.object("the loop does not end");
    if (kernel_.now() - begin > std::chrono::hours(24))
      kernel_.object("the loop goes on for what it need not wait for");
  }

  void end_loop() {
    tried([&] { errands_.leave(); });
    const program_runs scope(*this);
    stage_.owned.clear();
    loop_.reset();
  }

  /// The loop ends with all that is in it, before those whom somebody else owns, or after them; and
  /// everybody hears of it.
  void abandon() {
    calm();
    stage_.drains(false);
    if (chance_.chance(32768)) {
      end_loop();
      listener_.reset();
      reset_datagrams();
    } else {
      tried([&] { errands_.leave(); });
      const program_runs scope(*this);
      loop_.reset();
      stage_.owned.clear();
      listener_.reset();
      reset_datagrams();
    }
    kernel_.settle(std::chrono::minutes(5));
  }

  void reset_datagrams() {
    for (auto& each : pair_) each.reset();
    caller_.reset();
  }

  void run_loop(const asyncore::run_options& options) {
    if (guarded([&] { loop_->run(options); })) errands_.has_stopped();
  }

  /// Whether `f`, which runs the loop, has returned, and not thrown.
  template <class F>
  bool guarded(F f) {
    errands_.before_run();
    try {
      {
        const program_runs scope(*this);
        f();
      }
      errands_.has_run();
      return true;
    } catch (const asyncore::exit_now&) {
    } catch (const std::system_error& e) {
      kernel_.trace().remark(e.what());
      stage_.report(e.code());
    } catch (const std::bad_alloc&) {
      stage_.report({});
    } catch (const std::runtime_error&) {  // of a channel that was closed, in its handle_error
    }
    errands_.interrupted();
    return false;
  }

  /// A wait that nothing ends lasts as long as it was told to.
  void wait_for_a_time() {
    const auto time = std::chrono::microseconds(chance_.between(1, 5000));
    const auto before = kernel_.now();
    const auto end = std::min(before + time, errands_.next());
    const auto reports = kernel_.reports();
    const auto activity = kernel_.activity();
    if (!guarded([&] { loop_->poll(time); })) return;
    // A listener that waits for a descriptor makes its loop wait for less, as do deadlines.
    for (const auto kind : {asyncore::fault::no_descriptor, asyncore::fault::no_file,
                            asyncore::fault::no_buffers, asyncore::fault::no_memory})
      if (kernel_.faults().count(kind) != 0) return;
    if (stage_.with.deadlines || stage_.with.reminds || stage_.lingered || stage_.draining) return;
    if (kernel_.options().descriptor_limit < 1000 || reports != kernel_.reports()) return;
    // A turn in which a producer gives more than a visit takes does not wait, nor does one
    // that a hook has stopped.
    if (activity != kernel_.activity() || errands_.stopped()) return;
    if (stage_.mischief == 0 && !loop_->empty() && kernel_.now() < end)
      kernel_.object("a wait ended before its time");
  }

  seed_result result() {
    seed_result r;
    r.objections = kernel_.violations().texts();
    r.hash = kernel_.trace().hash();
    r.connections = stage_.conversations.size();
    for (std::size_t i = 0; i < asyncore::fault_kinds; ++i)
      r.faults[i] = kernel_.faults().count(static_cast<asyncore::fault>(i));
    return r;
  }

  sim_random chance_;
  sim_kernel kernel_;
  stage stage_;
  errands<loop_type> errands_;
  endpoint address_;
  std::deque<client> clients_;
  std::optional<loop_type> loop_;
  std::unique_ptr<listener<Place>> listener_;
  std::unique_ptr<datagrams<Place>> pair_[2];
  std::unique_ptr<caller<Place>> caller_;
  failure_plan plan_;
  bool calm_ = false;
};

template <class Place>
seed_result run_seed(std::uint64_t seed, std::FILE* trace) {
  return workload<Place>(seed, trace).run();
}

}  // namespace test::sim

// SPDX-License-Identifier: BSL-1.0
/// Statistics of loops in Prometheus' text format.
#ifndef ASYNCORE_PROMETHEUS_HPP
#define ASYNCORE_PROMETHEUS_HPP

#include <asyncore/statistics.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace asyncore {

/// The Content-Type of it.
inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4";

namespace detail {

class prometheus_writer {
 public:
  using loops = std::span<const loop_statistics* const>;

  prometheus_writer(std::string& text, loops all) : text_(text), all_(all) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += joined({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"});
  }

  /// A sample of each loop.
  template <class Value>
  void each(Value value) {
    for (std::size_t i = 0; i < all_.size(); ++i) sample("", i, {}, value(*all_[i]));
  }

  template <class Which>
  void histograms(Which which) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const histogram& h = which(*all_[i]);
      const std::uint64_t count = h.count();
      for (unsigned power = 10; power <= 34; power += 2) {
        const auto last = static_cast<std::int64_t>((std::uint64_t{1} << power) - 1);
        const std::uint64_t below = h.shorter_than_power(power);
        sample("_bucket", i, {"le", seconds(std::chrono::nanoseconds(last))},
               std::to_string(below < count ? below : count));
      }
      sample("_bucket", i, {"le", "+Inf"}, std::to_string(count));
      sample("_sum", i, {}, seconds(h.sum()));
      sample("_count", i, {}, std::to_string(count));
    }
  }

  template <class Which>
  void quantiles(Which which) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const histogram& h = which(*all_[i]);
      sample("", i, {"quantile", "0.5"}, seconds(h.quantile(0.5)));
      sample("", i, {"quantile", "0.99"}, seconds(h.quantile(0.99)));
      sample("", i, {"quantile", "1"}, seconds(h.max()));
    }
  }

  template <class Value>
  void slow_hooks(Value value) {
    for (std::size_t i = 0; i < all_.size(); ++i)
      all_[i]->for_each_slow([&](const loop_statistics::slow_hook& slow) {
        begin("", i);
        label("channel", slow.channel);
        label("hook", slow.name);
        end(value(slow));
      });
  }

  static std::string seconds(std::chrono::nanoseconds t) {
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(t.count() / 1000000000),
                  static_cast<long long>(t.count() % 1000000000));
    return text;
  }

 private:
  struct extra {
    std::string_view name;
    std::string value;
  };

  void sample(std::string_view suffix, std::size_t loop, const extra& more,
              std::string_view value) {
    begin(suffix, loop);
    if (!more.name.empty()) label(more.name, more.value);
    end(value);
  }
  void begin(std::string_view suffix, std::size_t loop) {
    text_ += joined({name_, suffix, "{loop=\"", std::to_string(loop), "\""});
  }
  void label(std::string_view name, std::string_view value) {
    text_ += joined({",", name, "=\""});
    for (const char c : value) {
      if (c == '\\' || c == '"') text_ += '\\';
      if (c == '\n') {
        text_ += "\\n";
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }
  void end(std::string_view value) { text_ += joined({"} ", value, "\n"}); }

  std::string& text_;
  loops all_;
  std::string_view name_;
};

}  // namespace detail

/// Appends what `loops` have counted, each with its position as the label `loop`, in the text
/// format of version 0.0.4. The loops may run in other threads. Throws bad_alloc.
inline void append_prometheus(std::string& text, std::span<const loop_statistics* const> loops) {
  using stats = loop_statistics;
  using slow = stats::slow_hook;
  detail::prometheus_writer out(text, loops);
  out.family("asyncore_turns_total", "counter", "Turns of the loop.");
  out.each([](const stats& s) { return std::to_string(s.turns()); });
  out.family("asyncore_events_total", "counter", "Reports of the poller.");
  out.each([](const stats& s) { return std::to_string(s.events()); });
  out.family("asyncore_received_bytes_total", "counter", "Bytes that channels received.");
  out.each([](const stats& s) { return std::to_string(s.bytes_received()); });
  out.family("asyncore_sent_bytes_total", "counter", "Bytes that channels sent.");
  out.each([](const stats& s) { return std::to_string(s.bytes_sent()); });
  out.family("asyncore_hook_seconds", "histogram", "Time in a hook.");
  out.histograms([](const stats& s) -> const histogram& { return s.hooks(); });
  out.family("asyncore_hook_quantile_seconds", "gauge", "Time in a hook: p50, p99, longest.");
  out.quantiles([](const stats& s) -> const histogram& { return s.hooks(); });
  out.family("asyncore_lag_seconds", "histogram", "Time from the end of a wait to the next.");
  out.histograms([](const stats& s) -> const histogram& { return s.lag(); });
  out.family("asyncore_lag_quantile_seconds", "gauge",
             "Time from the end of a wait to the next: p50, p99, longest.");
  out.quantiles([](const stats& s) -> const histogram& { return s.lag(); });
  out.family("asyncore_slow_hooks_total", "counter", "Hooks that took too long.");
  out.slow_hooks([](const slow& s) { return std::to_string(s.count); });
  out.family("asyncore_slow_hook_longest_seconds", "gauge", "The longest that such a hook took.");
  out.slow_hooks([](const slow& s) { return detail::prometheus_writer::seconds(s.longest); });
}

}  // namespace asyncore

#endif

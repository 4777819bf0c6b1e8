// SPDX-License-Identifier: BSL-1.0
/// Timers that end with their channel: `channel::call_later`. Included by timers.hpp.
#ifndef ASYNCORE_CHANNEL_BOUND_TIMERS_HPP
#define ASYNCORE_CHANNEL_BOUND_TIMERS_HPP

#include <asyncore/channel.hpp>
#include <asyncore/concept/loop_service.hpp>
#include <asyncore/loop/timer.hpp>
#include <asyncore/word/list_node.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace asyncore::detail {

/// The channels of a loop that have timers of their own, and which: a hash table by the channels'
/// addresses, so that channels weigh nothing more.
template <class Loop>
class bound_timers : public loop_service<channel_access::core_of<Loop>> {
  using core_type = channel_access::core_of<Loop>;

 public:
  using record = typename Loop::record;

  /// A timer of a channel, in the list of its bucket.
  struct entry : list_node {
    entry() noexcept = default;
    ~entry() {
      if (of != nullptr) all->leave(*this);
    }
    record* of = nullptr;  // null: it has ended
    bound_timers* all = nullptr;
    timer<Loop> handle;
  };

  /// The queue of timers is made first: it ends later, and with it the functions.
  explicit bound_timers(core_type& loop)
      : loop_service<core_type>(service_operations<core_type, bound_timers>) {
    loop.template service<timer_queue<core_type>>();
  }
  ~bound_timers() {
    for (std::size_t i = 0; i < buckets_; ++i)
      while (!heads_[i].unlinked()) end(as_entry(heads_[i].front()));
  }

  /// Makes room for one more. Throws bad_alloc.
  void reserve() {
    if (size_ < buckets_) return;
    const std::size_t more = buckets_ == 0 ? 16 : 2 * buckets_;
    std::unique_ptr<list_node[]> heads(new list_node[more]);
    const std::size_t before = std::exchange(buckets_, more);
    heads_.swap(heads);
    for (std::size_t i = 0; i < before; ++i)
      while (!heads[i].unlinked()) {
        entry& e = as_entry(heads[i].front());
        e.link_before(bucket(*e.of));
      }
  }

  /// `e` is a timer of `channel` until either ends; there is room.
  void enter(entry& e, record& channel) noexcept {
    e.of = &channel;
    e.all = this;
    e.link_before(bucket(channel));
    channel.has_timers_ = 1;
    ++size_;
  }

  /// Cancels all that the channel has.
  void channel_ended(void* channel) noexcept {
    auto& ended = *static_cast<record*>(channel);
    list_node its;
    list_node& head = bucket(ended);
    for (list_node* n = head.front(); n != &head;) {
      list_node* const following = n->after();
      if (as_entry(n).of == &ended) n->link_before(its);
      n = following;
    }
    ended.has_timers_ = 0;
    while (!its.unlinked()) {
      entry& e = as_entry(its.front());
      end(e);
      e.handle.cancel();
    }
  }

  static bool may_wait(core_type&) noexcept { return true; }
  static void after_wait(core_type&) noexcept {}
  static wake_time next() noexcept { return wake_time::never(); }
  static bool busy() noexcept { return false; }  // the timers are

 private:
  static entry& as_entry(list_node* n) noexcept { return static_cast<entry&>(*n); }

  list_node& bucket(const record& channel) noexcept {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&channel));
    return heads_[(address * 0x9e3779b97f4a7c15u >> 32) & (buckets_ - 1)];
  }

  void end(entry& e) noexcept {
    e.unlink();
    std::exchange(e.of, nullptr)->has_timers_ = 0;
    --size_;
  }

  /// `e` has been called or cancelled; its channel may have others.
  void leave(entry& e) noexcept {
    record& channel = *e.of;
    end(e);
    list_node& head = bucket(channel);
    for (list_node* n = head.front(); n != &head; n = n->after())
      if (as_entry(n).of == &channel) channel.has_timers_ = 1;
  }

  std::unique_ptr<list_node[]> heads_;
  std::size_t buckets_ = 0;  // a power of two
  std::size_t size_ = 0;     // entries
};

/// A function of a channel, as its timer calls it.
template <class Derived, class F>
struct bound_function {
  using loop_type = typename Derived::loop_type;
  struct content : bound_timers<loop_type>::entry {
    template <class From>
    explicit content(From&& from) : f(std::forward<From>(from)) {}
    F f;
  };

  void operator()() {
    auto& channel = static_cast<Derived&>(*kept->of);
    const auto call = [&] {
      if constexpr (std::is_invocable_v<F&, Derived&>) {
        kept->f(channel);
      } else {
        kept->f();
      }
    };
    if (!channel.registered()) return call();
    core_of(channel).call_hook(channel, "a timer", call);
  }

  std::unique_ptr<content> kept;
};

/// Has `add`, given a function, make its timer, which ends with `channel`.
template <class Derived, class F, class Add>
auto add_bound_timer(Derived& channel, F&& f, Add add) {
  using function = bound_function<Derived, std::decay_t<F>>;
  static_assert(std::is_invocable_v<std::decay_t<F>&> ||
                    std::is_invocable_v<std::decay_t<F>&, Derived&>,
                "asyncore: a timer of a channel calls a function without arguments, or one that "
                "takes the channel by reference");
  using loop_type = typename Derived::loop_type;
  auto& all = core_of(channel).template service<bound_timers<loop_type>>();
  all.reserve();
  function bound{std::make_unique<typename function::content>(std::forward<F>(f))};
  typename function::content& content = *bound.kept;
  content.handle = add(std::move(bound));
  all.enter(content, channel);
  return content.handle;
}

}  // namespace asyncore::detail

namespace asyncore {

template <class Derived, class Loop>
template <class Rep, class Period, class F>
timer<Loop> channel<Derived, Loop>::call_later(std::chrono::duration<Rep, Period> delay, F&& f) {
  return detail::add_bound_timer(derived(), std::forward<F>(f), [&](auto&& bound) {
    return loop_->call_later(delay, std::move(bound));
  });
}

template <class Derived, class Loop>
template <class F>
timer<Loop> channel<Derived, Loop>::call_at(std::chrono::nanoseconds when, F&& f) {
  return detail::add_bound_timer(derived(), std::forward<F>(f), [&](auto&& bound) {
    return loop_->call_at(when, std::move(bound));
  });
}

template <class Derived, class Loop>
template <class Rep, class Period, class F>
timer<Loop> channel<Derived, Loop>::call_every(std::chrono::duration<Rep, Period> period, F&& f) {
  return detail::add_bound_timer(derived(), std::forward<F>(f), [&](auto&& bound) {
    return loop_->call_every(period, std::move(bound));
  });
}

template <class Derived, class Loop>
template <class F>
void channel<Derived, Loop>::post(F&& f) {
  call_later(std::chrono::nanoseconds(0), std::forward<F>(f));
}

}  // namespace asyncore

#endif

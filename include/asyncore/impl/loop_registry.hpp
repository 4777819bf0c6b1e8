// SPDX-License-Identifier: BSL-1.0
/// Entering and leaving a `basic_loop`, and the life of its owned channels. Included by loop.hpp.
#ifndef ASYNCORE_IMPL_LOOP_REGISTRY_HPP
#define ASYNCORE_IMPL_LOOP_REGISTRY_HPP

#include <asyncore/loop.hpp>

namespace asyncore {

template <class Poller, class Map>
basic_loop<Poller, Map>::~basic_loop() {
  end();
}

template <class Poller, class Map>
ASYNCORE_NOINLINE void basic_loop<Poller, Map>::end() noexcept {
  reap();
  list_node left;
  map_.for_each([&](record& r) { r.link_before(left); });
  while (!left.unlinked()) {
    record& r = as_record(left.front());
    r.unlink();
    if (r.owned_) {
      remove_closed(r);
    } else {
      channels::template perform<detail::op::abandon>(r);
      if (r.registered()) remove(r);
    }
  }
  while (!idle_.unlinked()) {
    record& r = as_record(idle_.front());
    r.unlink();
    if (r.owned_) {
      remove_closed(r);
    } else {
      channels::template perform<detail::op::abandon>(r);
    }
  }
  reap();
  box_.clear();  // before the timers, which these functions may cancel at their end
  if (waker_generation_ != 0) poller_.remove({waker_.native_handle(), waker_generation_});
  waker_generation_ = 0;
  while (services_ != nullptr) {
    auto* const service = std::exchange(services_, services_->behind);
    service->of->destroy(service);
  }
}

template <class Poller, class Map>
template <class Service>
Service& basic_loop<Poller, Map>::service() {
  for (auto* s = services_; s != nullptr; s = s->behind)
    if (s->of == &detail::service_operations<basic_loop, Service>) return static_cast<Service&>(*s);
  auto* const made = new Service(*this);
  made->behind = services_;
  services_ = made;
  return *made;
}

/// Asked only when the map is empty.
template <class Poller, class Map>
ASYNCORE_COLD bool basic_loop<Poller, Map>::any_service_busy() const noexcept {
  for (auto* s = services_; s != nullptr; s = s->behind)
    if (s->of->busy(*s)) return true;
  return false;
}

template <class Poller, class Map>
template <class Channel, class... Args>
Channel& basic_loop<Poller, Map>::emplace(Args&&... args) {
  static_assert(detail::check_owned<Channel, basic_loop>());
  if constexpr (detail::check_emplaced<Channel, basic_loop, Args...>()) {
    auto* const channel = new Channel(*this, std::forward<Args>(args)...);
    own(*channel);
    return *channel;
  } else {
    std::abort();  // and no more messages than that one
  }
}

template <class Poller, class Map>
template <class Channel>
Channel& basic_loop<Poller, Map>::adopt(std::unique_ptr<Channel> channel) {
  static_assert(detail::check_owned<Channel, basic_loop>());
  if (channel == nullptr || &detail::as_kind(*channel).loop() != this)
    detail::throw_error(std::make_error_code(std::errc::invalid_argument),
                        "a loop adopts channels of its own");
  own(*channel);
  return *channel.release();
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::own(record& r) noexcept {
  r.owned_ = true;
  if (r.closed_) {
    r.link_before(closed_);
  } else if (!r.registered()) {
    r.link_before(idle_);
  }
}

template <class Poller, class Map>
std::error_code basic_loop<Poller, Map>::room_for(int fd) const noexcept {
  if constexpr (requires { Poller::fd_limit; })
    if (fd >= Poller::fd_limit) return std::make_error_code(std::errc::value_too_large);
  return map_.room_for(fd);
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::add(record& r, bool every_turn, std::error_code& failed) {
  if (r.id_.fd < 0) {
    failed = errno_code(EBADF);
    return;
  }
  failed = room_for(r.id_.fd);
  if (failed) return;
  if (++last_generation_ == 0) ++last_generation_;
  const token id{r.id_.fd, last_generation_};
  map_.insert(id, r);
  r.id_ = id;
  r.armed_ = interest::none;
  r.polled_ = r.paused_ = r.hung_up_ = r.closed_ = false;
  r.every_turn_ = every_turn;
  r.link_before(every_turn ? every_turn_ : changed_);
  ask_again_ = true;
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::remove(record& r) noexcept {
  stop_polling(r);
  map_.erase(r.id_);
  r.id_.generation = 0;
  r.link_before(idle_);
  // A descriptor may be free now: listeners that wait for one try again.
  if (resume_at_.count() != 0) [[unlikely]]
    resume_at_ = wake_at_ = std::chrono::nanoseconds(1);
}

template <class Poller, class Map>
void basic_loop<Poller, Map>::remove_closed(record& r) noexcept {
  if (r.registered()) remove(r);
  r.closed_ = true;
  if (r.owned_) {
    r.link_before(closed_);
  } else {
    r.unlink();
  }
}

/// Destroys the owned channels that closed.
template <class Poller, class Map>
void basic_loop<Poller, Map>::reap() noexcept {
  while (!closed_.unlinked()) {
    record& r = as_record(closed_.front());
    r.unlink();
    channels::template perform<detail::op::destroy>(r);
  }
}

/// Puts what an exception has kept us from coming to back into the lists that it was in.
template <class Poller, class Map>
struct basic_loop<Poller, Map>::restore_scope {
  explicit restore_scope(basic_loop& loop) noexcept : loop_(loop) {}
  restore_scope(const restore_scope&) = delete;
  restore_scope& operator=(const restore_scope&) = delete;
  ~restore_scope() {
    loop_.visit_before_wait(current_);
    while (!left_.unlinked()) next();
  }
  record& next() noexcept {
    record& r = as_record(left_.front());
    r.link_before(r.every_turn_ ? loop_.every_turn_ : loop_.changed_);
    return r;
  }
  basic_loop& loop_;
  list_node left_;
  token current_;  // in no list while it is visited
};

template <class Poller, class Map>
void basic_loop<Poller, Map>::close_all([[maybe_unused]] bool ignore_errors) {
  restore_scope scope(*this);
  map_.for_each([&](record& r) { r.link_before(scope.left_); });
  while (!scope.left_.unlinked()) {
    record& r = scope.next();
    const token id = r.id();
    detail::guarded([&] { channels::template perform<detail::op::close>(r); },
                    [&] {
#if ASYNCORE_HAS_EXCEPTIONS
                      if (!ignore_errors) throw;
#endif
                      if (record* const left = map_.find(id)) remove_closed(*left);
                    });
  }
  if (!in_turn_) reap();
}

}  // namespace asyncore

#endif

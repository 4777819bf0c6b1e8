// SPDX-License-Identifier: BSL-1.0
/// The default map: dense by descriptor.
#ifndef ASYNCORE_MAP_FD_TABLE_HPP
#define ASYNCORE_MAP_FD_TABLE_HPP

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/concept/channel_map.hpp>

#include <cerrno>
#include <system_error>
#include <vector>

namespace asyncore {

/// Channels in an array indexed by descriptor: the kernel hands out the lowest free descriptor, so
/// the array is about as long as there are channels. `Channels...`: the closed set of channel
/// types, or nothing for an open one. `find` is one comparison.
template <class... Channels>
class fd_table {
 public:
  using channels = channel_list<Channels...>;
  using record = typename channels::record;

  std::error_code room_for(int fd) const noexcept {
    return find_fd(fd) != nullptr ? std::error_code(EEXIST, std::system_category())
                                  : std::error_code();
  }

  void cover(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= slots_.size()) slots_.resize(index + index / 4 + 16);
  }

  void insert(token t, record& r) {
    cover(t.fd);
    slots_[static_cast<std::size_t>(t.fd)] = {&r, t.generation};
    ++size_;
  }

  void erase(token t) noexcept {
    slots_[static_cast<std::size_t>(t.fd)] = {};
    --size_;
  }

  record* find(token t) const noexcept {
    const slot& s = slots_.data()[static_cast<std::uint32_t>(t.fd)];
    if (s.generation != t.generation) return nullptr;
    if (s.channel == nullptr) __builtin_unreachable();  // generation 0 names nothing
    return s.channel;
  }

  [[gnu::always_inline]] void fetch(token t) const noexcept {
    const record* const r = slots_.data()[static_cast<std::uint32_t>(t.fd)].channel;
    if (r != nullptr) r->fetch();
  }

  std::size_t size() const noexcept { return size_; }

  template <class F>
  void for_each(F&& f) {
    for (const slot& s : slots_)
      if (s.channel != nullptr) f(*s.channel);
  }

 private:
  struct slot {
    record* channel = nullptr;
    std::uint32_t generation = 0;
  };

  record* find_fd(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return index < slots_.size() ? slots_[index].channel : nullptr;
  }

  std::vector<slot> slots_;
  std::size_t size_ = 0;
};

static_assert(channel_map<fd_table<>>);

}  // namespace asyncore

#endif

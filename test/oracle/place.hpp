// SPDX-License-Identifier: BSL-1.0
// Where scenarios are played: two ways of using every poller.
#pragma once

#include "channels.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace oracle {

/// Open map, channels owned by the user, that call recv, and are asked every turn.
template <class Poller>
struct dense_place {
  static constexpr std::string_view map_name = "fd_table";
  static constexpr bool by_data = false, owned = false;
  static constexpr auto predicates = asyncore::ask_every_turn;
  using loop = asyncore::basic_loop<Poller, asyncore::fd_table<>>;
};

/// Closed map, channels owned by the loop, that are given data, and are asked when they say so.
template <class Poller>
struct sparse_place {
  using self = sparse_place;
  static constexpr std::string_view map_name = "hash_map";
  static constexpr bool by_data = true, owned = true;
  static constexpr auto predicates = asyncore::ask_on_rearm;
  using loop = asyncore::basic_loop<
      Poller, asyncore::hash_map<quiet<self>, writer<self>, acceptor<self>, stubborn<self>,
                                 bare<self>, sending<self>, file<self>, file_writer<self>,
                                 chat<self>>>;
};

template <class Place>
class stage_at final : public stage {
 public:
  actor& cast(director& world, casting wanted) override {
    const std::string kind = wanted.kind, hooks = wanted.hooks;
    if (kind == "chat") return make<chat<Place>>(world, std::move(wanted));
    if (kind == "sending") return make<sending<Place>>(world, std::move(wanted));
    if (kind == "file" && hooks == "writer")
      return make<file_writer<Place>>(world, std::move(wanted));
    if (kind == "file") return make<file<Place>>(world, std::move(wanted));
    if (hooks == "writer") return make<writer<Place>>(world, std::move(wanted));
    if (hooks == "acceptor") return make<acceptor<Place>>(world, std::move(wanted));
    if (hooks == "stubborn") return make<stubborn<Place>>(world, std::move(wanted));
    if (hooks == "bare") return make<bare<Place>>(world, std::move(wanted));
    return make<quiet<Place>>(world, std::move(wanted));
  }
  void poll(asyncore::timeout_type timeout) override { loop_.poll(timeout); }
  void run(asyncore::timeout_type timeout, std::optional<std::uint64_t> count) override {
    loop_.run({.timeout = timeout, .count = count});
  }
  std::size_t size() const override { return loop_.size(); }
  void close_all(bool ignore_errors) override { loop_.close_all(ignore_errors); }

 private:
  template <class Channel>
  actor& make(director& world, casting wanted) {
    if constexpr (Place::owned) {
      return loop_.template emplace<Channel>(world, std::move(wanted));
    } else {
      auto made = std::make_unique<Channel>(loop_, world, std::move(wanted));
      Channel& channel = *made;
      owned_.push_back(std::move(made));
      return channel;
    }
  }

  typename Place::loop loop_;
  std::vector<std::unique_ptr<actor>> owned_;
};

}  // namespace oracle

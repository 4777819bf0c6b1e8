// SPDX-License-Identifier: BSL-1.0
/// A channel map beside a std::map that says what it should answer.
#pragma once

#include <asyncore/concept/channel_list.hpp>
#include <asyncore/concept/channel_map.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

/// A record that is no channel: maps do not look inside.
template <class Record>
struct bare_record : Record {
  bare_record() : Record(typename Record::type_ref{}) {}
};

template <class Map>
class map_model {
 public:
  using record = typename Map::record;

  map_model(Map& map, unsigned seed) : map_(map), random_(seed) {}

  std::size_t size() const { return held_.size(); }

  /// Inserts, erases and finds at random, below `most` channels whose descriptors are of `fds`.
  void churn(int steps, const std::vector<int>& fds, std::size_t most) {
    for (; steps > 0; --steps) {
      const int fd = fds[random_() % fds.size()];
      const auto at = held_.find(fd);
      if (at != held_.end()) {
        erase(at->second.first);
      } else if (held_.size() < most) {
        insert(fd);
      }
      if (steps % 8 == 0) check();
    }
    check();
  }

  asyncore::token insert(int fd) {
    const asyncore::token t{fd, ++generation_};
    BOOST_REQUIRE(!map_.room_for(fd));
    records_.emplace_back(new bare_record<record>);
    map_.insert(t, *records_.back());
    held_[fd] = {t, records_.back().get()};
    return t;
  }

  void erase(asyncore::token t) {
    map_.erase(t);
    held_.erase(t.fd);
    gone_.push_back(t);
    if (gone_.size() > 64) gone_.erase(gone_.begin());
  }

  /// All that a map can be asked.
  void check() {
    BOOST_REQUIRE_EQUAL(map_.size(), held_.size());
    const Map& map = map_;
    for (const auto& [fd, entry] : held_) {
      BOOST_REQUIRE(map.find(entry.first) == entry.second);
      BOOST_REQUIRE(map.room_for(fd) == std::errc::file_exists ||
                    map.room_for(fd) == std::errc::no_buffer_space);
    }
    // Law 1: a token that is no longer in the map, whether its descriptor is or not.
    for (const asyncore::token t : gone_) BOOST_REQUIRE(map.find(t) == nullptr);
    // Touches nothing that is not there: the sanitizers would tell.
    for (const auto& [fd, entry] : held_) map.fetch(entry.first);
    for (const asyncore::token t : gone_) map.fetch(t);
    std::multiset<record*> expected, visited;
    for (const auto& [fd, entry] : held_) expected.insert(entry.second);
    map_.for_each([&](record& r) { visited.insert(&r); });
    BOOST_REQUIRE(visited == expected);
  }

 private:
  Map& map_;
  std::mt19937 random_;
  std::uint32_t generation_ = 0;
  std::map<int, std::pair<asyncore::token, record*>> held_;
  std::vector<asyncore::token> gone_;
  std::vector<std::unique_ptr<bare_record<record>>> records_;
};

/// The descriptors 0 to `count` - 1.
inline std::vector<int> dense_descriptors(int count) {
  std::vector<int> fds;
  for (int fd = 0; fd < count; ++fd) fds.push_back(fd);
  return fds;
}

/// `count` descriptors, `stride` apart.
inline std::vector<int> sparse_descriptors(int count, int stride) {
  std::vector<int> fds;
  for (int i = 0; i < count; ++i) fds.push_back(3 + i * stride);
  return fds;
}

/// Stands in a closed list; never defined.
class declared_channel;

}  // namespace test

// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Map has no `void insert\(token, record&\)`
#include <asyncore.hpp>

#include <map>

struct tree {
  using channels = asyncore::channel_list<>;
  using record = channels::record;

  std::error_code room_for(int) const { return {}; }
  void erase(asyncore::token t) noexcept { records.erase(t.generation); }
  record* find(asyncore::token t) const {
    const auto at = records.find(t.generation);
    return at == records.end() ? nullptr : at->second;
  }
  std::size_t size() const { return records.size(); }
  template <class F>
  void for_each(F f) {
    for (const auto& [generation, channel] : records) f(*channel);
  }

  std::map<unsigned, record*> records;
};

int main() { asyncore::basic_loop<asyncore::poll_poller, tree>().run(); }

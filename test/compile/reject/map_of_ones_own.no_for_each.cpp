// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: the Map has no `for_each\(f\)`
#include <asyncore.hpp>

#include <map>

struct tree {
  using channels = asyncore::channel_list<>;
  using record = channels::record;

  std::error_code room_for(int) const { return {}; }
  void insert(asyncore::token t, record& r) { records[t.generation] = &r; }
  void erase(asyncore::token t) noexcept { records.erase(t.generation); }
  record* find(asyncore::token t) const {
    const auto at = records.find(t.generation);
    return at == records.end() ? nullptr : at->second;
  }
  std::size_t size() const { return records.size(); }

  std::map<unsigned, record*> records;
};

int main() { asyncore::basic_loop<asyncore::poll_poller, tree>().run(); }

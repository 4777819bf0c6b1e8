// SPDX-License-Identifier: BSL-1.0
// What happened in a scenario, channel by channel.
#pragma once

#include "script.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oracle {

/// Data that follows data of the same hook is one with it: where a stream is cut is no part of the
/// contract; nor is how often it can be written to.
class trace {
 public:
  /// Returns how often this hook of the channel has been called.
  int add(const std::string& channel, std::string_view hook,
          std::optional<std::string_view> data = {}) {
    ++total;
    std::vector<entry>& entries = channels_[channel];
    if (data) bytes_[channel] += data->size();
    if (!entries.empty() && entries.back().hook == hook && merged(hook)) {
      if (data) entries.back().data->append(*data);
    } else {
      entries.push_back({std::string(hook), std::nullopt});
      if (data) entries.back().data = std::string(*data);
    }
    return ++calls_[{channel, std::string(hook)}];
  }

  /// How often a hook of `channel` that begins with the word `hook` has been called; of `bytes`,
  /// how many it got.
  std::size_t count(const std::string& channel, std::string_view hook) const {
    if (hook == "bytes") {
      const auto found = bytes_.find(channel);
      return found == bytes_.end() ? 0 : found->second;
    }
    std::size_t n = 0;
    for (const auto& [of, calls] : calls_)
      if (of.first == channel && of.second.substr(0, of.second.find(' ')) == hook)
        n += static_cast<std::size_t>(calls);
    return n;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const auto& [channel, entries] : channels_) {
      std::string line = channel + ":";
      for (const entry& e : entries)
        line += (&e == &entries.front() ? " " : ", ") + e.hook +
                (e.data ? " " + spelled(*e.data) : "");
      all.push_back(line);
    }
    return all;
  }

  std::size_t total = 0;

 private:
  struct entry {
    std::string hook;
    std::optional<std::string> data;
  };
  static bool merged(std::string_view hook) {
    return hook == "read" || hook == "collect" || hook == "recv" || hook == "write";
  }

  std::map<std::string, std::vector<entry>> channels_;
  std::map<std::pair<std::string, std::string>, int> calls_;
  std::map<std::string, std::size_t> bytes_;
};

}  // namespace oracle

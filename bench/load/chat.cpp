// SPDX-License-Identifier: BSL-1.0
// The load of a chat server: many users, of whom one says lines that all must hear, complete and
// in order.
#include <sys/epoll.h>

#include <vector>

#include "support/client.hpp"

namespace {

struct settings {
  bench::server_address address;
  int users = 1000;
  int lines = 1000;
  bool paced = false;
};

struct user {
  int fd;
  std::size_t heard = 0;  // bytes
};

std::string compose(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) {
    char line[48];
    std::snprintf(line, sizeof line, "line %07d of somebody\r\n", i);
    text += line;
  }
  return text;
}

class room {
 public:
  explicit room(const settings& chosen) : queue_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (queue_ < 0) bench::fail("epoll_create1");
    // The last of each hundred says something, so that none is left waiting to be accepted. Who
    // comes later does not hear it.
    std::size_t welcomed = 0;
    for (int i = 0; i < chosen.users; ++i) {
      users_.push_back({chosen.address.connect()});
      if (i % 100 != 99 && i + 1 != chosen.users) continue;
      for (; welcomed < users_.size(); ++welcomed) watch(welcomed);
      const std::string hello = "hello\r\n";
      hear(hello, users_.size() - 1, 0);
    }
  }

  /// The first user says `text`, at once, and all hear it.
  void say(const std::string& text) { hear(text, 0, text.size() > 65536 ? 65536 : 0); }

 private:
  void watch(std::size_t who) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = who;
    if (::epoll_ctl(queue_, EPOLL_CTL_ADD, users_[who].fd, &event) != 0) bench::fail("epoll_ctl");
  }

  void hear(const std::string& text, std::size_t speaker, std::size_t most) {
    for (user& each : users_) each.heard = 0;
    std::size_t said = 0, satisfied = 0;
    static std::vector<char> buffer(1 << 20);
    epoll_event events[256];
    while (satisfied < users_.size()) {
      if (said < text.size()) {
        std::size_t piece = text.size() - said;
        if (most > 0 && piece > most) piece = most;
        const ssize_t sent =
            ::send(users_[speaker].fd, text.data() + said, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) bench::fail("send");
        if (sent > 0) said += static_cast<std::size_t>(sent);
      }
      const int ready = ::epoll_wait(queue_, events, 256, said < text.size() ? 0 : 20'000);
      if (ready == 0 && said == text.size()) bench::fail("a line that all should hear", ETIMEDOUT);
      for (int i = 0; i < ready; ++i) {
        user& each = users_[events[i].data.u64];
        const std::size_t got = bench::receive_some(each.fd, buffer.data(), buffer.size());
        if (each.heard + got > text.size() ||
            std::memcmp(buffer.data(), text.data() + each.heard, got) != 0)
          bench::fail("a user heard something else", EPROTO);
        each.heard += got;
        if (got > 0 && each.heard == text.size()) ++satisfied;
      }
    }
  }

  int queue_;
  std::vector<user> users_;
};

}  // namespace

int main(int argc, char** argv) {
  settings chosen;
  CLI::App app("Fills a chat room and has one user say lines that all must hear.");
  chosen.address.add_to(app);
  app.add_option("--users", chosen.users, "users in the room")
      ->capture_default_str()
      ->check(CLI::Range(1, 15'000));
  app.add_option("--lines", chosen.lines, "lines that the first one says")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--paced", chosen.paced, "say a line when all have heard the last");
  bench::parse(app, argc, argv);
  bench::allow_descriptors(static_cast<unsigned long>(chosen.users) + 32);

  room all(chosen);
  if (!chosen.paced && chosen.lines > 0) all.say(compose(0, chosen.lines));
  for (int i = 0; chosen.paced && i < chosen.lines; ++i) all.say(compose(i, i + 1));
  std::printf("delivered %d\n", chosen.users * chosen.lines);
}

// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>

class watcher : public asyncore::channel<watcher, asyncore::default_loop> {
 public:
  using channel::channel;
  void handle_read() {}
};

class reader : public asyncore::file_dispatcher<reader> {
 public:
  using file_dispatcher::file_dispatcher;
  void handle_read() {}
};

class server : public asyncore::dispatcher<server> {
 public:
  using dispatcher::dispatcher;
};

class client : public asyncore::dispatcher_with_send<client> {
 public:
  using dispatcher_with_send::dispatcher_with_send;
  void handle_data(std::span<const std::byte> data) { send(data); }
};

int main() {
  auto& loop = asyncore::this_thread_loop();
  loop.emplace<watcher>(0);
  loop.emplace<reader>(0);
  loop.emplace<server>();
  loop.emplace<client>();
  loop.run();
}

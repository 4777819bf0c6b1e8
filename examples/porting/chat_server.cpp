// SPDX-License-Identifier: BSL-1.0
// A chat room, where everybody hears every line: chat_server HOST:PORT
#include <asyncore.hpp>

#include <iostream>
#include <set>
#include <string>
#include <vector>

struct room;

struct user : asyncore::async_chat<user> {
  user(asyncore::default_loop& loop, room& here, asyncore::socket peer)
      : async_chat(loop, std::move(peer)), home(here) {
    set_terminator("\r\n");
  }
  void collect_incoming_data(std::span<const std::byte> data) { line += asyncore::as_text(data); }
  void found_terminator();
  void handle_close();

  room& home;
  std::string line;
};

struct room : asyncore::dispatcher<room> {
  explicit room(const asyncore::endpoint& where) {
    create_socket(where.family());
    set_reuse_addr();
    bind(where);
    listen(128);
    std::cout << "listening on " << local_addr().to_string() << std::endl;
  }
  void say(const std::string& line) {
    // A copy, because a user who is too far behind is closed, and leaves the set.
    for (user* each : std::vector(users.begin(), users.end())) each->push(line);
  }
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) {
    users.insert(&loop().emplace<user>(*this, std::move(peer)));
  }

  std::set<user*> users;
};

void user::found_terminator() {
  if (line == "/quit") {
    push("bye\r\n");
    close_when_done();
  } else {
    home.say(line + "\r\n");
  }
  line.clear();
}

void user::handle_close() {
  home.users.erase(this);
  close();
}

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "A chat room: chat_server HOST:PORT\n", 1;
  room server(asyncore::endpoint::parse(argv[1]));
  asyncore::loop();
  // The default loop ends with its thread: its users would be there longer than their room.
  asyncore::close_all();
}

// SPDX-License-Identifier: BSL-1.0
// What the interpreter does with peers. What a peer does is awaited, so that turns need not wait.
#include "world.hpp"

#include <array>
#include <chrono>

namespace oracle {

using namespace std::chrono_literals;

void world::do_rawlisten(const words& w) {
  const bool local = w.size() > 1 && w[1] == "unix";
  const std::string where = local ? "unix:" + (directory_ / w[0].text).string() : "127.0.0.1:0";
  asyncore::unique_fd fd = bound_socket(asyncore::endpoint::parse(where));
  checked(::listen(fd.get(), 16), "listen");
  peers_[w[0].text] = peer(std::move(fd));
}

void world::do_rawaccept(const words& w) {
  const int listener = peers_[w[1].text].fd();
  wait_for(listener, POLLIN);
  peers_[w[0].text] =
      peer(asyncore::unique_fd(checked(::accept(listener, nullptr, nullptr), "accept")));
}

void world::do_dial(const words& w) {
  peers_[w[0].text] = peer(connected_socket(address(w[1].text)));
  wait_for(find(w[1].text)->fd(), POLLIN);
}

void world::do_dup(const words& w) {
  peers_[w[0].text] = peer(asyncore::unique_fd(checked(::dup(find(w[1].text)->fd()), "dup")));
}

/// The descriptor of the channel that a TCP peer is connected to, or -1.
int world::mate(const peer& p) const {
  if (!p.tcp()) return -1;
  for (const auto& [name, a] : actors_)
    if (name_of(a->fd(), ::getpeername) == name_of(p.fd())) return a->fd();
  return -1;
}

void world::do_send(const words& w) {
  if (const auto found = peers_.find(w[0].text); found != peers_.end())
    return found->second.send(w[1].text);
  if (actor* const a = find(w[0].text)) a->do_send(w[1].text);
}

void world::do_oob(const words& w) {
  peer& p = peers_[w[0].text];
  p.send_urgent(w[1].text);
  wait_for(mate(p), POLLPRI);
}

void world::do_shutdown(const words& w) {
  const int how = w.size() < 2 || w[1] == "wr" ? SHUT_WR : w[1] == "rd" ? SHUT_RD : SHUT_RDWR;
  const auto found = peers_.find(w[0].text);
  if (found == peers_.end()) {
    if (const actor* const a = find(w[0].text)) checked(::shutdown(a->fd(), how), "shutdown");
    return;
  }
  const int other = mate(found->second);
  found->second.shutdown(how);
  if (other >= 0) wait_for(other, POLLRDHUP);
}

void world::do_reset(const words& w) {
  peer& p = peers_[w[0].text];
  const int other = mate(p);
  p.reset();
  if (other >= 0) wait_for(other, POLLERR);
}

void world::do_close(const words& w) {
  const auto found = peers_.find(w[0].text);
  if (found == peers_.end()) {
    if (actor* const a = find(w[0].text)) a->do_close();
    return;
  }
  const int other = mate(found->second);
  found->second.close();
  if (other >= 0) wait_for(other, POLLRDHUP);
}

/// As peer::receive, into the trace.
std::ptrdiff_t world::receive(const std::string& name, bool waits) {
  std::array<char, 65536> data;
  const auto n = peers_[name].receive(data, waits);
  if (n > 0) trace_.add(name, "recv", std::string_view(data.data(), static_cast<std::size_t>(n)));
  if (n == 0) trace_.add(name, "eof");
  if (n == -2) trace_.add(name, "reset");
  return n;
}

void world::do_recv(const words& w) {
  for (auto left = std::stol(w[1].text); left > 0;) {
    const auto n = receive(w[0].text, true);
    if (n <= 0) return;
    left -= n;
  }
}

void world::do_eof(const words& w) {
  while (receive(w[0].text, true) > 0) continue;
}

/// As recv, with turns of the loop in between.
void world::do_take(const words& w) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience);
  for (auto left = std::stol(w[1].text); left > 0;) {
    if (std::chrono::steady_clock::now() > deadline) return;
    turn(0ns);
    const auto n = receive(w[0].text, false);
    if (n == 0 || n == -2) return;
    if (n > 0) left -= n;
  }
}

}  // namespace oracle

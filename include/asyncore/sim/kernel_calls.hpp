// SPDX-License-Identifier: BSL-1.0
/// The calls of `sim_kernel`. Included by kernel.hpp.
#ifndef ASYNCORE_SIM_KERNEL_CALLS_HPP
#define ASYNCORE_SIM_KERNEL_CALLS_HPP

#include <asyncore/sim/kernel.hpp>

#include <sys/socket.h>

namespace asyncore {

inline int sim_kernel::socket(int family, int type) {
  int failed = enter(sim_call::socket);
  if (failed == 0 && type != SOCK_STREAM && type != SOCK_DGRAM) failed = EINVAL;
  if (failed == 0) failed = shortage();
  if (failed != 0) return leave(sim_call::socket, -1, -failed);
  sim_node& n = make_node(type == SOCK_DGRAM ? node_kind::datagram : node_kind::stream);
  n.local = family == AF_UNIX;
  give_name(n, family);
  return leave(sim_call::socket, type, open(n));
}

namespace detail {
/// The name of a UNIX socket that has none.
inline endpoint unnamed() noexcept {
  const sa_family_t family = AF_UNIX;
  endpoint name;
  std::memcpy(name.data(), &family, sizeof family);
  name.resize(sizeof family);
  return name;
}
}  // namespace detail

/// The address that a socket of this family has before it has one.
inline void sim_kernel::give_name(sim_node& n, int family) {
  if (family == AF_INET) n.name = endpoint::ip("0.0.0.0", 0);
  if (family == AF_INET6) n.name = endpoint::ip("::", 0);
  if (family == AF_UNIX) n.name = detail::unnamed();
}

inline int sim_kernel::bind(int fd, const endpoint& where) {
  return on(sim_call::bind, fd, [&](sim_node& n) {
    if (n.bound || n.name.port() != 0) return -EINVAL;
    endpoint name = where;
    if (where.family() != AF_UNIX && where.port() == 0) {
      const std::string text = where.to_string();
      name = endpoint::parse(
          detail::joined({text.substr(0, text.rfind(':') + 1), std::to_string(++last_port_)}));
    }
    const bool path = n.local && !where.to_string().starts_with("unix:@");
    if (find_name(name, n.kind) != nullptr || (path && has_path(name))) return -EADDRINUSE;
    if (path) add_path(name);
    n.name = name;
    add_name(n);
    return 0;
  });
}

inline int sim_kernel::listen(int fd, int backlog) {
  return on(sim_call::listen, fd, [&](sim_node& n) {
    if (!is_socket(n)) return -ENOTSOCK;
    if (n.kind == node_kind::datagram) return -EOPNOTSUPP;
    if (n.state != stream_state::fresh && n.state != stream_state::listening) return -EINVAL;
    if (n.local && !n.bound) return -EINVAL;
    n.state = stream_state::listening;
    n.backlog = backlog;
    return 0;
  });
}

inline int sim_kernel::connect(int fd, const endpoint& to) {
  return on(sim_call::connect, fd, [&](sim_node& n) {
    if (n.kind == node_kind::datagram) {
      give_port(n, to.family());
      n.peer_name = to;
      n.state = stream_state::connected;
      return 0;
    }
    return n.kind == node_kind::stream ? connect_stream(n, to) : -ENOTSOCK;
  });
}

inline int sim_kernel::connect_stream(sim_node& n, const endpoint& to) {
  if (n.state == stream_state::closed && !n.was_connected) {
    // An attempt has failed. Linux says so once more (inet_stream_connect), and then it may be
    // repeated.
    n.state = stream_state::fresh;
    n.read_over = n.write_over = false;
    return n.error != 0 ? -std::exchange(n.error, 0) : -ECONNABORTED;
  }
  if (n.state == stream_state::connecting) return -EALREADY;
  if (std::exchange(n.connect_unsaid, false)) return 0;
  if (n.state != stream_state::fresh) return -EISCONN;
  n.peer_name = to;
  n.attempts = 0;
  if (n.local) {
    sim_node* const listener = find_listener(to);
    if (listener == nullptr) {
      const bool abstract = to.to_string().starts_with("unix:@");
      return abstract || has_path(to) ? -ECONNREFUSED : -ENOENT;
    }
    if (listener->waiting.size() > static_cast<std::size_t>(listener->backlog)) return -EAGAIN;
    establish(n, *listener);
    return 0;
  }
  give_port(n, to.family());
  constexpr int late[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNRESET};
  start_connect(n, fires(fault::late_connect_failure) ? late[random_.below(5)] : 0);
  return fires(fault::interrupted) ? -EINTR : -EINPROGRESS;
}

inline int sim_kernel::accept(int fd, endpoint& from) {
  from = endpoint();
  return on(sim_call::accept, fd, [&](sim_node& n) {
    if (n.state != stream_state::listening) return -EINVAL;
    if (fires(fault::interrupted)) return -EINTR;
    if (n.waiting.empty() || fires(fault::again_after_readiness)) return -EAGAIN;
    if (const int failed = shortage(); failed != 0) return -failed;
    const sim_ref ref = n.waiting.front();
    if (fires(fault::connection_aborted)) {
      n.waiting.pop_front();
      find(ref)->disturbed = true;
      if (sim_node* const peer = find_open(find(ref)->peer)) peer->disturbed = true;
      abandon(*find(ref));
      return -ECONNABORTED;
    }
    const int peer = descriptors_.open(ref);
    if (peer < 0) return peer;
    n.waiting.pop_front();
    find(ref)->references = 1;
    from = find(ref)->peer_name;
    return peer;
  });
}

inline int sim_kernel::shutdown(int fd, int how) {
  return on(sim_call::shutdown, fd, [&](sim_node& n) {
    if (!is_socket(n)) return -ENOTSOCK;
    if (n.local && n.state == stream_state::fresh) return 0;
    if (n.state != stream_state::connected) return -ENOTCONN;
    if (how != SHUT_WR) shut_reading(n);
    if (how != SHUT_RD) shut_writing(n);
    return 0;
  });
}

inline int sim_kernel::close(int fd) {
  const int failed = enter(sim_call::close);
  sim_node* const n = at(fd);
  if (n == nullptr) {
    object(detail::joined({"close of ", detail::fd_text(fd), ", which is not open"}));
    return leave(sim_call::close, fd, -EBADF);
  }
  if (const int watchers = descriptors_.watch(fd, 0); watchers > 0) {
    object(detail::joined({"close of ", detail::fd_text(fd), ", which a poller watches"}));
    descriptors_.watch(fd, -watchers);
  }
  descriptors_.close(fd);
  if (--n->references == 0) close_node(*n);
  return leave(sim_call::close, fd, fires(fault::interrupted) ? -EINTR : -failed);
}

inline int sim_kernel::getsockname(int fd, endpoint& name) {
  return on(sim_call::getsockname, fd, [&](sim_node& n) {
    name = n.name;
    return 0;
  });
}

inline int sim_kernel::getpeername(int fd, endpoint& name) {
  name = endpoint();
  return on(sim_call::getpeername, fd, [&](sim_node& n) {
    if (n.state != stream_state::connected) return -ENOTCONN;
    name = n.peer_name;
    return 0;
  });
}

inline int sim_kernel::getsockopt(int fd, int level, int name, int& value) {
  return on(sim_call::getsockopt, fd, [&](sim_node& n) {
    if (!is_socket(n)) return -ENOTSOCK;
    value = 0;
    if (level == SOL_SOCKET && name == SO_ERROR) value = std::exchange(n.error, 0);
    if (level == SOL_SOCKET && name == SO_TYPE)
      value = n.kind == node_kind::datagram ? SOCK_DGRAM : SOCK_STREAM;
    if (const int set = n.option(level, name); set != 0) value = set;
    return 0;
  });
}

inline int sim_kernel::setsockopt(int fd, int level, int name, int value) {
  return on(sim_call::setsockopt, fd, [&](sim_node& n) {
    if (!is_socket(n)) return -ENOTSOCK;
    n.options.push_back({level, name, value});
    return 0;
  });
}

inline int sim_kernel::reset_on_close(int fd) {
  return on(sim_call::setsockopt, fd, [](sim_node& n) {
    n.resets = true;
    return 0;
  });
}

inline std::ptrdiff_t sim_kernel::send_urgent(int fd, std::span<const std::byte> bytes) {
  return on(sim_call::send, fd, [&](sim_node& n) -> int {
    if (n.kind != node_kind::stream || n.local) return -EOPNOTSUPP;
    sim_node* const peer = find_open(n.peer);
    if (peer == nullptr || n.write_over) return -EPIPE;
    if (bytes.empty()) return 0;
    peer->urgent = true;
    peer->urgent_byte = bytes[0];
    touch(*peer);
    return 1;
  });
}

inline std::ptrdiff_t sim_kernel::recv_urgent(int fd, std::span<std::byte> into) {
  return on(sim_call::recv, fd, [&](sim_node& n) -> int {
    if (!std::exchange(n.urgent, false)) return -EINVAL;
    if (into.empty()) return 0;  // the byte is lost
    into[0] = n.urgent_byte;
    return 1;
  });
}

inline int sim_kernel::dup(int fd, int lowest) {
  return on(sim_call::dup, fd, [&](sim_node& n) {
    if (fires(fault::no_descriptor)) return -EMFILE;
    const int copy = descriptors_.open(n.self, lowest);
    if (copy >= 0) ++n.references;
    return copy;
  });
}

inline int sim_kernel::set_nonblocking(int fd) {
  return on(sim_call::set_nonblocking, fd, [](sim_node&) { return 0; });
}

inline int sim_kernel::unread(int fd) {
  return on(sim_call::unread, fd, [&](sim_node& n) {
    if (n.kind == node_kind::datagram)
      return n.messages.empty() ? 0 : static_cast<int>(n.messages.front().bytes.size());
    if (n.kind == node_kind::pipe_writer) {
      const sim_node* const reader = find_open(n.peer);
      return static_cast<int>(reader != nullptr ? reader->in.size() : n.stuck);
    }
    return n.state == stream_state::listening ? -EINVAL : static_cast<int>(n.arrived);
  });
}

inline int sim_kernel::drop_errors(int fd) {
  return on(sim_call::getsockopt, fd, [](sim_node& n) {
    if (!is_socket(n)) return -ENOTSOCK;
    const int count = std::exchange(n.queued_errors, 0);
    if (count > 0) n.error = 0;
    return count;
  });
}

}  // namespace asyncore

#include <asyncore/sim/kernel_tests.hpp>

#endif

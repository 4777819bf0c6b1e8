// SPDX-License-Identifier: BSL-1.0
// Plays a scenario; the twin of trace.py.
#pragma once

#include "actor.hpp"
#include "peer.hpp"
#include "trace.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace oracle {

class world final : director {
 public:
  /// `make_stage` makes a loop; `directory` is for files.
  world(const scenario& script, std::function<std::unique_ptr<stage>()> make_stage,
        std::filesystem::path directory)
      : script_(script), make_stage_(std::move(make_stage)), directory_(std::move(directory)) {}

  /// Plays it, and returns the trace.
  std::vector<std::string> play();

 private:
  using words = std::vector<word>;
  using verb = void (world::*)(const words&);

  // director
  bool hook(actor& of, std::string_view hook, std::optional<std::string_view> data) override;
  void ask(const actor& of, std::string_view predicate) override;
  void logged(const actor& of, std::string_view message) override {
    trace_.add(of.name(), "log " + std::string(message.substr(0, message.find(':'))));
  }
  void gone(actor& of) override {
    if (const auto found = actors_.find(of.name()); found != actors_.end() && found->second == &of)
      actors_.erase(found);
  }

  void perform(const action& a);
  template <class Call>
  void guarded(const std::string& name, Call call);

  // verbs of the loop
  void do_map(const words& w);
  void do_turn(const words& w);
  void do_run(const words& w);
  void do_idle(const words& w);
  void do_until(const words& w);
  void do_size(const words& w);
  void do_close_all(const words& w);

  // verbs that make channels and peers
  void do_socket(const words& w);
  void do_listen(const words& w);
  void do_client(const words& w);
  void do_connect(const words& w);
  void do_pair(const words& w);
  void do_adopt(const words& w);
  void do_pipe(const words& w);
  void do_file(const words& w);
  void do_content(const words& w);
  void do_rawlisten(const words& w);
  void do_rawaccept(const words& w);
  void do_dial(const words& w);
  void do_dup(const words& w);

  // verbs of peers, and of channels of the same name
  void do_send(const words& w);
  void do_oob(const words& w);
  void do_shutdown(const words& w);
  void do_reset(const words& w);
  void do_close(const words& w);
  void do_recv(const words& w);
  void do_eof(const words& w);
  void do_take(const words& w);

  // verbs of channels
  void do_keep(const words&) { keeping_ = true; }
  void do_raise(const words& w);
  void do_note(const words& w) { trace_.add(w[0].text, w[1].text); }
  void do_state(const words& w);
  void do_pause(const words& w) { set(&actor::wants_read, false, w[0].text); }
  void do_resume(const words& w) { set(&actor::wants_read, true, w[0].text); }
  void do_mute(const words& w) { set(&actor::wants_write, false, w[0].text); }
  void do_unmute(const words& w) { set(&actor::wants_write, true, w[0].text); }
  void do_readwrite(const words& w);
  void do_terminator(const words& w);
  void do_produce(const words& w);
  void on_actor(std::string_view name, const words& w);

  static const std::map<std::string_view, verb> verbs;

  actor* find(const std::string& name) const;
  actor& cast(const words& w, casting wanted = {});
  void create_socket(const words& w, int family);
  void set(bool actor::*flag, bool value, const std::string& name);
  asyncore::endpoint address(const std::string& target);
  int mate(const peer& p) const;
  std::ptrdiff_t receive(const std::string& name, bool waits);
  void turn(asyncore::timeout_type timeout);

  const scenario& script_;
  std::function<std::unique_ptr<stage>()> make_stage_;
  std::filesystem::path directory_;
  trace trace_;
  std::map<std::string, actor*> actors_;
  std::map<std::string, std::unique_ptr<stage>> stages_;
  stage* stage_ = nullptr;
  std::map<std::string, peer> peers_;
  actor* acting_ = nullptr;  // whose hook runs
  bool keeping_ = false;
};

}  // namespace oracle

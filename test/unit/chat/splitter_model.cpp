// SPDX-License-Identifier: BSL-1.0
// A splitter beside a model of asynchat's loop, on random input.
#include "asynchat_model.hpp"
#include "station.hpp"

#include <random>
#include <vector>

namespace {

using asyncore::splitter;
using asyncore::terminator;
using test::number;
using test::set;
using test::station;
using test::text;

BOOST_AUTO_TEST_SUITE(splitter_model)

// One random history, told to the splitter and to the model. What hooks do depends only on what
// has been given out, so that both do the same.
class history {
 public:
  explicit history(unsigned seed) : random_(seed) {
    for (int i = 0; i < 60; ++i) plan_.push_back({random_() % 24, any_terminator()});
    const terminator first = any_terminator();
    set(*real_.one, first);
    model_.set(first);
    real_.on_collect = [this] { act(real_.story, real_at_, [this](const step& s) { real(s); }); };
    real_.on_found = real_.on_collect;
  }

  void run() {
    for (int input = 0; input < 12; ++input) {
      const std::string data = noise(random_() % (random_() % 2 == 0 ? 4 : 30));
      const std::size_t held = model_.held();
      copied_before_ = real_.copied;
      BOOST_REQUIRE(real_.feed(data));
      model_.feed(data, *this);
      BOOST_REQUIRE_EQUAL(real_.story, story_);
      BOOST_REQUIRE((real_.one->get() == model_.get()));
      BOOST_REQUIRE_LE(real_.copied - copied_before_, held);  // only what straddles
      if (random_() % 4 == 0) {
        const step between{random_() % 3, any_terminator()};
        real(between);
        model(between);
      }
    }
  }

  // The model's hooks.
  void collect(const std::string& piece) {
    story_ += piece;
    found_or_collected();
  }
  void found() {
    story_ += '|';
    found_or_collected();
  }

 private:
  struct step {
    unsigned long what;  // 0, 1: set; 2: discard; else nothing
    terminator next;
  };

  // The steps are due when the story has reached certain lengths.
  template <class Do>
  void act(const std::string& story, std::size_t& at, Do perform) {
    for (; at < plan_.size() && (at + 1) * 3 <= story.size(); ++at) perform(plan_[at]);
  }
  void found_or_collected() {
    act(story_, model_at_, [this](const step& s) { model(s); });
  }
  void real(const step& s) {
    if (s.what < 2) set(*real_.one, s.next);
    if (s.what == 2) real_.one->discard();
  }
  void model(const step& s) {
    if (s.what < 2) model_.set(s.next);
    if (s.what == 2) model_.discard();
  }

  std::string noise(std::size_t size) {
    std::string all(size, 'a');
    for (char& c : all) c = random_() % 2 == 0 ? 'a' : 'b';
    return all;
  }
  terminator any_terminator() {
    if (random_() % 8 == 0) return {};
    if (random_() % 4 == 0) return number(random_() % 7 + 1);
    return text(noise(random_() % 4 + 1));
  }

  std::mt19937 random_;
  std::vector<step> plan_;
  station real_;
  test::asynchat_model model_;
  std::string story_;
  std::size_t real_at_ = 0, model_at_ = 0, copied_before_ = 0;
};

BOOST_AUTO_TEST_CASE(agree_with_the_model, *boost::unit_test::label("native")) {
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    BOOST_TEST_INFO("seed " << seed);
    history(seed).run();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

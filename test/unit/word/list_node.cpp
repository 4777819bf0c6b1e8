// SPDX-License-Identifier: BSL-1.0
#include <asyncore/word/list_node.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <random>
#include <vector>

namespace {

using asyncore::list_node;

// The members, first to last, taken out.
std::vector<list_node*> drain(list_node& head) {
  std::vector<list_node*> members;
  while (!head.unlinked() && members.size() < 100) {
    members.push_back(head.front());
    head.front()->unlink();
  }
  return members;
}

BOOST_AUTO_TEST_SUITE(list_nodes)

BOOST_AUTO_TEST_CASE(are_in_no_list_at_first) {
  list_node node;
  BOOST_TEST(node.unlinked());
  BOOST_TEST(node.front() == &node);
  node.unlink();
  BOOST_TEST(node.unlinked());
}

BOOST_AUTO_TEST_CASE(come_in_the_order_in_which_they_were_linked) {
  list_node head, a, b, c;
  a.link_before(head);
  b.link_before(head);
  c.link_before(head);
  BOOST_TEST(!a.unlinked());
  BOOST_TEST((drain(head) == std::vector<list_node*>{&a, &b, &c}));
  BOOST_TEST(a.unlinked());
}

BOOST_AUTO_TEST_CASE(move_to_the_end_when_linked_again) {
  list_node head, a, b;
  a.link_before(head);
  b.link_before(head);
  a.link_before(head);
  BOOST_TEST((drain(head) == std::vector<list_node*>{&b, &a}));
}

BOOST_AUTO_TEST_CASE(move_from_one_list_to_another) {
  list_node first, second, a, b;
  a.link_before(first);
  b.link_before(first);
  a.link_before(second);
  BOOST_TEST((drain(first) == std::vector<list_node*>{&b}));
  BOOST_TEST((drain(second) == std::vector<list_node*>{&a}));
}

BOOST_AUTO_TEST_CASE(leave_when_destroyed) {
  list_node head, a;
  std::optional<list_node> b(std::in_place);
  a.link_before(head);
  b->link_before(head);
  b.reset();
  BOOST_TEST((drain(head) == std::vector<list_node*>{&a}));
}

BOOST_AUTO_TEST_CASE(are_in_none_when_their_head_is_destroyed) {
  list_node a;
  {
    list_node head;
    a.link_before(head);
  }
  BOOST_TEST(a.unlinked());
}

BOOST_AUTO_TEST_CASE(are_taken_over_together) {
  list_node from, to, a, b;
  to.take(from);
  BOOST_TEST(to.unlinked());
  a.link_before(from);
  b.link_before(from);
  to.take(from);
  BOOST_TEST(from.unlinked());
  BOOST_TEST((drain(to) == std::vector<list_node*>{&a, &b}));
}

BOOST_AUTO_TEST_CASE(agree_with_a_list) {
  std::mt19937 random(7);
  std::array<list_node, 3> heads;
  std::array<std::list<list_node*>, 3> model;
  std::array<list_node, 12> nodes;
  for (int step = 0; step < 20'000; ++step) {
    list_node& node = nodes[random() % nodes.size()];
    const std::size_t to = random() % heads.size(), from = random() % heads.size();
    switch (random() % 4) {
      case 0:
        node.unlink();
        for (auto& list : model) list.remove(&node);
        break;
      case 1:
        if (to == from || !model[to].empty()) break;
        heads[to].take(heads[from]);
        model[to].swap(model[from]);
        break;
      default:
        node.link_before(heads[to]);
        for (auto& list : model) list.remove(&node);
        model[to].push_back(&node);
    }
    for (std::size_t i = 0; i < heads.size(); ++i) {
      BOOST_REQUIRE_EQUAL(heads[i].unlinked(), model[i].empty());
      BOOST_REQUIRE(heads[i].front() == (model[i].empty() ? &heads[i] : model[i].front()));
    }
  }
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::vector<list_node*> left = drain(heads[i]);
    BOOST_TEST(std::equal(left.begin(), left.end(), model[i].begin(), model[i].end()));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

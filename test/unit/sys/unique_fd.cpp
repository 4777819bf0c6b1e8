// SPDX-License-Identifier: BSL-1.0
#include <asyncore/sys/unique_fd.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>
#include <utility>
#include <vector>

#include "../../support/descriptors.hpp"

namespace {

using asyncore::fd_closer;
using asyncore::unique_fd;
using test::is_open;

static_assert(!std::is_copy_constructible_v<unique_fd> && !std::is_copy_assignable_v<unique_fd>);
static_assert(std::is_nothrow_move_constructible_v<unique_fd>);
static_assert(!std::is_convertible_v<int, unique_fd>);

int duplicate() { return test::checked(::dup(2)).release(); }

// Writes down what it is told to close.
struct notebook : fd_closer {
  notebook() : fd_closer{&write_down} {}
  static void write_down(const fd_closer& self, int fd) noexcept {
    static_cast<const notebook&>(self).closed.push_back(fd);
  }
  mutable std::vector<int> closed;
};

BOOST_AUTO_TEST_SUITE(unique_fd_)

BOOST_AUTO_TEST_CASE(owns_nothing_at_first) {
  const unique_fd none;
  BOOST_TEST(none.get() == -1);
  BOOST_TEST(!none);
  BOOST_TEST(!unique_fd(-1));
}

BOOST_AUTO_TEST_CASE(closes_what_it_owns) {
  const int number = duplicate();
  {
    const unique_fd fd(number);
    BOOST_TEST(fd.get() == number);
    BOOST_TEST(static_cast<bool>(fd));
    BOOST_TEST(is_open(number));
  }
  BOOST_TEST(!is_open(number));
}

BOOST_AUTO_TEST_CASE(closes_once) {
  const notebook closer;
  {
    unique_fd fd(7, &closer);
    fd.reset();
    BOOST_TEST(!fd);
    fd.reset();
  }
  BOOST_TEST(closer.closed == std::vector<int>({7}));
}

BOOST_AUTO_TEST_CASE(gives_up_what_is_released) {
  const notebook closer;
  {
    unique_fd fd(7, &closer);
    BOOST_TEST(fd.release() == 7);
    BOOST_TEST(!fd);
    BOOST_TEST(fd.release() == -1);
  }
  BOOST_TEST(closer.closed.empty());
}

BOOST_AUTO_TEST_CASE(moves_with_what_closes_it) {
  const notebook first, second;
  {
    unique_fd a(7, &first);
    unique_fd b(std::move(a));
    BOOST_TEST(!a);
    BOOST_TEST(b.get() == 7);
    unique_fd c(8, &second);
    c = std::move(b);
    BOOST_TEST(second.closed == std::vector<int>({8}));
    BOOST_TEST(c.get() == 7);
    BOOST_TEST(!b);
    unique_fd& same = c;
    c = std::move(same);
    BOOST_TEST(c.get() == 7);
    BOOST_TEST(first.closed.empty());
  }
  BOOST_TEST(first.closed == std::vector<int>({7}));
}

BOOST_AUTO_TEST_CASE(owns_descriptor_zero_like_any_other) {
  const notebook closer;
  {
    const unique_fd fd(0, &closer);
    BOOST_TEST(static_cast<bool>(fd));
  }
  BOOST_TEST(closer.closed == std::vector<int>({0}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

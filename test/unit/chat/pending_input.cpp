// SPDX-License-Identifier: BSL-1.0
#include <asyncore/chat/pending_input.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using asyncore::as_text;
using asyncore::bytes_view;
using asyncore::detail::fed_stream;

BOOST_AUTO_TEST_SUITE(fed_streams)

BOOST_AUTO_TEST_CASE(give_what_was_kept_before_the_input) {
  fed_stream stream("kept", bytes_view("input"));
  BOOST_TEST(stream.size() == 9u);
  BOOST_TEST(as_text(stream.take(3)) == "kep");
  BOOST_TEST(as_text(stream.take(3)) == "t");  // as many as lie in one part
  BOOST_TEST(as_text(stream.take(3)) == "inp");
  BOOST_TEST(stream.size() == 2u);
  BOOST_TEST(as_text(stream.take(100)) == "ut");
  BOOST_TEST(stream.take(100).empty());
  BOOST_TEST(stream.size() == 0u);
}

BOOST_AUTO_TEST_CASE(skip_across_both) {
  fed_stream stream("kept", bytes_view("input"));
  stream.skip(0);
  stream.skip(6);
  BOOST_TEST(as_text(stream.input()) == "put");
  stream.clear();
  BOOST_TEST(stream.size() == 0u);
}

BOOST_AUTO_TEST_CASE(do_not_copy_the_input) {
  const std::string input = "input";
  fed_stream stream("", bytes_view(input));
  BOOST_TEST(as_text(stream.take(2)).data() == input.data());
  BOOST_TEST(as_text(stream.take(2)).data() == input.data() + 2);
}

BOOST_AUTO_TEST_CASE(take_bytes_in_front) {
  fed_stream stream("kept", bytes_view("input"));
  stream.skip(2);
  stream.put_first("first ");
  BOOST_TEST(as_text(stream.head()) == "first pt");
  BOOST_TEST(stream.release() == "first ptinput");
  BOOST_TEST(stream.size() == 0u);
}

BOOST_AUTO_TEST_CASE(release_what_is_left) {
  fed_stream stream("kept", bytes_view("input"));
  stream.skip(5);
  BOOST_TEST(stream.release() == "nput");
  BOOST_TEST(stream.release() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

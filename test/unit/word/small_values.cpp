// SPDX-License-Identifier: BSL-1.0
// The small values that everything else is said in.
#include <asyncore/chat/splitter.hpp>
#include <asyncore/sim/node.hpp>
#include <asyncore/word/error.hpp>
#include <asyncore/word/io_result.hpp>
#include <asyncore/word/log.hpp>
#include <asyncore/word/token.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(words)

BOOST_AUTO_TEST_CASE(some_errors_say_that_the_peer_is_gone) {
  for (const int gone : {ECONNRESET, ENOTCONN, ESHUTDOWN, ECONNABORTED, EPIPE, EBADF})
    BOOST_TEST(asyncore::is_disconnect(gone));
  for (const int other : {0, EAGAIN, EINTR, ECONNREFUSED, ETIMEDOUT, ENOBUFS, EIO})
    BOOST_TEST(!asyncore::is_disconnect(other));
}

BOOST_AUTO_TEST_CASE(names_that_differ_in_a_part_differ) {
  using asyncore::token;
  BOOST_TEST((token{3, 1} == token{3, 1}));
  BOOST_TEST((token{3, 1} != token{4, 1}));
  BOOST_TEST((token{3, 1} != token{3, 2}));
  using asyncore::sim_ref;
  BOOST_TEST((sim_ref{3, 1} == sim_ref{3, 1}));
  BOOST_TEST((sim_ref{3, 1} != sim_ref{4, 1}));
  BOOST_TEST((sim_ref{3, 1} != sim_ref{3, 2}));
  using asyncore::terminator;
  BOOST_TEST((terminator{"\n"} == terminator{"\n"}));
  BOOST_TEST((terminator{"\n"} != terminator{"\r\n"}));
  BOOST_TEST((terminator{"", 3} != terminator{"", 4}));
  BOOST_TEST((terminator{"", 3} != terminator{"\n"}));
  BOOST_TEST(terminator().none());
}

BOOST_AUTO_TEST_CASE(what_is_not_an_exception_has_a_text_too) {
  const std::string text = asyncore::detail::current_error_text(asyncore::errno_code(ENOBUFS));
  BOOST_TEST(text == asyncore::errno_code(ENOBUFS).message());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

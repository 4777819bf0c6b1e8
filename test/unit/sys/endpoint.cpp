// SPDX-License-Identifier: BSL-1.0
#include <asyncore/sys/endpoint.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <regex>
#include <sstream>
#include <vector>

namespace {

using asyncore::endpoint;
using namespace std::string_literals;
using namespace std::string_view_literals;
using std::errc;

constexpr std::size_t path_at = offsetof(sockaddr_un, sun_path);
constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr bool has_abstract = ASYNCORE_HAS_ABSTRACT_NAMES;

endpoint raw_unix(std::string_view bytes) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  bytes.copy(un.sun_path, sizeof(un.sun_path));
  return {reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(path_at + bytes.size())};
}

std::string_view sun_path(const endpoint& e) {
  return {reinterpret_cast<const char*>(e.data()) + path_at, e.size() - path_at};
}

std::error_code error_of(std::string_view text) {
  std::error_code ec = make_error_code(errc::io_error);
  const endpoint e = endpoint::parse(text, ec);
  BOOST_TEST((ec ? e.size() == 0 : bool(e)));
  return ec;
}

// Whether an exception has this code and its text all these parts.
auto says(errc code, std::initializer_list<std::string_view> parts) {
  return [code, parts = std::vector<std::string_view>(parts)](const std::system_error& e) {
    const std::string_view what = e.what();
    for (const auto part : parts) BOOST_TEST((what.find(part) != what.npos), what << "\n" << part);
    return e.code() == code;
  };
}

// A second reading of the rules, to hold against the first. Zones are numbers here.
int family_by_pattern(const std::string& text) {
  static const std::regex v4("([0-9.]+):([0-9]{1,9})");
  static const std::regex v6("\\[([0-9a-fA-F:.]+)(?:%([0-9]{1,9}))?\\]:([0-9]{1,9})");
  static const std::regex path("unix:[^@][^]*");
  static const std::regex name("unix:@(\\\\\\\\|\\\\x[0-9a-fA-F]{2}|[^\\\\])+");
  in6_addr address;
  std::smatch m;
  if (text.find('\0') != text.npos) return AF_UNSPEC;
  if (std::regex_match(text, path) || (has_abstract && std::regex_match(text, name)))
    return AF_UNIX;
  const auto is = [&](const std::regex& form, int family) {
    return std::regex_match(text, m, form) && std::stoul(m.str(m.size() - 1)) <= 65535 &&
           ::inet_pton(family, m.str(1).c_str(), &address) == 1;
  };
  return is(v4, AF_INET) ? AF_INET : is(v6, AF_INET6) ? AF_INET6 : AF_UNSPEC;
}

void agrees_with_patterns(const std::string& text) {
  std::error_code ec;
  const endpoint e = endpoint::parse(text, ec);
  if (ec == errc::no_such_device) return;
  const int family = family_by_pattern(text);
  BOOST_TEST((e.family() == family && (ec || endpoint::parse(e.to_string()) == e)), text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(endpoint)

using asyncore::endpoint;  // the suite is a namespace of the same name

BOOST_AUTO_TEST_CASE(is_a_small_value) {
  static_assert(std::is_trivially_copyable_v<endpoint>);
  static_assert(!std::is_convertible_v<endpoint, bool>);
  static_assert(endpoint::capacity() == std::max(sizeof(sockaddr_un), sizeof(sockaddr_in6)));
  static_assert(alignof(endpoint) >= alignof(sockaddr_in6));
  static_assert(noexcept(endpoint::parse("", std::declval<std::error_code&>())));
#if defined(__linux__)
  static_assert(sizeof(endpoint) == 112 && path_max == 107);
#endif
  for (const endpoint& e : {endpoint(), endpoint(nullptr, 0)})
    BOOST_TEST((!e && e.family() == AF_UNSPEC && e.size() == 0 && e.port() == 0 &&
                e.data() != nullptr && e.to_string() == "" && e == endpoint()));
}

BOOST_AUTO_TEST_CASE(parses_and_prints) {
  struct {
    std::string_view text;
    int family, port = 0;
    std::string_view printed = text;
  } const table[] = {
      {"127.0.0.1:8000", AF_INET, 8000}, {"0.0.0.0:0", AF_INET},
      {"255.255.255.255:65535", AF_INET, 65535},
      {"1.2.3.4:000000000000000000000000080", AF_INET, 80, "1.2.3.4:80"},
      {"[::1]:8000", AF_INET6, 8000}, {"[::]:0", AF_INET6}, {"[::ffff:1.2.3.4]:80", AF_INET6, 80},
      {"[0:0:0:0:0:0:0:1]:65535", AF_INET6, 65535, "[::1]:65535"},
      {"[2001:DB8::A]:80", AF_INET6, 80, "[2001:db8::a]:80"},
      {"[0000:0000:0000:0000:0000:ffff:255.255.255.255]:80", AF_INET6, 80,
       "[::ffff:255.255.255.255]:80"},
      {"[fe80::1%4294967295]:80", AF_INET6, 80}, {"[fe80::1%0]:80", AF_INET6, 80, "[fe80::1]:80"},
      {"unix:/path", AF_UNIX}, {"unix:relative", AF_UNIX}, {"unix:./@not-abstract", AF_UNIX},
      {"unix:/a b:c\\x41\n\xc3\xa9", AF_UNIX}, {"unix:unix:", AF_UNIX},
#if ASYNCORE_HAS_ABSTRACT_NAMES
      {"unix:@name", AF_UNIX}, {"unix:@@ /", AF_UNIX}, {"unix:@\\x00", AF_UNIX},
      {"unix:@\\x00\\x1f \\\\~\\x7f\\xff", AF_UNIX},
      {"unix:@\\xAB\\xcD\\x41\xc3\xa9", AF_UNIX, 0, "unix:@\\xab\\xcdA\\xc3\\xa9"},
#endif
  };
  for (const auto& row : table) {
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST((error_of(row.text) == std::error_code()));  // parse clears an old one
      const endpoint e = endpoint::parse(row.text);
      BOOST_TEST((bool(e) && e.family() == row.family && e.port() == row.port));
      BOOST_TEST(e.to_string() == row.printed);
      BOOST_TEST((endpoint::parse(row.printed) == e));
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_what_is_not_an_endpoint) {
  std::istringstream words(R"(
    : :: @ [ ] [] []: nonsense localhost:80 example.com:80 *:80 :8000 tcp://127.0.0.1:80
    127.0.0.1 127.0.0.1: 127.0.0.1:+80 127.0.0.1:-1 127.0.0.1:-0 127.0.0.1:65536 127.0.0.1:131072
    127.0.0.1:4294967296 127.0.0.1:4294967376 127.0.0.1:18446744073709551696 127.0.0.1:0x50
    127.0.0.1:80/ 127.0.0.1:80:81 127.0.0.1::80 127.0.0.1:http 127.0.0.1:8.0 1.2.3.4%lo:80
    1.2.3:80 1.2:80 1:80 2130706433:80 1.2.3.4.5:80 1.2.3.256:80 1.2.3.:80 .1.2.3:80 01.2.3.4:80
    0x7f.0.0.1:80 [127.0.0.1]:80 ::1 ::1:80 [::1] [::1]: [::1]80 [::1]8000:80 [::1]:+80 [::1]:65536
    [::1]]:80 [[::1]]:80 [::1:80 ::1]:80 x[::1]:80 []:80 [:]:80 [:::]:80 [1:2:3:4:5:6:7]:80
    [1:2:3:4:5:6:7:8:9]:80 [::12345]:80 [::1::]:80 [localhost]:80 [::1.2.3]:80
    [00000:0000:0000:0000:0000:ffff:255.255.255.255]:80
    [fe80::1%]:80 [fe80::1%1]]:80 [%1]:80 [%]:80 [fe80::1%4294967296]:80 unix unix: unix:@
    [fe80::1%18446744073709551617]:80 UNIX:/path /path @name unix/path unix:@\ unix:@\x unix:@\x4
    unix:@\x4g unix:@\xg4 unix:@\n unix:@\X41 unix:@\x+1 unix:@a\ unix:@\\\)");
  int count = 0;
  for (std::string text; words >> text; ++count)
    BOOST_TEST((error_of(text) == errc::invalid_argument), text);
  BOOST_TEST(count == 87);
  for (const std::string_view text :
       {""sv, "\0"sv, " "sv, "127.0.0.1:80\0"sv, "127.0.0.1\0:80"sv, "127.0.0.1\0.example:80"sv,
        "[::1\0]:80"sv, "[fe80::1%1\0]:80"sv, "unix:\0"sv, "unix:/a\0b"sv, "unix:/a\0"sv,
        "unix:@a\0b"sv, " unix:/path"sv, "127.0.0.1: 80"sv, "[::1] :80"sv,
        "unix:@\\x41"sv.substr(0, 9), "127.0.0.1:80"sv.substr(0, 10)})
    BOOST_TEST((error_of(text) == errc::invalid_argument), text);
}

BOOST_AUTO_TEST_CASE(one_byte_changed, *boost::unit_test::label("native")) {
  for (const std::string text :
       {"127.0.0.1:8000", "[::1]:65530", "[fe80::1%12]:80", "unix:/p", "unix:@n\\x00\\\\"}) {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      agrees_with_patterns(text.substr(0, at));
      agrees_with_patterns(std::string(text).erase(at, 1));
      for (int byte = 0; byte < 256; ++byte) {
        agrees_with_patterns(std::string(text).replace(at, 1, 1, static_cast<char>(byte)));
        agrees_with_patterns(std::string(text).insert(at, 1, static_cast<char>(byte)));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_kernel_gets) {
  sockaddr_in v4{};
  const endpoint four = endpoint::parse("1.2.3.4:258");
  BOOST_REQUIRE(four.size() == sizeof(v4));
  std::memcpy(&v4, four.data(), sizeof(v4));
  BOOST_TEST((ntohs(v4.sin_port) == 258 && ntohl(v4.sin_addr.s_addr) == 0x01020304));
  sockaddr_in6 v6{};
  const endpoint six = endpoint::parse("[102:304:506:708:90a:b0c:d0e:f10%7]:258");
  BOOST_REQUIRE(six.size() == sizeof(v6));
  std::memcpy(&v6, six.data(), sizeof(v6));
  BOOST_TEST((ntohs(v6.sin6_port) == 258 && v6.sin6_scope_id == 7 && v6.sin6_flowinfo == 0));
  for (int i = 0; i < 16; ++i) BOOST_TEST(v6.sin6_addr.s6_addr[i] == i + 1);
  BOOST_TEST((sun_path(endpoint::parse("unix:/path")) == "/path\0"sv));
#if ASYNCORE_HAS_ABSTRACT_NAMES
  BOOST_TEST((sun_path(endpoint::parse("unix:@a\\x00b\\\\\\xff")) == "\0a\0b\\\xff"sv));
#endif
}

BOOST_AUTO_TEST_CASE(zones) {
  char lo[IF_NAMESIZE] = "";
  const unsigned index = std::max(::if_nametoindex("lo"), ::if_nametoindex("lo0"));
  BOOST_REQUIRE(::if_indextoname(index, lo) != nullptr);
  const std::string by_name = "[fe80::1%"s + lo + "]:80";
  const std::string by_number = "[fe80::1%" + std::to_string(index) + "]:80";
  const endpoint e = endpoint::parse(by_name);
  BOOST_TEST(e.to_string() == by_name);
  BOOST_TEST((e == endpoint::parse(by_number)));
  for (const std::string zone : {"no such", "1x", "-1", "+1", "%", "fifteen-bytes-x",
                                 "sixteen-bytes-xx", "far-longer-than-an-interface-can-be"}) {
    const std::string text = "[fe80::1%" + zone + "]:80";
    BOOST_CHECK_EXCEPTION(endpoint::parse(text), std::system_error,
                          says(errc::no_such_device, {'"' + text + '"', "interface"}));
  }
  // The kernel is asked for names, so without a descriptor there are none.
  rlimit limit{};
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{0, limit.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const std::error_code ec = error_of(by_name);
  const std::string printed = e.to_string();
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  BOOST_TEST((ec == errc::no_such_device));
  BOOST_TEST(printed == by_number);
}

BOOST_AUTO_TEST_CASE(longest_names) {
  const std::string at_most = "at most " + std::to_string(path_max) + " bytes";
  std::string zeros = "unix:@";
  for (std::size_t i = 0; i < path_max; ++i) zeros += "\\x00";  // the bytes count, not the text
  for (const std::string& fits :
       {"unix:/" + std::string(path_max - 1, 'p'), "unix:@" + std::string(path_max, 'n'), zeros}) {
    if (!has_abstract && fits[5] == '@') continue;
    const endpoint e = endpoint::parse(fits);
    BOOST_TEST((e.size() == sizeof(sockaddr_un) && e.to_string() == fits));
    for (const std::size_t extra : {1u, 2u, 100000u}) {
      const std::string text = fits + std::string(extra, 'x');
      BOOST_TEST((error_of(text) == errc::filename_too_long));
      BOOST_CHECK_EXCEPTION(endpoint::parse(text), std::system_error,
                            says(errc::filename_too_long, {at_most}));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_exception_names_the_text_and_the_forms) {
  BOOST_CHECK_EXCEPTION(
      endpoint::parse("a.example\0\n\x1b\xff\\:80"sv), std::system_error,
      says(errc::invalid_argument,
           {"\"a.example\\x00\\x0a\\x1b\\xff\\\\:80\"", "ADDRESS:PORT", "[ADDRESS%ZONE]:PORT",
            "unix:PATH", has_abstract ? "unix:@NAME" : "", "numeric", "names are not looked up"}));
}

BOOST_AUTO_TEST_CASE(ip_takes_host_and_port) {
  BOOST_TEST((endpoint::ip("127.0.0.1", 8000) == endpoint::parse("127.0.0.1:8000")));
  BOOST_TEST((endpoint::ip("::", 65535) == endpoint::parse("[::]:65535")));
  BOOST_TEST((endpoint::ip("fe80::1%7", 80) == endpoint::parse("[fe80::1%7]:80")));
  std::error_code ec;
  for (const std::string_view host :
       {""sv, "localhost"sv, "1.2.3"sv, "[::1]"sv, "127.0.0.1:80"sv, "unix:/path"sv, " ::1"sv,
        "127.0.0.1\0"sv, "127.0.0.1\0.example"sv, "::1\0"sv, "fe80::1%"sv, "fe80::1%\0"sv,
        "fe80::1%1\0"sv, "fe80::1%lo\0"sv, "fe80::1\0%1"sv})
    BOOST_TEST((!endpoint::ip(host, 80, ec) && ec == errc::invalid_argument), host);
  BOOST_TEST((!endpoint::ip("fe80::1%none", 80, ec) && ec == errc::no_such_device));
  BOOST_TEST((endpoint::ip("::1", 80, ec) && ec == std::error_code()));
  BOOST_CHECK_EXCEPTION(endpoint::ip("localhost", 80), std::system_error,
                        says(errc::invalid_argument, {"\"localhost\"", "numeric"}));
}

BOOST_AUTO_TEST_CASE(equal_when_they_name_the_same_socket) {
  const sockaddr x{AF_APPLETALK, "x"}, y{AF_APPLETALK, "y"};  // carried, not understood
  const endpoint different[] = {
      endpoint(), endpoint(&x, sizeof(x)), endpoint(&y, sizeof(y)), endpoint(&y, sizeof(y) - 1),
      endpoint::parse("127.0.0.1:80"), endpoint::parse("127.0.0.1:81"),
      endpoint::parse("127.0.0.2:80"), endpoint::parse("[::ffff:127.0.0.1]:80"),
      endpoint::parse("[::1]:80"), endpoint::parse("[::1]:81"), endpoint::parse("[::2]:80"),
      endpoint::parse("[::1%1]:80"), endpoint::parse("[::1%2]:80"), endpoint::parse("unix:/a"),
      endpoint::parse("unix:/b"), endpoint::parse("unix:/ab"), raw_unix(""),
#if ASYNCORE_HAS_ABSTRACT_NAMES
      endpoint::parse("unix:@/a"), endpoint::parse("unix:@a"), endpoint::parse("unix:@a\\x00"),
      endpoint::parse("unix:@a\\x00b"), raw_unix("\0"sv),
#endif
  };
  for (std::size_t i = 0; i < std::size(different); ++i)
    for (std::size_t j = 0; j < std::size(different); ++j)
      BOOST_TEST((different[i] == different[j]) == (i == j), i << " and " << j);

  // Neither padding, nor the flow label, nor what follows the NUL of a path is part of the name.
  const sockaddr_in v4{AF_INET, htons(80), {htonl(INADDR_LOOPBACK)}, {1, 2, 3, 4, 5, 6, 7, 8}};
  const sockaddr_in6 v6{AF_INET6, htons(80), 12345, in6addr_loopback, 0};
  const endpoint odd4(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
  const endpoint odd6(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
  BOOST_TEST((odd4 == endpoint::parse("127.0.0.1:80") && odd6 == endpoint::parse("[::1]:80")));
  for (const std::string_view bytes : {"/a"sv, "/a\0"sv, "/a\0junk"sv}) {
    const endpoint e = raw_unix(bytes);
    BOOST_TEST((e == endpoint::parse("unix:/a") && e.to_string() == "unix:/a"));
  }
}

// Of which there is no more than the family.
BOOST_AUTO_TEST_CASE(one_that_is_cut_off_is_another) {
  for (const char* const text : {"1.2.3.4:80", "[::1]:80"}) {
    const endpoint whole = endpoint::parse(text);
    endpoint part = whole;
    part.resize(sizeof(sa_family_t));
    BOOST_TEST((part.family() == whole.family()));
    BOOST_TEST((whole != part));
    BOOST_TEST((part != whole));
    BOOST_TEST((part == part));
  }
}

BOOST_AUTO_TEST_CASE(prints_what_parse_refuses) {
  BOOST_TEST((raw_unix("") && raw_unix("").to_string() == "unix:"));
  BOOST_TEST(raw_unix("\0"sv).to_string() == (has_abstract ? "unix:@" : "unix:"));
  BOOST_TEST(raw_unix("@a").to_string() == "unix:./@a");
  const sockaddr other{250, "x"};
  BOOST_TEST(endpoint(&other, sizeof(other)).to_string() == "family 250");
}

BOOST_AUTO_TEST_CASE(size_decides_what_counts) {
  for (const std::string_view text : {"127.0.0.1:80"sv, "[::1]:80"sv}) {
    const endpoint whole = endpoint::parse(text);
    endpoint e = whole;
    e.resize(whole.size() - 1);  // too short for its family: bytes, not an address
    BOOST_TEST((e.family() == whole.family() && e.port() == 0 && e != whole && e == endpoint(e)));
    BOOST_TEST(e.to_string() == "family " + std::to_string(whole.family()));
    for (const socklen_t size : {0u, 1u}) {  // 0 is what recvfrom says of an unnamed sender
      e.resize(size);
      BOOST_TEST((!e && e.port() == 0 && e.to_string() == "" && e == endpoint()));
    }
    for (const socklen_t size : {endpoint::capacity() + 1, 1u << 16, ~socklen_t{}}) {
      e.resize(size);
      BOOST_TEST((e.size() == endpoint::capacity() && e == whole));
    }
  }
  const sockaddr_storage large{};
  BOOST_TEST(endpoint(reinterpret_cast<const sockaddr*>(&large), sizeof(large)).size() ==
             endpoint::capacity());
}

BOOST_AUTO_TEST_CASE(the_host_and_another_port) {
  const auto v4 = asyncore::endpoint::parse("127.0.0.1:80");
  BOOST_TEST(v4.host() == "127.0.0.1");
  BOOST_TEST(v4.with_port(8080).to_string() == "127.0.0.1:8080");
  const auto v6 = asyncore::endpoint::parse("[::1]:80");
  BOOST_TEST(v6.host() == "::1");
  BOOST_TEST((asyncore::endpoint::ip(v6.host(), 80) == v6));
  BOOST_TEST(v6.with_port(0).to_string() == "[::1]:0");
  const auto path = asyncore::endpoint::parse("unix:/a:b");
  BOOST_TEST(path.host() == "");
  BOOST_TEST((path.with_port(1) == path));
  BOOST_TEST(asyncore::endpoint().host() == "");
}

BOOST_AUTO_TEST_SUITE_END()

#include "serve/listen_address.h"

#include <gtest/gtest.h>

#include "support/temp_folder.h"

namespace kindred::serve {
namespace {

TEST(ListenAddress, IsAnAddressAndAPort) {
  const ListenAddress four = listen_address_of("127.0.0.1:8080");
  EXPECT_EQ(four.ip, "127.0.0.1");
  EXPECT_EQ(four.port, 8080);
  EXPECT_EQ(four.text(), "127.0.0.1:8080");
  const ListenAddress six = listen_address_of("[::1]:0");
  EXPECT_EQ(six.ip, "::1");
  EXPECT_EQ(six.text(), "[::1]:0");
  EXPECT_EQ(listen_address_of("localhost:1").ip, "127.0.0.1");
  EXPECT_EQ(listen_address_of(":80").ip, "0.0.0.0");
}

TEST(ListenAddress, KnowsWhoCanReachIt) {
  for (const char* const text : {"127.0.0.1:1", "127.3.2.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(listen_address_of(text).is_loopback) << text;
  }
  for (const char* const text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "128.0.0.1:1", ":1",
                                 "[::ffff:10.0.0.1]:1", "[fe80::1]:1"}) {
    EXPECT_FALSE(listen_address_of(text).is_loopback) << text;
  }
  EXPECT_TRUE(listen_address_of("0.0.0.0:1").is_any);
  EXPECT_TRUE(listen_address_of("[::]:1").is_any);
  EXPECT_FALSE(listen_address_of("10.0.0.1:1").is_any);
}

TEST(ListenAddress, RefusesOthers) {
  for (const char* const text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                                 "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080", "example.org:80",
                                 "127.0.0.1:80 ", "127.1:80", "[127.0.0.1:80", "0x7f.0.0.1:80"}) {
    test::expect_error(ErrorKind::usage, "expected an IP address and a port",
                       [&] { listen_address_of(text); });
  }
}

}  // namespace
}  // namespace kindred::serve

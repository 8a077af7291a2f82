#include <catch2/catch_test_macros.hpp>
#include <string>

#include "base/sha256.h"
#include "base/utf8.h"

using namespace kilnwatch::base;

TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("What a terminal would obey is shown in its place") {
  CHECK(visible("plain, \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3 and a \\") ==
        "plain, \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3 and a \\");
  CHECK(visible("a\nb\r\t\x1b[2J\x7f") == "a\\x0ab\\x0d\\x09\\x1b[2J\\x7f");
  CHECK(visible(std::string_view("\0", 1)) == "\\x00");
  CHECK(visible("\xc2\x9b") == "\\xc2\\x9b");                                      // C1: CSI
  CHECK(visible("\xe2\x80\xae\xe2\x81\xa6") == "\\xe2\\x80\\xae\\xe2\\x81\\xa6");  // RLO, LRI
  CHECK(visible("\xe2\x80\x8b\xef\xbb\xbf") == "\\xe2\\x80\\x8b\\xef\\xbb\\xbf");  // ZWSP, BOM
  CHECK(visible("\xf3\xa0\x81\x81") == "\\xf3\\xa0\\x81\\x81");                    // tag
  CHECK(visible("\xff\xc0\xaf\xed\xa0\x80\xe2\x82") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xe2\\x82");
}

TEST_CASE("Bytes that are not UTF-8 are replaced one by one") {
  CHECK(valid_utf8("a\xc3\xa4") == "a\xc3\xa4");
  CHECK(valid_utf8("\xc3") == "?");
  CHECK(valid_utf8("\xc0\xaf\xf5\x80") == "????");                 // overlong, beyond the range
  CHECK(valid_utf8("\xed\xa0\x80") == "???");                      // surrogate
  CHECK(valid_utf8("\xe0\x80\x80\xf4\x90\x80\x80") == "???????");  // overlong, beyond U+10FFFF
  CHECK(valid_utf8("\xf4\x8f\xbf\xbf") == "\xf4\x8f\xbf\xbf");
}

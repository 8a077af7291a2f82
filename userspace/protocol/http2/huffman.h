// The Huffman code of HPACK strings (RFC 7541 section 5.2, appendix B).
#pragma once

#include <string>
#include <string_view>

namespace kilnwatch::protocol::http2 {

// Appends what `coded` stands for, at most 8/5 of its length. False, with nothing promised about
// `out`: it holds the end-of-string code, or ends in more than 7 bits or in zeros.
bool huffman_decode(std::string_view coded, std::string& out);

}  // namespace kilnwatch::protocol::http2

// Where the secrets of a text stand: the rules behind base/secrets.h.
#pragma once

#include <string_view>
#include <vector>

namespace kilnwatch::base {

using Marks = std::vector<bool>;  // one for each byte of the text: part of a secret

// NUL stands between the arguments of a command line and around them: it is a blank that ends
// everything, and it quotes what is between two of it. Each rule is linear in the text.
void mark_assignments(std::string_view text, Marks& marks);  // NAME=x, "name":"x", Name: x
void mark_commands(std::string_view text, Marks& marks);     // --password x, -e K=x, -u me:x
void mark_phrases(std::string_view text, Marks& marks);      // ENV NAME x, netrc, SQL
void mark_shapes(std::string_view text, Marks& marks);       // ghp_…, PEM, user:x@ in URLs

// Parts that the rules share.
bool is_blank(char c);
bool is_name_char(char c);
// [from, to) is a secret.
void mark(std::string_view text, Marks& marks, std::size_t from, std::size_t to);
// The end of the argument that begins at `at`; npos when none does.
std::size_t argument_end(std::string_view text, std::size_t at);

// A quotation mark with the backslashes before it; size 0: none here. More than kSlashes (four
// levels of quoting) are text.
inline constexpr std::size_t kSlashes = 15;
struct Quote {
  char mark = 0;
  std::size_t slashes = 0;
  std::size_t size = 0;
};
Quote quote_at(std::string_view text, std::size_t at);      // begins here
Quote quote_before(std::string_view text, std::size_t at);  // ends just before
// Where the quotation that `open` began, with its text at `from`, has its closing mark (the
// backslashes included); the end of the text when it has none.
std::size_t quotation_end(std::string_view text, std::size_t from, const Quote& open);

// The end of a word that is a value: quoted, partly quoted or bare. Bare: up to a blank, a
// character that ends a shell word, or the mark that closes a quotation around it.
std::size_t value_end(std::string_view text, std::size_t at);
// Marks the value that begins at `at`, without the quotation marks around the whole of it, and
// returns its end. What the shell puts in its place, $NAME and $(…), is no secret: left alone.
std::size_t mark_value(std::string_view text, std::size_t at, Marks& marks);

}  // namespace kilnwatch::base

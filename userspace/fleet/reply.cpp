#include "fleet/reply.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kilnwatch::fleet {
namespace {

// READONLY: a replica that was the master before, which must be looked for anew.
constexpr std::array<std::string_view, 6> kNotNow = {"LOADING",  "MASTERDOWN", "BUSY",
                                                     "READONLY", "MISCONF",    "NOREPLICAS"};
constexpr std::size_t kMaxCode = 32;  // bytes: the longest code there is, and more

// The place of the next value: its list has room for it since create_list. Null: beyond a limit,
// and the library gives the reply up.
Reply* place_of(const redisReadTask* task, std::size_t bytes) {
  auto* left = static_cast<Reader::Budget*>(task->privdata);
  if (left->items == 0 || left->bytes < bytes) return nullptr;
  --left->items;
  left->bytes -= bytes;
  if (task->parent == nullptr) return std::make_unique<Reply>().release();
  auto* list = static_cast<Reply*>(task->parent->obj);
  return &list->items[static_cast<std::size_t>(task->idx)];
}

void* create_text(const redisReadTask* task, char* text, std::size_t size) {
  Reply* reply = place_of(task, size);
  if (reply == nullptr) return nullptr;
  reply->kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::kError : Reply::Kind::kText;
  reply->text.assign(text, size);
  return reply;
}

void* create_list(const redisReadTask* task, int items) {
  // What is to come counts now: it gets its room at once.
  auto* left = static_cast<Reader::Budget*>(task->privdata);
  const auto count = static_cast<std::size_t>(std::max(items, 0));
  if (count >= left->items) return nullptr;
  Reply* reply = place_of(task, count);
  if (reply == nullptr) return nullptr;
  reply->kind = Reply::Kind::kList;
  reply->items.resize(count);
  return reply;
}

void* create_number(const redisReadTask* task, long long number) {
  Reply* reply = place_of(task, 0);
  if (reply == nullptr) return nullptr;
  reply->kind = Reply::Kind::kNumber;
  reply->number = number;
  return reply;
}

void* create_nothing(const redisReadTask* task) { return place_of(task, 0); }

void free_root(void* reply) { const std::unique_ptr<Reply> owner(static_cast<Reply*>(reply)); }

// The library takes it as not const, and changes nothing.
redisReplyObjectFunctions functions = {create_text, create_list, create_number, create_nothing,
                                       free_root};

constexpr const char* kBeyond = "a reply beyond all limits";

base::Error no_reply(const std::string& why) {
  return {base::ErrorClass::kInput, "what answers there is no Valkey or Redis (" + why + ")"};
}

}  // namespace

bool Reply::is_error(std::string_view code) const {
  return kind == Kind::kError && error_code(*this) == code;
}

std::string error_code(const Reply& reply) {
  std::string code = reply.text.substr(0, reply.text.find(' '));
  const bool plain = code.size() <= kMaxCode && std::all_of(code.begin(), code.end(), [](char c) {
                       return c >= 'A' && c <= 'Z';
                     });
  return plain && !code.empty() ? code : "an error";
}

bool turns_away(const Reply& reply) {
  return reply.is_error("DENIED") ||
         (reply.kind == Reply::Kind::kError && reply.text.starts_with("ERR max number of clients"));
}

std::string why_not_now(const Reply& reply) {
  if (reply.is_error("DENIED")) return "it takes nobody from other hosts (protected-mode)";
  if (turns_away(reply)) return "it has as many clients as it takes (maxclients)";
  const bool not_now = std::any_of(kNotNow.begin(), kNotNow.end(),
                                   [&](std::string_view code) { return reply.is_error(code); });
  // A cluster of which a part is down serves the rest.
  const bool down =
      reply.is_error("CLUSTERDOWN") && reply.text.find("Hash slot") == std::string::npos;
  return not_now || down ? "it says " + error_code(reply) : "";
}

std::string command(std::initializer_list<std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    texts.push_back(word.data() != nullptr ? word.data() : "");
    sizes.push_back(word.size());
  }
  char* bytes = nullptr;
  const int size =
      ::redisFormatCommandArgv(&bytes, static_cast<int>(texts.size()), texts.data(), sizes.data());
  const std::unique_ptr<char, void (*)(char*)> owner(bytes, ::redisFreeCommand);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

void Reader::Free::operator()(redisReader* reader) const { ::redisReaderFree(reader); }

Reader::Reader() : reader_(::redisReaderCreateWithFunctions(&functions)) {
  *left_ = {kMaxReply, kMaxItems};
  if (reader_) reader_->privdata = left_.get();
}

void Reader::feed(std::string_view bytes) {
  if (reader_) (void)::redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

base::Result<std::optional<Reply>> Reader::next() {
  if (!reader_) return no_reply("no memory");
  void* root = nullptr;
  if (::redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
    beyond_ = reader_->err == REDIS_ERR_OOM;
    return no_reply(beyond_ ? kBeyond : "bytes of another protocol");
  }
  if (root == nullptr) {
    // A text is held by the library until all of it is there.
    beyond_ = reader_->len - reader_->pos > kMaxReply;
    if (beyond_) return no_reply(kBeyond);
    return std::optional<Reply>();
  }
  const std::unique_ptr<Reply> owner(static_cast<Reply*>(root));
  *left_ = {kMaxReply, kMaxItems};
  return std::optional<Reply>(std::move(*owner));
}

}  // namespace kilnwatch::fleet

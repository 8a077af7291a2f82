#include "fleet/link.h"

#include <algorithm>
#include <array>
#include <limits>

namespace kilnwatch::fleet {
namespace {

constexpr std::size_t kPiece = 16'384;  // bytes read at a time

base::Error over(const std::string& why) { return {base::ErrorClass::kEnvironment, why}; }

}  // namespace

Link::Link(std::unique_ptr<Transport> transport, const Login& login, TimeNs now, bool proof)
    : transport_(std::move(transport)), deadline_(now + kConnectWait), active_(now) {
  if (!login.password.empty()) {
    login_ += login.user.empty() ? command({"AUTH", login.password})
                                 : command({"AUTH", login.user, login.password});
    ++logins_;
  }
  if (login.database != 0) {
    login_ += command({"SELECT", std::to_string(login.database)});
    ++logins_;
  }
  greets_ = proof && logins_ == 0;
  if (greets_) {
    // No user needs a right for it.
    login_ = command({"HELLO"});
    ++logins_;
  }
}

void Link::send(Tag tag, const std::string& command, TimeNs now) {
  (ready_ ? out_ : held_) += command;
  sent_.push_back({tag, now});
  active_ = now;
}

base::Status Link::run(TimeNs now) {
  if (!connected_) {
    if (auto done = connect(now); !done) return done;
    if (!connected_) return base::Done{};
  }
  if (auto done = write(); !done) return done;
  if (auto done = read(now); !done) return done;
  if (!ready_ && now >= deadline_) return over("it did not answer the login in time");
  if (ready_ && !sent_.empty() && now >= sent_.front().time + kReplyWait)
    return over("it did not answer in time");
  return write();
}

base::Status Link::connect(TimeNs now) {
  const auto done = transport_->connect();
  if (!done) return done.error();
  connected_ = *done;
  if (!connected_) {
    if (now >= deadline_) return over("it cannot be reached in time");
    return base::Done{};
  }
  deadline_ = now + kReplyWait;
  out_ = std::exchange(login_, {});
  ready_ = logins_ == 0;
  if (ready_) out_ += std::exchange(held_, {});
  return base::Done{};
}

base::Status Link::write() {
  while (!out_.empty()) {
    const auto taken = transport_->write(out_);
    if (!taken) return taken.error();
    if (*taken == 0) break;
    bytes_ += *taken;
    out_.erase(0, *taken);
  }
  return base::Done{};
}

base::Status Link::read(TimeNs now) {
  std::array<char, kPiece> buffer{};
  for (;;) {
    const auto came = transport_->read(buffer);
    if (!came) return came.error();
    if (*came == 0) return base::Done{};
    bytes_ += *came;
    active_ = now;
    reader_.feed({buffer.data(), *came});
    for (;;) {
      auto reply = reader_.next();
      if (!reply) {
        refuse_beyond();
        return reply.error();
      }
      if (!*reply) break;
      if (!ready_) {
        if (auto done = log_in(**reply, now); !done) return done;
        continue;
      }
      if (sent_.empty()) return over("it answers what was not asked");
      answered_.push_back({sent_.front().tag, std::move(**reply)});
      sent_.pop_front();
    }
  }
}

// Asked again, it would end the next connection, too, with all that others ask over it.
void Link::refuse_beyond() {
  if (!reader_.is_beyond() || !ready_ || sent_.empty()) return;
  Reply reply;
  reply.kind = Reply::Kind::kError;
  reply.text = kTooLarge;
  answered_.push_back({sent_.front().tag, std::move(reply)});
  sent_.pop_front();
}

base::Status Link::log_in(const Reply& reply, TimeNs now) {
  if (reply.kind == Reply::Kind::kError) {
    if (turns_away(reply)) return over(why_not_now(reply));
    // To a greeting whoever does not know it, or cannot serve now, has answered.
    if (!greets_ || reply.is_error("NOAUTH"))
      return over("it refuses the login (" + error_code(reply) +
                  "); look at user, password and database");
  }
  if (logins_ == 0 || --logins_ > 0) return base::Done{};
  ready_ = true;
  out_ += std::exchange(held_, {});
  // Their time begins now.
  for (Sent& one : sent_) one.time = now;
  return base::Done{};
}

std::vector<Link::Tag> Link::pending() const {
  std::vector<Tag> tags;
  for (const Sent& one : sent_) tags.push_back(one.tag);
  return tags;
}

pollfd Link::waits_for() const {
  short events = transport_->events();
  if (connected_) events = static_cast<short>(events | POLLIN | (out_.empty() ? 0 : POLLOUT));
  return {transport_->fd(), events, 0};
}

TimeNs Link::due() const {
  if (!ready_) return deadline_;
  return sent_.empty() ? active_ + kIdle : sent_.front().time + kReplyWait;
}

}  // namespace kilnwatch::fleet

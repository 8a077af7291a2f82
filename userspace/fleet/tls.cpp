// TLS over a socket that is about to connect.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>
#include <utility>

#include "fleet/dialer.h"

namespace kilnwatch::fleet {
namespace {

base::Error failed(const std::string& what) { return {base::ErrorClass::kEnvironment, what}; }

// What the library says of the last error, and the queue is empty again.
std::string reason() {
  const unsigned long code = ::ERR_peek_last_error();
  ::ERR_clear_error();
  const char* text = code != 0 ? ::ERR_reason_error_string(code) : nullptr;
  return text != nullptr ? text : "no reason is known";
}

base::Error unusable(const char* key, const std::string& file, const char* remedy) {
  return {base::ErrorClass::kUsage, std::string("baseline.") + key + ": " + file +
                                        " cannot be used (" + reason() + "); " + remedy};
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(base::Fd fd, SSL* ssl) : fd_(std::move(fd)), ssl_(ssl) {}
  int fd() const override { return fd_.get(); }
  short events() const override { return events_; }

  base::Result<bool> connect() override {
    if (!reached_) {
      pollfd end{fd_.get(), POLLOUT, 0};
      if (::poll(&end, 1, 0) == 0) return false;
      int error = 0;
      socklen_t size = sizeof(error);
      if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error != 0)
        return failed(std::string("it cannot be reached (") + std::strerror(error) + ")");
      reached_ = true;
    }
    const auto done = outcome(::SSL_connect(ssl_.get()), "no TLS with it");
    if (!done) return done.error();
    if (*done) events_ = 0;
    return *done > 0;
  }
  base::Result<std::size_t> write(std::string_view bytes) override {
    return outcome(::SSL_write(ssl_.get(), bytes.data(), most(bytes.size())), kBroke);
  }
  base::Result<std::size_t> read(std::span<char> into) override {
    return outcome(::SSL_read(ssl_.get(), into.data(), most(into.size())), kBroke);
  }

 private:
  static constexpr const char* kBroke = "the connection broke";
  static int most(std::size_t size) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<int>::max());
    return static_cast<int>(size < kMost ? size : kMost);
  }
  // Of a call that made progress, must wait, or failed.
  base::Result<std::size_t> outcome(int result, const char* what) {
    if (result > 0) {
      events_ = 0;
      return static_cast<std::size_t>(result);
    }
    const int saved = errno;
    switch (::SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        events_ = POLLIN;
        return std::size_t{0};
      case SSL_ERROR_WANT_WRITE:
        events_ = POLLOUT;
        return std::size_t{0};
      case SSL_ERROR_ZERO_RETURN:
        return failed("it closed the connection");
      case SSL_ERROR_SYSCALL:
        ::ERR_clear_error();
        return failed(std::string(what) + " (" +
                      (saved != 0 ? std::strerror(saved) : "it closed the connection") + ")");
      default:
        break;
    }
    const long verdict = ::SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      ::ERR_clear_error();
      return failed(std::string("its certificate is not trusted (") +
                    ::X509_verify_cert_error_string(verdict) + "); look at baseline.ca_file");
    }
    return failed(std::string(what) + " (" + reason() + ")");
  }

  struct Free {
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
  };
  base::Fd fd_;
  std::unique_ptr<SSL, Free> ssl_;  // before fd_ goes
  short events_ = POLLOUT;
  bool reached_ = false;
};

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { ::SSL_CTX_free(context); }

base::Result<TlsContext> TlsContext::make(const TlsFiles& files) {
  ::ERR_clear_error();
  TlsContext out;
  out.context_.reset(::SSL_CTX_new(::TLS_client_method()));
  SSL_CTX* context = out.context_.get();
  if (context == nullptr) return failed("no TLS (" + reason() + ")");
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // What is sent lies in a string that may move between two tries.
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (files.ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context);
  } else if (::SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) != 1) {
    return unusable("ca_file", files.ca, "name a file of certificates in PEM form");
  }
  if (!files.certificate.empty() &&
      ::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return unusable("cert_file", files.certificate, "name a file of certificates in PEM form");
  if (!files.key.empty() &&
      ::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable("key_file", files.key,
                    "name the key of cert_file, in PEM form and without a password");
  return out;
}

base::Result<std::unique_ptr<Transport>> make_tls(const TlsContext& context, base::Fd fd,
                                                  const std::string& server,
                                                  const std::string& node) {
  SSL* ssl = ::SSL_new(context.get());
  if (ssl == nullptr) return failed("no TLS (" + reason() + ")");
  const int number = fd.get();
  auto transport = std::make_unique<TlsTransport>(std::move(fd), ssl);
  X509_VERIFY_PARAM* wanted = ::SSL_get0_param(ssl);
  ::X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // A node that a redirect names by its address may have the name of the whole.
  const std::string& name = is_address(node) ? server : node;
  bool set = ::SSL_set_fd(ssl, number) == 1;
  if (is_address(name)) {
    set = set && ::X509_VERIFY_PARAM_set1_ip_asc(wanted, node.c_str()) == 1;
  } else {
    set = set && ::SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
          ::X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), 0) == 1 &&
          ::X509_VERIFY_PARAM_add1_host(wanted, server.c_str(), 0) == 1;
  }
  if (!set) return failed("no TLS (" + reason() + ")");
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace kilnwatch::fleet

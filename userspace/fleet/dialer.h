// Connections over TCP, plain or with TLS. Looking a name up may take a moment: for the thread that
// may wait.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "fleet/transport.h"

struct ssl_ctx_st;

namespace kilnwatch::fleet {

struct TlsFiles {
  std::string ca;           // empty: those that the system trusts
  std::string certificate;  // of this host, with what leads to the CA; empty: none
  std::string key;
};

class TlsContext {
 public:
  // kUsage: a file that cannot be used, with what to do.
  static base::Result<TlsContext> make(const TlsFiles& files);
  ssl_ctx_st* get() const { return context_.get(); }

 private:
  TlsContext() = default;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

// `names`: one of which the server's certificate must have.
base::Result<std::unique_ptr<Transport>> make_tls(const TlsContext& context, base::Fd fd,
                                                  const std::string& server,
                                                  const std::string& node);

class SocketDialer final : public Dialer {
 public:
  // `server`: as it is configured; nodes of its cluster may have certificates of that name.
  explicit SocketDialer(std::string server, std::unique_ptr<TlsContext> tls = nullptr);
  base::Result<std::unique_ptr<Transport>> dial(const Node& node) override;

 private:
  const std::string server_;
  const std::unique_ptr<TlsContext> tls_;  // null: plain
  unsigned tries_ = 0;                     // a name may have several addresses
};

}  // namespace kilnwatch::fleet

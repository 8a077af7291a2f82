#include "stream/event_cost.h"

namespace kilnwatch::stream {
namespace {

constexpr std::size_t kNode = 64;  // a map's links and key, about

struct TextOf {
  static std::size_t text(const domain::Process& process) {
    std::size_t bytes = process.comm.size() + process.exe.size() + process.cgroup.path.size();
    for (const std::string& arg : process.args) bytes += arg.size() + sizeof(arg);
    return bytes;
  }
  std::size_t operator()(const domain::ConnOpened& e) const { return e.path.size(); }
  std::size_t operator()(const domain::ClientSeen& e) const { return text(e.process); }
  std::size_t operator()(const domain::ConnData& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::ProcessExecuted& e) const { return text(e.process); }
  std::size_t operator()(const domain::EgressStarted& e) const { return text(e.process); }
  std::size_t operator()(const domain::EgressPayload& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::KernelLoss& e) const { return e.cause.size(); }
  template <class Other>
  std::size_t operator()(const Other&) const {
    return 0;
  }
};

}  // namespace

std::size_t cost_of(const domain::Event& event) {
  return sizeof(domain::Event) + kNode + std::visit(TextOf{}, event);
}

}  // namespace kilnwatch::stream

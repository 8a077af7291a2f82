#include "stream/event_cost.h"

namespace kilnwatch::stream {
namespace {

constexpr std::size_t kNode = 64;  // a map's links and key, about

struct TextOf {
  static std::size_t text(const domain::Process& process) {
    return process.comm.size() + process.exe.size() + process.cgroup.path.size() +
           text(process.args);
  }
  static std::size_t text(const std::vector<std::string>& list) {
    std::size_t bytes = 0;
    for (const std::string& item : list) bytes += item.size() + sizeof(item);
    return bytes;
  }
  std::size_t operator()(const domain::ConnOpened& e) const { return e.path.size(); }
  std::size_t operator()(const domain::ClientSeen& e) const { return text(e.process); }
  std::size_t operator()(const domain::ConnData& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::ProcessExecuted& e) const { return text(e.process); }
  std::size_t operator()(const domain::EgressStarted& e) const { return text(e.process); }
  std::size_t operator()(const domain::EgressPayload& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::EgressSent& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::EgressDatagram& e) const { return e.bytes.size(); }
  std::size_t operator()(const domain::DnsAnswered& e) const {
    return text(e.process) + e.bytes.size();
  }
  std::size_t operator()(const domain::DnsBytes& e) const {
    return text(e.process) + e.bytes.size();
  }
  std::size_t operator()(const domain::KernelLoss& e) const { return e.cause.size(); }
  std::size_t operator()(const domain::DockerfileRead& e) const {
    return e.path.size() + e.text.size() + e.sha256.size();
  }
  std::size_t operator()(const domain::StorageRead& e) const {
    std::size_t bytes = 0;
    for (const auto& image : e.images) {
      bytes += sizeof(image) + image.id.size() + image.digest.size() + text(image.names);
    }
    for (const auto& one : e.containers) {
      bytes += sizeof(one) + one.id.size() + one.name.size() + one.image.size() + text(one.binds) +
               text(one.capabilities) + text(one.devices);
    }
    return bytes;
  }
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

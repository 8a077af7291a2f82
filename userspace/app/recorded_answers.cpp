#include "app/recorded_answers.h"

#include <utility>

#include "capture/replay/recording_reader.h"

namespace kilnwatch::app {

fleet::RecordedAnswers read_answers(const std::string& file) {
  fleet::RecordedAnswers out;
  auto source = capture::RecordingReader::open(file);
  if (!source) return out;
  (*source)->on_answer([&](domain::FleetAnswered&& answer) {
    out.add(answer.moment, {static_cast<fleet::Answer::Kind>(answer.answer), answer.capped,
                            std::move(answer.note), answer.known_name});
  });
  for (bool more = true; more;) {
    const auto state = (*source)->poll(0, [](domain::Event&&) {});
    more = state && *state == capture::EventSource::State::kMore;
  }
  return out;
}

}  // namespace kilnwatch::app

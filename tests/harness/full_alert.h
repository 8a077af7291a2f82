// An alert with every field of the schema set, found by reflection: a new field is in it too.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "kilnwatch/v1/alert.pb.h"

namespace kilnwatch::test {

// Numbers are 0 where the schema can tell that from absence; text is `text`, followed by the
// field's name.
inline void fill_every_field(google::protobuf::Message& message, const std::string& text) {
  using Field = google::protobuf::FieldDescriptor;
  const auto* reflection = message.GetReflection();
  const auto* type = message.GetDescriptor();
  if (type->full_name() == "google.protobuf.Timestamp") {
    reflection->SetInt64(&message, type->FindFieldByName("seconds"), 1'700'000'000);
    reflection->SetInt32(&message, type->FindFieldByName("nanos"), 123'000'000);
    return;
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    const std::string value = text + field->name();
    switch (field->cpp_type()) {
      case Field::CPPTYPE_STRING:
        if (field->is_repeated()) {
          reflection->AddString(&message, field, value + "1");
          reflection->AddString(&message, field, value + "2");
        } else {
          reflection->SetString(&message, field, value);
        }
        break;
      case Field::CPPTYPE_MESSAGE:
        fill_every_field(field->is_repeated() ? *reflection->AddMessage(&message, field)
                                              : *reflection->MutableMessage(&message, field),
                         text);
        break;
      case Field::CPPTYPE_UINT32:
        reflection->SetUInt32(&message, field, 0);
        break;
      case Field::CPPTYPE_INT32:
        reflection->SetInt32(&message, field, 0);
        break;
      case Field::CPPTYPE_DOUBLE:
        reflection->SetDouble(&message, field, 0);
        break;
      case Field::CPPTYPE_BOOL:
        reflection->SetBool(&message, field, false);
        break;
      case Field::CPPTYPE_ENUM:
        reflection->SetEnumValue(&message, field, 1);
        break;
      default:  // 64-bit numbers would be strings in JSON: the schema has none
        throw std::logic_error("a field of a kind that alerts do not have: " + field->name());
    }
  }
}

inline v1::Alert full_alert(const std::string& text = "") {
  v1::Alert alert;
  fill_every_field(alert, text);
  return alert;
}

}  // namespace kilnwatch::test

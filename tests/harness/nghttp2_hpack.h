// nghttp2's HPACK encoder and decoder: the oracle that ours is held against.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kilnwatch::test {

struct NameValue {
  std::string name, value;
  bool sensitive = false;
  bool operator==(const NameValue&) const = default;
};

class Deflater {
 public:
  explicit Deflater(std::size_t table = 4096) {
    nghttp2_hd_deflater* made = nullptr;
    if (nghttp2_hd_deflate_new(&made, table) == 0) deflater_.reset(made);
  }
  void resize(std::size_t table) { nghttp2_hd_deflate_change_table_size(deflater_.get(), table); }
  std::string encode(const std::vector<NameValue>& fields) {
    std::vector<nghttp2_nv> list;
    list.reserve(fields.size());
    for (const auto& field : fields)
      list.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
                      static_cast<std::uint8_t>(field.sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : 0)});
    std::string out(nghttp2_hd_deflate_bound(deflater_.get(), list.data(), list.size()), '\0');
    const auto size =
        nghttp2_hd_deflate_hd(deflater_.get(), bytes(out), out.size(), list.data(), list.size());
    out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return out;
  }

 private:
  static std::uint8_t* bytes(const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  struct Delete {
    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
  };
  std::unique_ptr<nghttp2_hd_deflater, Delete> deflater_;
};

class Inflater {
 public:
  Inflater() {
    nghttp2_hd_inflater* made = nullptr;
    if (nghttp2_hd_inflate_new(&made) == 0) inflater_.reset(made);
  }
  void allow(std::size_t table) { nghttp2_hd_inflate_change_table_size(inflater_.get(), table); }
  // Nothing: refused, and so is everything after it.
  std::optional<std::vector<NameValue>> decode(std::string_view block) {
    std::vector<NameValue> fields;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const auto read = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, at, left, 1);
      if (read < 0) return std::nullopt;
      at += read;
      left -= static_cast<std::size_t>(read);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.push_back({text(field.name, field.namelen), text(field.value, field.valuelen),
                          (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0});
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_.get());
    return fields;
  }

 private:
  static std::string text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }
  struct Delete {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  std::unique_ptr<nghttp2_hd_inflater, Delete> inflater_;
};

}  // namespace kilnwatch::test

// An array map of 64-bit numbers that is read without a call of bpf(2): during such a call the
// kernel runs no program of a perf event on that CPU, also where another task has it meanwhile
// (kernel/bpf/syscall.c, bpf_disable_instrumentation).
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace kilnwatch::capture {

class MappedArray {
 public:
  MappedArray() = default;
  // Of a map with BPF_F_MMAPABLE; false of ready(): it cannot be mapped.
  MappedArray(int map, std::size_t entries)
      : bytes_((entries * sizeof(std::uint64_t) + page() - 1) / page() * page()) {
    void* at = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, map, 0);
    if (at != MAP_FAILED) at_ = static_cast<const std::uint64_t*>(at);
  }
  MappedArray(MappedArray&& other) noexcept
      : at_(std::exchange(other.at_, nullptr)), bytes_(other.bytes_) {}
  MappedArray& operator=(MappedArray&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedArray() {
    if (at_ != nullptr) ::munmap(const_cast<std::uint64_t*>(at_), bytes_);
  }

  bool ready() const { return at_ != nullptr; }
  std::uint64_t at(std::size_t i) const { return __atomic_load_n(at_ + i, __ATOMIC_RELAXED); }

 private:
  static std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

  const std::uint64_t* at_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kilnwatch::capture

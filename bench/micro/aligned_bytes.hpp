#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#include "wspush/base/bytes.hpp"

namespace wspush {

/// Bytes that begin `page_offset` behind a page. Copies between buffers whose offsets are nearly
/// the same run at a tenth of the speed on some CPUs, which would drown what is measured.
class AlignedBytes {
 public:
  AlignedBytes(ByteView content, std::size_t page_offset)
      : memory_(static_cast<char*>(::operator new(content.size() + page_offset + 64, kPage))),
        bytes_(memory_.get() + page_offset, content.size()) {
    std::memcpy(bytes_.data(), content.data(), content.size());
  }

  MutableBytes bytes() const { return bytes_; }

 private:
  static constexpr std::align_val_t kPage{4096};
  struct Free {
    void operator()(char* memory) const { ::operator delete(memory, kPage); }
  };

  std::unique_ptr<char, Free> memory_;
  MutableBytes bytes_;
};

/// Where the source and the target of a copy lie.
inline constexpr std::size_t kSourceOffset = 0;
inline constexpr std::size_t kTargetOffset = 2048;

}  // namespace wspush

// The memory of packed weights.
#pragma once

#include <cstddef>
#include <memory>

namespace tenfold::kernels {

/// The bytes of packed weights, zeros at first, at a 64-byte boundary (base/huge_memory.hpp).
class PackedBytes {
 public:
  PackedBytes() = default;
  explicit PackedBytes(size_t size);  ///< throws std::bad_alloc
  std::byte* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  std::shared_ptr<std::byte> data_;
  size_t size_ = 0;
};

}  // namespace tenfold::kernels

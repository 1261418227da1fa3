// NumPy's .npy and .npz files.  Untrusted: every length is checked against the bytes that are there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tensor/tensor.hpp"

namespace tenfold::measure {

/// A copy of the array in a .npy file (format versions 1 to 3, C order, little endian).  `what` names it in
/// messages. Throws Error(data) where the bytes are damaged, Error(unsupported) for an array that no tensor
/// can hold.
Tensor parse_npy(std::span<const std::byte> bytes, std::string_view what);
Tensor read_npy(const std::filesystem::path& file);
/// The arrays of a .npz file (a zip of .npy members, stored or deflated) by name.
std::map<std::string, Tensor> read_npz(const std::filesystem::path& file);

}  // namespace tenfold::measure

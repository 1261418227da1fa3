// Hashes for proofs.
#pragma once

#include <filesystem>
#include <string>

namespace tenfold {

/// SHA-256 (FIPS 180-4) of a file's bytes, in hexadecimal.  Throws Error(not_found / io).
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace tenfold

#include "base/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>

#include "base/error.hpp"

namespace tenfold {

std::string sha256_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(ErrorCode::not_found, "cannot open '{}'", path.string());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  bool ok = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  std::array<char, 1 << 16> buffer;
  while (ok && (file.read(buffer.data(), buffer.size()) || file.gcount() > 0))
    ok = EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(file.gcount()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  ok = ok && EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  if (!ok || file.bad()) fail(ErrorCode::io, "cannot hash '{}'", path.string());
  std::string hex;
  for (unsigned i = 0; i < length; i++) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace tenfold
